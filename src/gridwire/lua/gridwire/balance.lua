-- Pool → endpoint: smooth weighted round robin (nginx's own algorithm), or fewest requests under way per weight.
-- State is per worker; each worker alone keeps the shares, so all together do.
local drain = require "gridwire.drain"
local takes_new = drain.takes_new

local _M = {}

local function round_robin(endpoints, tried, allowed)
    local best, total = nil, 0
    for i = 1, #endpoints do
        local endpoint = endpoints[i]
        if allowed(endpoint) and not (tried and tried[endpoint]) then
            local weight = endpoint.weight
            local current = endpoint.current + weight
            endpoint.current = current
            total = total + weight
            if not best or current > best.current then best = endpoint end
        end
    end
    if best then best.current = best.current - total end
    return best
end

local function least(pool, tried, allowed)
    local endpoints, best, load = pool.endpoints, nil, 0
    local count = #endpoints
    pool.turn = (pool.turn + 1) % count -- ties go round
    for i = 1, count do
        local endpoint = endpoints[(pool.turn + i) % count + 1]
        if allowed(endpoint) and not (tried and tried[endpoint]) then
            local here = (endpoint.flight + endpoint.others) / endpoint.weight
            if not best or here < load then best, load = endpoint, here end
        end
    end
    return best
end

local function good(endpoint)
    return not endpoint.ejected and endpoint.health ~= "unknown" and takes_new(endpoint)
end

local function fair(endpoint)
    return endpoint.health ~= "unknown" and takes_new(endpoint)
end

-- An endpoint that is not in `tried`, or nil. Preferred in this order: good ones, ejected ones, unknown ones; never
-- one that is down, drained or without weight.
function _M.pick(pool, tried)
    if #pool.endpoints == 0 then return nil end
    if pool.least then
        return least(pool, tried, good) or least(pool, tried, fair) or least(pool, tried, takes_new)
    end
    local endpoints = pool.endpoints
    return round_robin(endpoints, tried, good) or round_robin(endpoints, tried, fair)
        or round_robin(endpoints, tried, takes_new)
end

return _M
