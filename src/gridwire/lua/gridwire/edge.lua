-- A request at an edge: from a gateway, for a service that it names, to the service's target.
--
-- What an edge says to a gateway that no client sees: 590, nothing was sent to the application; 591, something was,
-- and then it broke; with an X-Accel-Redirect that makes the gateway's nginx try elsewhere. No application can speak
-- for the edge: nginx never passes that header on.
local balancer = require "ngx.balancer"
local address = require "gridwire.address"
local data = require "gridwire.data"
local headers = require "gridwire.headers"
local reason = require "gridwire.reason"
local request = require "gridwire.request"
local retry = require "gridwire.retry"

local _M = {}
local served = data.served
local NO_MORE = -3
local UPGRADED_READ = 3600
local UNSENT, BROKEN = 590, 591
local FROM_GATEWAY = { ["x-gridwire-peer"] = true, ["x-gridwire-service"] = true, ["x-gridwire-scheme"] = true }

-- The service that a gateway asks for; nothing for anybody else.
local function asked(var)
    local edge = served.edge
    if not edge then return nil, UNSENT, "unknown-service" end
    if not edge.gateways[var.binary_remote_addr] then return nil, 403, "not-a-gateway" end
    local service = edge.services[var.http_x_gridwire_service or ""]
    if not service then return nil, UNSENT, "unknown-service" end
    return service
end

function _M.access()
    local var = ngx.var
    if served.resting then data.wake() end
    local service, status, why = asked(var)
    if not service then
        if status == 403 then return reason.answer(403, why) end
        return reason.private(status, why)
    end
    headers.strip(FROM_GATEWAY)
    var.gridwire_service = service.name
    local state = request.begin()
    state.service, state.upgrade = service, var.http_upgrade ~= nil
end

function _M.balance()
    local state = request.get()
    local service = state.service
    if state.begun then
        -- A kept-alive connection that the application had closed: nginx tries a new one by itself.
        local sent = retry.last(ngx.var.upstream_bytes_sent, 1) or 0
        if sent > 0 and not retry.idempotent() then return ngx.exit(NO_MORE) end
    end
    state.begun = true
    balancer.set_current_peer(service.host, service.port)
    balancer.set_timeouts(service.connect, service.send, state.upgrade and UPGRADED_READ or service.read)
end

-- nginx's own 502 and 504: the application's fault.
function _M.broken()
    local sent = 0
    for count in (ngx.var.upstream_bytes_sent or ""):gmatch("%d+") do sent = sent + tonumber(count) end
    if ngx.status == 504 then return reason.private(sent == 0 and UNSENT or BROKEN, "app-timeout") end
    return reason.private(sent == 0 and UNSENT or BROKEN, sent == 0 and "app-unreachable" or "app-broke-off")
end

function _M.log()
    local state = request.take()
    if state then request.done(state) end
end

local function over_http(socket, service)
    local check = service.health
    local _, failure = socket:send("GET " .. check.path .. " HTTP/1.1\r\nHost: " .. check.host
        .. "\r\nUser-Agent: gridwire-check\r\nConnection: close\r\n\r\n")
    if failure then return nil, failure end
    local line, problem = socket:receive("*l")
    if not line then return nil, problem end
    local status = tonumber(line:match("^HTTP/1%.[01] (%d%d%d)"))
    if status == check.status then return true end
    if not status then return nil, "does not answer in HTTP" end
    return nil, "answered " .. status .. ", not " .. check.status
end

-- The service's health check, made here and now; nil and why not.
local function healthy(service)
    local socket = ngx.socket.tcp()
    socket:settimeout(service.health.timeout_ms)
    local ok, failure
    if service.unix then
        ok, failure = socket:connect(service.host)
    else
        ok, failure = socket:connect(service.host, service.port) -- IPv6 in brackets, or it reads a port in it
    end
    if ok and service.health.kind == "http" then ok, failure = over_http(socket, service) end
    socket:close()
    return ok, failure
end

local function up()
    ngx.header["Content-Type"] = "text/plain"
    ngx.header["Content-Length"] = 3
    ngx.print("up\n")
end

-- For a gateway: no agent takes part in it.
function _M.check()
    if served.resting then data.look() end
    local service, status, why = asked(ngx.var)
    if not service then return reason.answer(status == UNSENT and 503 or status, why) end
    local ok, failure = healthy(service)
    if ok then return up() end
    return reason.answer(503, failure == "timeout" and "app-timeout" or "app-unreachable")
end

-- For the agent beside us, through the door: the same check, and what exactly was wrong.
function _M.check_own()
    if served.resting then data.look() end
    local service = served.edge and served.edge.services[ngx.var.http_x_gridwire_service or ""]
    if not service then return reason.answer(503, "unknown-service") end
    local ok, failure = healthy(service)
    if ok then return up() end
    if failure == "timeout" then failure = "no answer within " .. service.health.timeout_ms .. " ms" end
    if failure == "no such file or directory" then failure = "there is no such socket" end
    ngx.status = 503
    ngx.header["X-Gridwire-Reason"] = failure
    ngx.header["Content-Length"] = 0
    return ngx.exit(ngx.HTTP_OK)
end

return _M
