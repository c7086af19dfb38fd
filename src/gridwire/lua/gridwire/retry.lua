-- When a request may be tried on another endpoint: whatever its method if nothing of it was sent; else only if its
-- method is idempotent (RFC 9110 §9.2.2) and the pool's budget allows, so that a failing service is not also flooded.
local balance = require "gridwire.balance"
local min = math.min

local _M = {}
local IDEMPOTENT = { GET = true, HEAD = true, OPTIONS = true, PUT = true, DELETE = true, TRACE = true }
-- Per worker and pool: up to 1,000 at once (all that a dying edge may hold of 2,000 clients), then one for every
-- five requests.
_M.BUDGET, _M.REFILL = 1000, 0.2

-- The nth token from the end of one of nginx's lists over all tries ("120 : 0, -"); nil for "-".
function _M.last(list, back)
    local tokens = {}
    for token in (list or ""):gmatch("[^ ,:]+") do tokens[#tokens + 1] = token end
    return tonumber(tokens[#tokens - (back or 0)])
end

function _M.idempotent()
    return IDEMPOTENT[ngx.req.get_method()] == true
end

function _M.refill(pool)
    pool.budget = min(pool.budget + _M.REFILL, _M.BUDGET)
end

-- Another endpoint for this request, or nil. `unsent`: nothing of it reached an application.
function _M.endpoint(state, unsent)
    local pool = state.pool
    if state.retries >= pool.retries then return nil end
    if not unsent then
        if pool.budget < 1 or not _M.idempotent() then return nil end
        pool.budget = pool.budget - 1
    end
    local tried = state.tried or {}
    state.tried = tried
    tried[state.endpoint] = true
    local endpoint = balance.pick(pool, tried)
    if endpoint then state.retries = state.retries + 1 end
    return endpoint
end

return _M
