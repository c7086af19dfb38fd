-- Headers that say who a client is are gridwire's to set, never a client's; and what a client asks for is in the
-- request line, where policy was asked about it: X-Original-URL and X-Rewrite-URL make some frameworks serve another
-- path (IIS and Symfony: CVE-2018-14773).
--
-- Read where nginx has them: a table of ngx.req.get_headers takes a string for each name and value, and `pairs` over it
-- is not compiled; both together a tenth of all that an edge does in user mode for a request.
local ffi = require "ffi"
local base = require "resty.core.base"
require "resty.core.request" -- declares the functions that are called here
local get_request, get_string_buf = base.get_request, base.get_string_buf
local C, cast, text, sub = ffi.C, ffi.cast, ffi.string, string.sub
local HEADERS, SIZE = ffi.typeof("ngx_http_lua_ffi_table_elt_t*"), ffi.sizeof("ngx_http_lua_ffi_table_elt_t")
local cut = ffi.new("int[1]")
local buffer
local X, F = 120, 102

local _M = {}
local OURS = { forwarded = true, ["x-real-ip"] = true, ["x-original-url"] = true, ["x-rewrite-url"] = true }

local function says_who(name)
    return OURS[name] or sub(name, 1, 11) == "x-gridwire-" or sub(name, 1, 12) == "x-forwarded-"
end

-- Remove what a stranger may have sent, save the names in `keep`. nginx drops names with underscores by itself.
function _M.strip(keep)
    local request = get_request()
    local count = C.ngx_http_lua_ffi_req_get_headers_count(request, 0, cut) -- 0: however many there are
    if count < 0 then error("headers cannot be read in this phase") end
    if count == 0 then return end
    buffer = get_string_buf(count * SIZE) -- a pointer into it does not keep it
    local headers = cast(HEADERS, buffer)
    if C.ngx_http_lua_ffi_req_get_headers(request, headers, count, 0) ~= 0 then error("headers cannot be read") end
    local sent -- removed when all are read: each removal moves the others
    for i = 0, count - 1 do
        local key = headers[i].key -- in small letters
        local first = key.len > 0 and key.data[0]
        if first == X or first == F then
            local name = text(key.data, key.len)
            if says_who(name) and not (keep and keep[name]) then
                sent = sent or {}
                sent[#sent + 1] = name
            end
        end
    end
    for i = 1, sent and #sent or 0 do ngx.req.clear_header(sent[i]) end
end

return _M
