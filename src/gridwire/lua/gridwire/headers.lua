-- Headers that say who a client is are gridwire's to set, never a client's; and what a client asks for is in the
-- request line, where policy was asked about it: X-Original-URL and X-Rewrite-URL make some frameworks serve another
-- path (IIS and Symfony: CVE-2018-14773).
local byte, sub = string.byte, string.sub
local _M = {}
local OURS = { forwarded = true, ["x-real-ip"] = true, ["x-original-url"] = true, ["x-rewrite-url"] = true }

-- Remove what a stranger may have sent, save the names in `keep`. nginx drops names with underscores by itself.
function _M.strip(keep)
    local sent = ngx.req.get_headers(0)
    for name in pairs(sent) do
        local first = byte(name)
        if first == 120 or first == 102 then -- x, f
            if (OURS[name] or sub(name, 1, 11) == "x-gridwire-" or sub(name, 1, 12) == "x-forwarded-")
                    and not (keep and keep[name]) then
                ngx.req.clear_header(name)
            end
        end
    end
end

return _M
