-- A request through a gateway, phase by phase: match, policy, pick; then nginx proxies to the endpoint's edge.
local balancer = require "ngx.balancer"
local data = require "gridwire.data"
local match = require "gridwire.match"
local policy = require "gridwire.policy"
local balance = require "gridwire.balance"
local eject = require "gridwire.eject"
local flight = require "gridwire.flight"
local metrics = require "gridwire.metrics"
local reason = require "gridwire.reason"
local request = require "gridwire.request"
local retry = require "gridwire.retry"

local _M = {}
local served = data.served
local allows, pick, find = policy.allows, balance.pick, match.find
local set_current_peer, set_more_tries, set_timeouts =
    balancer.set_current_peer, balancer.set_more_tries, balancer.set_timeouts
local NO_MORE = -3 -- NGX_BUSY: nginx ends the request with its own 502, which @own turns into a page
local UPGRADED_READ = 3600 -- seconds that an upgraded connection may be silent
local MARGIN = 5 -- seconds by which the edge, which knows more, gives up first
local APP = 400 -- what an edge adds to an application's own 4xx and 5xx (gridwire.edge)

function _M.access()
    local var = ngx.var
    local hosts = served.routing
    if not hosts then return reason.answer(503, "not-ready") end
    local asked, peer = var.gridwire_asked, var.binary_remote_addr
    local route, path, why = find(hosts, asked, var.request_uri)
    if not route then return reason.answer(path, why) end -- the status, then
    if not allows(route, peer) then
        var.gridwire_route = route.name
        return reason.answer(403, "not-allowed")
    end
    local pool = route.pool
    local endpoint = pool and pick(pool)
    var.gridwire_route = route.name
    if not endpoint then return reason.answer(503, "no-endpoint") end
    var.gridwire_service = route.service
    endpoint.flight = endpoint.flight + 1
    request.set { route = route, pool = pool, endpoint = endpoint, retries = 0, begun = false,
                  upgrade = var.http_upgrade ~= nil, asked = asked, path = path, peer = peer }
end

local function failed(state, unsent, why)
    flight.finish(state.endpoint)
    if unsent then eject.now(state.endpoint, why) else eject.count(state.endpoint, why) end
end

-- Another endpoint after a failed one, or nil; `state` then holds none.
local function another(state, unsent, why)
    failed(state, unsent, why)
    local endpoint = retry.endpoint(state, unsent)
    state.endpoint = endpoint
    if endpoint then
        flight.begin(endpoint)
        metrics.event("retry")
    end
    return endpoint
end

function _M.balance()
    local state = request.get()
    local pool = state.pool
    if state.begun then
        -- nginx's own next try: the connection to the edge failed or broke off.
        local sent = retry.last(ngx.var.upstream_bytes_sent, 1) or 0
        state.sent = sent > 0
        if not another(state, sent == 0, "the edge") then return ngx.exit(NO_MORE) end
    else
        state.begun = true
        local more = #pool.endpoints - 1
        if more > pool.retries - state.retries then more = pool.retries - state.retries end
        if more > 0 then set_more_tries(more) end
    end
    local endpoint = state.endpoint
    set_current_peer(endpoint.host, endpoint.port)
    if pool.own_timeouts or state.upgrade then
        set_timeouts(pool.connect, pool.send, (state.upgrade and UPGRADED_READ or pool.read) + MARGIN)
    end
end

-- The edge said that the application gave nothing usable: 590, nothing was sent to it; 591, something was.
function _M.retry()
    local state, var = request.get(), ngx.var
    local unsent = retry.last(var.upstream_status) == 590
    local why = reason.known(var.upstream_http_x_gridwire_reason) or "app-unreachable"
    if not another(state, unsent, why) then
        return reason.answer(why == "app-timeout" and 504 or 502, why)
    end
    state.begun = false
end

-- nginx's own 502 and 504: the edge is at fault, or the way to it.
function _M.own()
    local state, status = request.get(), ngx.status
    if not state then return reason.nginx() end
    local sent = retry.last(ngx.var.upstream_bytes_sent) or 0
    if state.endpoint then
        failed(state, sent == 0, "the edge")
        state.endpoint = nil
    else
        sent = state.sent and 1 or 0
    end
    if status == 504 then return reason.answer(504, "edge-timeout") end
    return reason.answer(502, sent == 0 and "edge-unreachable" or "edge-broke-off")
end

-- An application's own error, as an edge passes it, becomes what it was.
function _M.header()
    local status = ngx.status
    if status >= 800 then ngx.status = status - APP end
end

local now, start_time = ngx.now, ngx.req.start_time

function _M.log()
    local state = request.take()
    local status = ngx.status
    if not state then return metrics.count("-", status, now() - start_time()) end
    local endpoint, pool = state.endpoint, state.pool
    if endpoint then
        endpoint.flight = endpoint.flight - 1
        if endpoint.failures > 0 and status < 500 then endpoint.failures = 0 end
    end
    if pool.budget < retry.BUDGET then retry.refill(pool) end
    metrics.count(state.route.name, status, now() - start_time())
end

return _M
