-- Passive ejection: an endpoint that cannot be connected to is left alone at once, one that breaks off five times in
-- a row soon; for 1 s, then 2, 4, 8, at most 10. Never more than half a pool, so that a fault of the gateway's own
-- cannot empty it. An ejection is told to the other workers through shared memory (it is rare; requests are not).
-- The gateway's own checks end it where they find the endpoint up again, as in Envoy.
local now = ngx.now
local floor, min = math.floor, math.min
local drain = require "gridwire.drain"

local _M = {}
local STREAK, LONGEST, MEMORY = 5, 10, 60 -- failures in a row; seconds; seconds after which it starts at 1 s again
local shared = ngx.shared.gridwire_state
local ejected, seen = {}, 0

local function mark(endpoint, till)
    endpoint.ejected_till = till
    if not endpoint.ejected then
        endpoint.ejected = true
        ejected[#ejected + 1] = endpoint
    end
end

local function room(pool)
    local usable, out = 0, 0
    for _, endpoint in ipairs(pool.endpoints) do
        if drain.takes_new(endpoint) then usable = usable + 1 end
        if endpoint.ejected then out = out + 1 end
    end
    return out + 1 <= floor(usable / 2)
end

-- Leave `endpoint` alone for a while. `why` goes to the log.
function _M.now(endpoint, why)
    endpoint.failures = 0
    if endpoint.ejected or not room(endpoint.pool) then return end
    local time = now()
    local count = time - (endpoint.ejected_till or 0) > MEMORY and 1 or endpoint.ejections + 1
    endpoint.ejections = count
    local till = time + min(2 ^ (count - 1), LONGEST)
    mark(endpoint, till)
    shared:set("eject:" .. endpoint.key, till, LONGEST)
    shared:incr("eject_seq", 1, 0)
    shared:incr("ejections:" .. endpoint.key, 1, 0)
    ngx.log(ngx.WARN, "gridwire: ", endpoint.key, " ejected for ", till - time, " s: ", why)
end

-- One failure after something was sent.
function _M.count(endpoint, why)
    endpoint.failures = endpoint.failures + 1
    if endpoint.failures >= STREAK then _M.now(endpoint, why) end
end

-- The gateway's own checks found `key` up again. How often it was ejected stays known: one that goes on to fail is left
-- alone for longer.
function _M.over(key)
    if not shared:get("eject:" .. key) then return end
    shared:delete("eject:" .. key)
    shared:incr("eject_seq", 1, 0)
end

-- Every tick: take in what other workers ejected, let go of what has served its time or is found up again.
function _M.tick(pools)
    local time = now()
    local seq = shared:get("eject_seq") or 0
    local changed = seq ~= seen
    seen = seq
    for i = #ejected, 1, -1 do
        local endpoint = ejected[i]
        if endpoint.ejected_till <= time or (changed and not shared:get("eject:" .. endpoint.key)) then
            endpoint.ejected, endpoint.ejected_till = false, min(endpoint.ejected_till, time)
            table.remove(ejected, i)
        end
    end
    if not changed then return end
    for _, pool in pairs(pools) do
        for _, endpoint in ipairs(pool.endpoints) do
            local till = shared:get("eject:" .. endpoint.key)
            if till and till > time and not endpoint.ejected then mark(endpoint, till) end
        end
    end
end

return _M
