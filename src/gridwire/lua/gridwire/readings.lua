-- What applications may make of a path: the same as gridwire/core/readings.py, which says why.
local find, sub, gsub, byte, char = string.find, string.sub, string.gsub, string.byte, string.char
local tonumber, concat = tonumber, table.concat

local _M = {}
local MOST, DECODES = 64, 3
local BLANK, DOT = 32, 46

local function decoded(path)
    return (gsub(path, "%%(%x%x)", function(hex) return char(tonumber(hex, 16)) end))
end

local function slashes(path)
    return (gsub(path, "\\", "/"))
end

local function cut(path)
    local at = find(path, "[?#]")
    return at and sub(path, 1, at - 1) or path
end

local function bare(path)
    return (gsub(path, ";[^/]*", ""))
end

-- From the end, byte by byte: a pattern would look at every run of blanks again from each of its bytes.
local function stripped(segment, dots)
    local last = #segment
    while last > 0 do
        local code = byte(segment, last)
        if code > BLANK and not (dots and code == DOT) then break end
        last = last - 1
    end
    return sub(segment, 1, last)
end

local function ending(segment)
    local plain = stripped(segment, false)
    if plain == "." or plain == ".." then return plain end
    return stripped(plain, true)
end

local function trimmed(path)
    return (gsub(path, "[^/]+", ending))
end

-- Slashes merged and dot segments removed, nothing decoded.
local function tidy(path)
    local kept, count = {}, 0
    for segment in path:gmatch("[^/]+") do
        if segment == ".." then
            if count > 0 then
                kept[count] = nil
                count = count - 1
            end
        elseif segment ~= "." then
            count = count + 1
            kept[count] = segment
        end
    end
    return "/" .. concat(kept, "/")
end

local STEPS = { slashes, cut, bare, trimmed, tidy }

-- A list of all readings, or nil where there are too many to tell. `raw`: as sent, without the query; `path`: $uri.
function _M.of(raw, path)
    local list, seen = {}, {}
    local function add(reading)
        if not seen[reading] then
            seen[reading] = true
            list[#list + 1] = reading
        end
    end
    add(raw)
    add(path)
    for _ = 1, DECODES do
        raw, path = decoded(raw), decoded(path)
        add(raw)
        add(path)
    end
    if find(raw, "%%%x%x") then return nil end
    for _, step in ipairs(STEPS) do
        for i = 1, #list do add(step(list[i])) end
        if #list > MOST then return nil end
    end
    return list
end

return _M
