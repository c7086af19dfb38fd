-- Requests under way per endpoint. Each worker counts its own and publishes the counts (every tick where a pool
-- balances by least connections, else every 200 ms, and when the last one is done), so that nothing is written to shared memory per request and a
-- killed worker's counts vanish with it. Others' counts are therefore up to one tick old.
local _M = {}
local shared = ngx.shared.gridwire_state
local QUIET_TICKS = 8
local ticks, told = 0, ""

function _M.begin(endpoint)
    endpoint.flight = endpoint.flight + 1
end

function _M.finish(endpoint)
    endpoint.flight = endpoint.flight - 1
end

local function key(worker)
    return "flight:" .. worker
end

-- Endpoints that a new table no longer names, and that still carry requests: counted until they are done.
function _M.tick(pools, leaving, least, rests)
    ticks = ticks + 1
    if not least and not rests and ticks % QUIET_TICKS ~= 0 then return end
    local parts = {}
    for _, pool in pairs(pools) do
        for _, endpoint in ipairs(pool.endpoints) do
            if endpoint.flight > 0 then parts[#parts + 1] = endpoint.key .. "=" .. endpoint.flight end
        end
    end
    for endpoint in pairs(leaving) do
        if endpoint.flight > 0 then
            parts[#parts + 1] = endpoint.key .. "=" .. endpoint.flight
        else
            leaving[endpoint] = nil
        end
    end
    local text = table.concat(parts, " ")
    if text ~= told then
        shared:set(key(ngx.worker.id()), text)
        told = text
    end
    if least then _M.take_in(pools) end
end

local function read(except)
    local sums = {}
    for worker = 0, ngx.worker.count() - 1 do
        if worker ~= except then
            for name, count in (shared:get(key(worker)) or ""):gmatch("([^ =]+)=(%d+)") do
                sums[name] = (sums[name] or 0) + tonumber(count)
            end
        end
    end
    return sums
end

function _M.take_in(pools)
    local sums = read(ngx.worker.id())
    for _, pool in pairs(pools) do
        if pool.least then
            for _, endpoint in ipairs(pool.endpoints) do endpoint.others = sums[endpoint.key] or 0 end
        end
    end
end

-- A worker starts with nothing under way, whatever its dead predecessor had published.
function _M.start()
    shared:delete(key(ngx.worker.id()))
end

function _M.all()
    return read(nil)
end

return _M
