-- A permission withdrawn ends what is under way on it: WebSockets, streams, downloads, whatever is not answered yet.
-- nginx would serve them to their end, which a WebSocket need not have.
--
-- The client's socket is shut down, so that nginx sees its client leave, and cleans up on its own paths. Lua can end no
-- request but the one it runs in; so the socket is found in the request itself, in the first fields of two structures
-- (ngx_http_request_t, ngx_connection_t) that are the same in every nginx since 0.5, and `signature` is checked.
local ffi = require "ffi"
require "resty.core.var" -- declares ngx_http_lua_ffi_var_get
local match = require "gridwire.match"
local policy = require "gridwire.policy"
local request = require "gridwire.request"
local metrics = require "gridwire.metrics"

ffi.cdef [[
typedef struct { void *data; void *read; void *write; int fd; } gridwire_connection_t;
typedef struct { uint32_t signature; gridwire_connection_t *connection; } gridwire_request_t;
int shutdown(int sockfd, int how);
]]

local _M = {}
local lower_case, value, length, problem =
    ffi.new("char[3]"), ffi.new("char *[1]"), ffi.new("size_t[1]"), ffi.new("char *[1]")
local SIGNATURE = 0x50545448 -- "HTTP", NGX_HTTP_MODULE
local SHUT_RDWR = 2

local function close(key)
    local live = ffi.cast("gridwire_request_t *", request.at(key))
    if live.signature ~= SIGNATURE then error("not a request of this nginx's", 0) end
    ffi.C.shutdown(live.connection.fd, SHUT_RDWR)
end

-- nginx's reading of a request's path ($uri). Most requests end before a table changes, so it is read only now.
local function path_of(key)
    local found = ffi.C.ngx_http_lua_ffi_var_get(request.at(key), "uri", 3, lower_case, 0, value, length, problem)
    return found == 0 and ffi.string(value[0], length[0]) or error("a request without a path", 0)
end

-- End what the new table would not let in: by where it went and who asked. A route that leads to another service
-- meanwhile, an endpoint that drains or goes, ends nothing.
function _M.enforce(hosts)
    local ended = 0
    for key, state in request.all() do
        local route = state.asked and match.again(hosts, state.asked, state.peer, path_of(key))
        if state.asked and not (route and policy.allows(route, state.peer)) then
            close(key)
            ended = ended + 1
        end
    end
    if ended > 0 then
        metrics.event("withdrawn", ended)
        ngx.log(ngx.NOTICE, "gridwire: ", ended, " requests ended: their permission was withdrawn")
    end
end

-- Whether a request is under way that a new table could end.
function _M.any()
    for _, state in request.all() do
        if not state.stream then return true end
    end
    return false
end

-- A worker that is to end would serve control's live events until their readers leave; these come again by
-- themselves, to its successor, and miss nothing. Agents' questions for a spec end by themselves, in a minute: where
-- there is a successor they may (all at once they would ask it anew), where there is none (`polls`) they end too.
-- Whether there are any left.
function _M.streams(polls)
    local left = false
    for key, state in request.all() do
        if state.stream and (polls or state.stream ~= "poll") then close(key) end
        left = left or state.stream == "poll"
    end
    return left
end

return _M
