-- The panel's files, and before them and the API: under which host they are asked for, and by whom.
local data = require "gridwire.data"
local headers = require "gridwire.headers"
local reason = require "gridwire.reason"
local request = require "gridwire.request"

local _M = {}
local served = data.served
local HERE = { localhost = true, ["127.0.0.1"] = true, ["[::1]"] = true }

-- Another name that leads here is a stranger's page that wants to speak as this one (DNS rebinding).
local function misdirected(var)
    local panel = served.panel
    return panel and not panel.hosts[var.host or ""]
end

-- A request to control. Agents ask by the gateway's address, persons by the panel's name.
function _M.api()
    if served.resting then data.look() end
    if misdirected(ngx.var) then return reason.answer(421, "not-this-host") end
    headers.strip()
end

-- What waits for control: live events, for hours (true), or an agent's question for a spec ("poll"). The request has
-- a record, so that a worker that is to end can end it (gridwire.withdraw); one that ends begins none.
local function recorded(kind)
    if ngx.worker.exiting() then return reason.answer(503, "control-away") end
    local state = request.begin()
    if state then state.stream = kind end
end

function _M.stream()
    _M.api()
    recorded(true)
end

function _M.poll()
    _M.api()
    recorded("poll")
end

-- A file of the panel: for operators' devices alone.
function _M.file()
    if served.resting then data.look() end
    local var, panel = ngx.var, served.panel
    if not panel then return reason.answer(503, "not-ready") end
    if misdirected(var) then return reason.answer(421, "not-this-host") end
    if not panel.operators[var.binary_remote_addr] then return reason.answer(403, "not-an-operator") end
    if not panel.built then return reason.answer(404, "no-panel") end
end

-- By the socket that only root opens: the near end of a tunnel, and so a page's host, is the operator's own machine.
function _M.socket_api()
    if served.resting then data.look() end
    if not HERE[ngx.var.host or ""] then return reason.answer(421, "not-this-host") end
    headers.strip()
end

function _M.socket_stream()
    _M.socket_api()
    recorded(true)
end

function _M.socket_file()
    _M.socket_api()
    if not served.panel then return reason.answer(503, "not-ready") end
    if not served.panel.built then return reason.answer(404, "no-panel") end
end

-- What scripts a page may run is known when it was built; a page that is not known may run none.
function _M.page()
    local panel = served.panel
    if not panel then return end
    local path = ngx.var.uri:match("^/now/*(/.*)$")
    ngx.header["Content-Security-Policy"] = path and panel.policies[path] or panel.policy
end

return _M
