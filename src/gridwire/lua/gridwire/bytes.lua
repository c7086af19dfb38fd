-- Bytes of the request that ends, each way, head and body. By nginx's own function for modules: as variables of Lua's
-- both together cost 9 times as much.
local ffi = require "ffi"
local band = require("bit").band

ffi.cdef [[
    typedef struct { size_t length; const char *text; } gridwire_name;
    typedef struct { uint32_t length_and_flags; const unsigned char *text; } gridwire_value;
    gridwire_value *ngx_http_get_variable(void *request, gridwire_name *name, uintptr_t key);
    int64_t ngx_atoof(const unsigned char *text, size_t length);
    uintptr_t ngx_hash_strlow(unsigned char *lowered, const char *text, size_t length);
]]

local _M = {}
local C, tonumber, max = ffi.C, tonumber, math.max
local LENGTH = 0x0fffffff -- nginx keeps four flags above it

local function variable(text)
    local name = ffi.new("gridwire_name", #text, text)
    local key = C.ngx_hash_strlow(ffi.new("unsigned char[?]", #text), text, #text)
    return function(request)
        local value = C.ngx_http_get_variable(request, name, key)
        if value == nil then return 0 end
        return max(tonumber(C.ngx_atoof(value.text, band(value.length_and_flags, LENGTH))), 0)
    end, text -- the name must live as long
end

_M.received, _M.received_name = variable("request_length")
_M.sent, _M.sent_name = variable("bytes_sent")

return _M
