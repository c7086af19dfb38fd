-- Host and path → route. The same rules as gridwire/core/matcher.py; a property test holds the two together.
local find, sub, gsub, lower, byte, char = string.find, string.sub, string.gsub, string.lower, string.byte, string.char
local tonumber, concat = tonumber, table.concat

local _M = {}
local MAX_SPELLINGS = 4096 -- raw Host headers remembered per table; a stranger can vary case and port without end

local function site_of(sites, host)
    local site = sites[host]
    if not site then
        site = { by = {}, depth = 0 }
        sites[host] = site
    end
    return site
end

-- `routes`: {name, host, path, …} in the table's order; of two with the same path the first stays.
function _M.build(routes)
    local hosts = { exact = {}, wild = {}, spelt = {}, spellings = 0 }
    for _, route in ipairs(routes) do
        local wild = sub(route.host, 1, 2) == "*."
        local site = wild and site_of(hosts.wild, sub(route.host, 3)) or site_of(hosts.exact, route.host)
        local path = gsub(route.path, "/$", "")
        if not site.by[path] then
            site.by[path] = route
            local _, depth = gsub(path, "/", "")
            if depth > site.depth then site.depth = depth end
            if path == "" then site.root = route end
        end
    end
    return hosts
end

local function plain_host(raw)
    local host = lower(raw)
    if byte(host) == 91 then return host end
    host = gsub(host, ":.*$", "", 1)
    return (gsub(host, "%.$", "", 1))
end

local function site(hosts, raw)
    local found = hosts.spelt[raw]
    if found then return found end
    local host = plain_host(raw)
    found = hosts.exact[host]
    local dot = find(host, ".", 2, true)
    while not found and dot do
        found = hosts.wild[sub(host, dot + 1)]
        dot = find(host, ".", dot + 1, true)
    end
    if found and hosts.spellings < MAX_SPELLINGS then
        hosts.spelt[raw] = found
        hosts.spellings = hosts.spellings + 1
    end
    return found
end

-- The longest prefix of whole segments.
local function longest(paths, path)
    local best, from = paths.root, 1
    for _ = 1, paths.depth do
        local slash = find(path, "/", from + 1, true)
        local route = paths.by[slash and sub(path, 1, slash - 1) or path]
        if route then best = route end
        if not slash then break end
        from = slash
    end
    return best
end

local function decoded(path)
    return (gsub(path, "%%(%x%x)", function(hex) return char(tonumber(hex, 16)) end))
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

-- An application may read the path as it was sent, decode it only, tidy it only, or decode twice. Where any of
-- these readings is another route's, the request is refused: a policy cannot be walked around by spelling.
local function ambiguous(paths, raw, path, route)
    return longest(paths, raw) ~= route
        or longest(paths, tidy(raw)) ~= route
        or longest(paths, decoded(raw)) ~= route
        or longest(paths, decoded(path)) ~= route
        or longest(paths, tidy(decoded(path))) ~= route
end

-- → route, or nil, status, reason. `target` is $request_uri; nginx's own reading of it is asked for only where the
-- spelling has anything to normalise, because each variable read costs.
function _M.find(hosts, raw_host, target)
    local paths = raw_host and site(hosts, raw_host)
    if not paths then return nil, 421, "unknown-host" end
    local query = find(target, "?", 1, true)
    local raw = query and sub(target, 1, query - 1) or target
    if not (find(raw, "%", 1, true) or find(raw, "//", 1, true) or find(raw, "/.", 1, true)
            or find(raw, "#", 1, true)) and byte(raw) == 47 then
        local route = longest(paths, raw)
        if route then return route end
        return nil, 404, "no-route"
    end
    local path = ngx.var.uri
    if path == "/.gridwire" or sub(path, 1, 11) == "/.gridwire/" then return nil, 404, "no-route" end
    local route = longest(paths, path)
    if ambiguous(paths, raw, path, route) then return nil, 400, "path-ambiguous" end
    if route then return route end
    return nil, 404, "no-route"
end

return _M
