-- Every 4xx and 5xx of gridwire's own: a reason code, in a header, in the log and in a small page with the request id.
-- Nothing that a client sent is in the page.
local metrics = require "gridwire.metrics"

local _M = {}

local SAYS = {
    ["unknown-host"] = "No route has this host name.",
    ["no-route"] = "No route of this host has this path.",
    ["bad-host"] = "This is not a host name, or not the one in the request's target.",
    ["path-ambiguous"] = "This path reads as different routes, depending on who reads it.",
    ["not-allowed"] = "This device may not use this route.",
    ["not-a-gateway"] = "Only gateways may connect here.",
    ["no-endpoint"] = "No endpoint of this service is up.",
    ["app-unreachable"] = "The application could not be reached on its node.",
    ["app-broke-off"] = "The application broke off while it was answering.",
    ["app-timeout"] = "The application did not answer in time.",
    ["edge-unreachable"] = "The node of this service could not be reached.",
    ["edge-broke-off"] = "The node of this service broke off while it was answering.",
    ["edge-timeout"] = "The node of this service did not answer in time.",
    ["unknown-service"] = "The node does not know this service yet.",
    ["control-away"] = "The control plane is away. The data path is not affected; try again soon.",
    ["not-this-host"] = "This host name does not lead to the control panel.",
    ["not-an-operator"] = "Only operators' devices may open the control panel.",
    ["no-panel"] = "This installation has no control panel: it was built without one.",
    ["no-authority"] = "This grid has no certificate authority of its own.",
    ["tls-wanted"] = "This port speaks TLS: write https:// in front.",
    ["not-here"] = "There is nothing at this address.",
    ["malformed"] = "This request is not well-formed HTTP.",
    ["body-too-large"] = "The request's body is larger than gridwire takes.",
    ["target-too-long"] = "The request's target is too long.",
    ["headers-too-large"] = "The request's headers are too large.",
    ["request-timeout"] = "The request did not arrive in time.",
    ["too-many-connections"] = "This device has too many requests under way here; try again soon.",
    ["internal"] = "gridwire made a mistake.",
    ["not-ready"] = "gridwire has no routes yet.",
}
local BY_STATUS = {
    [400] = "malformed", [405] = "malformed", [408] = "request-timeout", [413] = "body-too-large",
    [414] = "target-too-long", [431] = "headers-too-large", [494] = "headers-too-large", [500] = "internal",
    [501] = "malformed", [503] = "too-many-connections", [505] = "malformed",
}
local PAGE = '<!doctype html><html lang="en"><meta charset="utf-8"><title>%d %s</title>'
    .. '<style>body{font:16px/1.5 system-ui,sans-serif;max-width:36em;margin:15vh auto;padding:0 1em}'
    .. 'code{font-size:.9em}</style><h1>%d <code>%s</code></h1><p>%s</p><p>Request <code>%s</code></p></html>\n'

local function head(status, reason)
    ngx.status = status
    ngx.header["X-Gridwire-Reason"] = reason
    ngx.var.gridwire_reason = reason
    metrics.refused(SAYS[reason] and reason or "internal") -- an edge counts its own, which its gateway may mend
end

-- Answer and end the request. `status`: what the client sees.
function _M.answer(status, reason)
    local id = ngx.var.gridwire_id
    head(status, reason)
    local page = PAGE:format(status, reason, status, reason, SAYS[reason] or SAYS.internal, id)
    ngx.header["X-Request-Id"] = id
    ngx.header["Content-Type"] = "text/html; charset=utf-8"
    ngx.header["Cache-Control"] = "no-store"
    ngx.header["Content-Length"] = #page
    if status == 503 then ngx.header["Retry-After"] = "1" end
    ngx.print(page)
    return ngx.exit(ngx.HTTP_OK) -- ngx.OK would only end this phase
end

-- Edge to gateway, without a page: 590, 591 (gridwire.edge).
function _M.private(status, reason)
    head(status, reason)
    ngx.header["X-Accel-Redirect"] = "@retry"
    ngx.header["Content-Length"] = 0
    ngx.send_headers()
    return ngx.exit(ngx.HTTP_OK)
end

function _M.known(reason)
    return SAYS[reason] and reason or nil
end

-- Requests that nginx itself turned away.
function _M.nginx()
    local status = ngx.status
    local reason = BY_STATUS[status] or "malformed"
    return _M.answer(status == 494 and 431 or status, reason)
end

return _M
