-- Mesh addresses as nginx holds them ($binary_remote_addr): 4 or 16 bytes. The documents spell them exploded
-- (10.85.0.1, fd12:0000:…:0001), so that one spelling is one key.
local char, tonumber = string.char, tonumber
local _M = {}

function _M.binary(text)
    local bytes = {}
    if text:find(":", 1, true) then
        for group in text:gmatch("%x%x%x%x") do
            bytes[#bytes + 1] = char(tonumber(group:sub(1, 2), 16), tonumber(group:sub(3, 4), 16))
        end
    else
        for part in text:gmatch("%d+") do bytes[#bytes + 1] = char(tonumber(part)) end
    end
    local binary = table.concat(bytes)
    if #binary ~= 4 and #binary ~= 16 then error("not an exploded address: " .. text, 0) end
    return binary
end

-- A set of addresses, and how set_current_peer wants one.
function _M.set(texts)
    local set = {}
    for _, text in ipairs(texts) do set[_M.binary(text)] = true end
    return set
end

function _M.peer(text)
    return text:find(":", 1, true) and "[" .. text .. "]" or text
end

return _M
