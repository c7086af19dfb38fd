-- The api and enrol listeners: to control, over its Unix socket. While control restarts, its socket stays open and
-- requests queue in the kernel; where it is away altogether, they are held here for a while and then answered 503.
local headers = require "gridwire.headers"
local reason = require "gridwire.reason"
local request = require "gridwire.request"
local retry = require "gridwire.retry"

local _M = {}
local STEP = 0.3 -- seconds between tries; nginx allows ten turns
local ENROL = { ["/api/v1/enrolments"] = true, ["/api/v1/enrolments/confirm"] = true,
    ["/api/v1/enrolments/tailnet"] = true }

function _M.enrol()
    if ngx.req.get_method() ~= "POST" or not ENROL[ngx.var.uri] or ngx.var.request_uri ~= ngx.var.uri then
        return reason.answer(404, "not-here")
    end
    headers.strip()
end

function _M.log()
    local state = request.take()
    if state then request.done(state) end
end

function _M.nowhere()
    return reason.answer(404, "not-here")
end

-- Nothing sent, or safe to send again: wait, and let nginx try once more.
function _M.wait()
    local sent = retry.last(ngx.var.upstream_bytes_sent) or 0
    if sent > 0 and not retry.idempotent() then return reason.answer(503, "control-away") end
    local _, tries = (ngx.var.upstream_status or ""):gsub("%d+", "")
    if tries >= 9 then return reason.answer(503, "control-away") end
    ngx.sleep(STEP)
end

return _M
