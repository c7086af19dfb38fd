-- What gridwire knows of a request, from the access phase to the log phase.
-- ngx.ctx carries it no further than an internal redirect, and a retry on another endpoint is one; the request's
-- own address stays, and the log phase of the server, which nginx always runs (a phase of a location would be skipped
-- where nginx answers an error of its own from another location), frees the entry.
local ffi = require "ffi"
local get_request = require("resty.core.base").get_request
local cast, tonumber = ffi.cast, tonumber
local uintptr = ffi.typeof("uintptr_t")

local _M = {}
local states = {}

function _M.set(state)
    states[tonumber(cast(uintptr, get_request()))] = state
end

function _M.get()
    return states[tonumber(cast(uintptr, get_request()))]
end

function _M.take()
    local key = tonumber(cast(uintptr, get_request()))
    local state = states[key]
    if state then states[key] = nil end
    return state
end

-- Requests under way: an iterator of (key, state).
function _M.all()
    return pairs(states)
end

-- The request that lies at a key, as resty.core's functions take it. Only for keys that `all` gave just now.
function _M.at(key)
    return cast("ngx_http_request_t *", key)
end

return _M
