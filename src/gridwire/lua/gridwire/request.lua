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
local spare, spares = {}, 0 -- records of requests that ended: to make one for each request costs more than to pick

-- Every field that either side has, so that none is added later, which would move them all. On a gateway: `asked`,
-- `peer`, what the route was found by; `class`, its location where that is not most requests'; `disk`, whether its body
-- may lie on the disk; `endpoint`, false where there is none any more; `refused`, `why`, the
-- answer of a request that was not let in; `stream`, of control's live events, or "poll". On an edge: `service`.
local function record()
    return { route = false, pool = false, endpoint = false, retries = 0, begun = false, upgrade = false, class = false,
             disk = false, asked = false, peer = false, sent = false, late = false, tried = false, refused = false, why = false,
             stream = false, service = false, last = false }
end

-- The request's record, all false; nil where it has one.
function _M.begin()
    local key, state = tonumber(cast(uintptr, get_request())), nil
    if states[key] then return nil end
    if spares > 0 then
        state = spare[spares]
        spares = spares - 1
    else
        state = record()
    end
    states[key] = state
    return state
end

function _M.get()
    return states[tonumber(cast(uintptr, get_request()))]
end

-- The record of a request that ends, or nil; `done` takes it back.
function _M.take()
    local key = tonumber(cast(uintptr, get_request()))
    local state = states[key]
    if state then states[key] = nil end
    return state
end

function _M.done(state)
    state.route, state.pool, state.endpoint, state.service, state.upgrade = false, false, false, false, false
    state.retries, state.begun, state.class, state.disk = 0, false, false, false
    state.asked, state.peer, state.stream = false, false, false
    state.sent, state.late, state.tried, state.refused, state.why, state.last = false, false, false, false, false, false
    spares = spares + 1
    spare[spares] = state
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
