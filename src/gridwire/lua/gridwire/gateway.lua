-- A request through a gateway, phase by phase: match, policy, pick; then nginx proxies to the endpoint's edge.
local balancer = require "ngx.balancer"
local get_request = require("resty.core.base").get_request
local data = require "gridwire.data"
local match = require "gridwire.match"
local policy = require "gridwire.policy"
local balance = require "gridwire.balance"
local eject = require "gridwire.eject"
local flight = require "gridwire.flight"
local metrics = require "gridwire.metrics"
local reason = require "gridwire.reason"
local request = require "gridwire.request"
local traffic = require "gridwire.traffic"
local retry = require "gridwire.retry"

local _M = {}
local served = data.served
local allows, pick, entry_of, find = policy.allows, balance.pick, match.entry, match.find
local set_current_peer, set_timeouts = balancer.set_current_peer, balancer.set_timeouts
local UPGRADE, STREAM = match.UPGRADE, match.STREAM
local NO_MORE = -3 -- NGX_BUSY: nginx ends the request with its own 502, which @own turns into a page
local UPGRADED_READ = 3600 -- seconds that an upgraded connection may be silent
local MARGIN = 5 -- seconds by which the edge, which knows more, gives up first

-- Who asks too much at once: requests under way, per peer. Each worker counts its own, since what one peer must not
-- use up, connections, each worker has its own of.
local under_way, MOST = {}, 4096
-- Bodies of up to 10 MB that do not fit in memory are kept until they are answered, so that they can be sent again to
-- another endpoint; so many at once in a worker, and what comes beyond is streamed: no peer can fill the disk.
local on_disk, MOST_ON_DISK = 0, 64

-- The request is answered from @aside, with this.
local function refuse(status, why, route)
    local state = request.begin()
    if state then state.refused, state.why, state.route = status, why, route or false end
    return ""
end

-- Match, policy, pick: the name of the service, which is $gridwire_service from then on; or "", and the request goes
-- to @aside. In set_by_lua, which costs half of what access_by_lua does: no coroutine is made.
function _M.route()
    local var = ngx.var
    if served.resting then data.wake() end
    local hosts = served.routing
    if not hosts then return refuse(503, "not-ready") end
    local asked = var.gridwire_asked
    local entry, status, why = hosts.entries[asked]
    if not entry then
        entry, status, why = entry_of(hosts, asked, #var.binary_remote_addr)
        if not entry then return refuse(status, why) end
    end
    local peer = entry.peer
    local route
    route, status, why = find(entry.site)
    if not route then return refuse(status, why) end
    var.gridwire_route = route.name
    if not allows(route, peer) then return refuse(403, "not-allowed", route) end
    local count = (under_way[peer] or 0) + 1
    if count > MOST then return refuse(503, "too-many-connections", route) end
    local pool = route.pool
    local endpoint = pool and pick(pool)
    if not endpoint then return refuse(503, "no-endpoint", route) end
    local state = request.begin()
    if not state then return "" end -- an edge redirected it here
    endpoint.flight = endpoint.flight + 1
    under_way[peer] = count
    state.route, state.pool, state.endpoint = route, pool, endpoint
    state.asked, state.peer = asked, peer
    local class = entry.class
    if entry.disk then
        if on_disk < MOST_ON_DISK then
            on_disk = on_disk + 1
            state.disk = true
        else
            class = STREAM
        end
    end
    if class then
        state.class = class
        return ""
    end
    return route.service
end

-- gridwire's own paths, which no route has: a host that is unknown is said to be so here too.
function _M.reserved()
    if served.resting then data.look() end
    local hosts, var = served.routing, ngx.var
    if not hosts then return reason.answer(503, "not-ready") end
    local entry, status, why = entry_of(hosts, var.gridwire_asked, #var.binary_remote_addr)
    if not entry then return reason.answer(status, why) end
    return reason.answer(404, "no-route")
end

-- What is not let in, and what needs another location than most requests.
function _M.aside()
    local state = request.get()
    if state.refused then return reason.answer(state.refused, state.why) end
    if not state.class or state.begun then return _M.own() end -- an edge redirected it here
    ngx.var.gridwire_service = state.route.service
    return ngx.exec(state.class)
end

local function failed(state, unsent, why)
    flight.finish(state.endpoint)
    state.last = state.endpoint
    if unsent then eject.now(state.endpoint, why) else eject.count(state.endpoint, why) end
end

-- Another endpoint after a failed one, or nil; `state` then holds none.
local function another(state, unsent, why)
    failed(state, unsent, why)
    local endpoint = retry.endpoint(state, unsent)
    state.endpoint = endpoint or false
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
        if not another(state, sent == 0, "the edge") then
            state.late = retry.last(ngx.var.upstream_status) == 504
            return ngx.exit(NO_MORE)
        end
    else
        state.begun = true
    end
    local endpoint = state.endpoint
    set_current_peer(endpoint.host, endpoint.port)
    local upgraded = state.class == UPGRADE
    if pool.own_timeouts or upgraded then
        set_timeouts(pool.connect, pool.send, (upgraded and UPGRADED_READ or pool.read) + MARGIN)
    end
end

-- The edge said that the application gave nothing usable: 590, nothing was sent to it; 591, something was. nginx came
-- here by the edge's X-Accel-Redirect, which edges do not pass on from applications.
function _M.retry()
    local state, var = request.get(), ngx.var
    local unsent = retry.last(var.upstream_status) == 590
    local why = reason.known(var.upstream_http_x_gridwire_reason) or "app-unreachable"
    local streamed = state.class == STREAM -- its body went to that edge as it came, and cannot be sent again
    if streamed then
        failed(state, unsent, why)
        state.endpoint = false
    end
    if streamed or not another(state, unsent, why) then
        return reason.answer(why == "app-timeout" and 504 or 502, why)
    end
    state.begun = false
    if state.class then return ngx.exec(state.class) end
end

-- nginx's own 502 and 504: the edge is at fault, or the way to it.
function _M.own()
    local state, status = request.get(), ngx.status
    if not state then return reason.nginx() end
    local sent = retry.last(ngx.var.upstream_bytes_sent) or 0
    if state.endpoint then
        failed(state, sent == 0, "the edge")
        state.endpoint = false
    else
        sent = state.sent and 1 or 0
    end
    if status == 504 or state.late then return reason.answer(504, "edge-timeout") end
    return reason.answer(502, sent == 0 and "edge-unreachable" or "edge-broke-off")
end

local now, start_time = ngx.now, ngx.req.start_time

function _M.log()
    local state = request.take()
    local status = ngx.status
    local seconds = now() - start_time()
    if not state then return traffic.count(get_request(), nil, nil, status, seconds, true) end
    local endpoint, route = state.endpoint, state.route
    traffic.count(get_request(), route, endpoint or state.last, status, seconds, not endpoint)
    if not state.refused then
        local pool, peer = state.pool, state.peer
        if endpoint then
            endpoint.flight = endpoint.flight - 1
            if endpoint.failures > 0 and status < 500 then endpoint.failures = 0 end
        end
        if pool.budget < retry.BUDGET then retry.refill(pool) end
        local count = under_way[peer] - 1
        under_way[peer] = count > 0 and count or nil
        if state.disk then on_disk = on_disk - 1 end
    end
    request.done(state)
end

return _M
