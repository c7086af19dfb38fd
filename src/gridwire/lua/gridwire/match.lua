-- Host and path → route. The same rules as gridwire/core/matcher.py; a property test holds the two together.
local readings = require "gridwire.readings"
local find, sub, gsub, lower, byte, match =
    string.find, string.sub, string.gsub, string.lower, string.byte, string.match

local _M = { UPGRADE = "@upgrade", STREAM = "@stream" }
local MAX_ENTRIES = 16384 -- remembered per table; who may ask can vary case and port without end
local SLASH, DOT, BRACKET = 47, 46, 91

local function site_of(sites, host)
    local site = sites[host]
    if not site then
        site = { by = {}, depth = 0 }
        sites[host] = site
    end
    return site
end

-- `single`: the route of a host that has no other; `uniform`: one policy for all paths, so that no spelling matters;
-- `folded`: the routes by path in lower case, nil where two of different policies differ in case alone.
local function finish(site)
    local uniform, folded, cased, policy, count = site.root ~= nil, {}, false, nil, 0
    for _, route in ipairs(site.routes) do
        policy = policy or route.policy
        if route.policy ~= policy then uniform = false end
        local path = lower(route.prefix)
        if path ~= route.prefix then cased = true end
        folded[path] = folded[path] or route
        if folded[path].policy ~= route.policy then site.distinct = true end
        count = count + 1
    end
    site.uniform = uniform
    site.single = count == 1 and site.root or nil
    if not site.distinct then
        site.folded, site.cased = { by = folded, depth = site.depth, root = folded[""] }, cased
    end
end

-- `routes`: {name, host, path, policy, …} in the table's order; of two with the same path the first stays.
-- `policy`: a string that tells grant and service. `closed`: hosts that no wildcard stands for, in documents that have it.
function _M.build(routes, closed)
    local hosts = { exact = {}, wild = {}, entries = {}, count = 0 }
    for _, host in ipairs(closed or {}) do site_of(hosts.exact, host).routes = {} end
    for _, route in ipairs(routes) do
        local wild = sub(route.host, 1, 2) == "*."
        local site = wild and site_of(hosts.wild, sub(route.host, 3)) or site_of(hosts.exact, route.host)
        site.routes = site.routes or {}
        local path = gsub(route.path, "/$", "")
        if not site.by[path] then
            site.by[path] = route
            route.prefix = path
            site.routes[#site.routes + 1] = route
            local _, depth = gsub(path, "/", "")
            if depth > site.depth then site.depth = depth end
            if path == "" then site.root = route end
        end
    end
    for _, sites in ipairs { hosts.exact, hosts.wild } do
        for _, site in pairs(sites) do finish(site) end
    end
    return hosts
end

-- The name in a Host header; nil where it is not spelt as host names and address literals are.
local function name_of(header)
    local host = lower(header)
    local whole = match(host, "^(.-):%d%d?%d?%d?%d?$") or host
    if byte(whole) == BRACKET then return match(whole, "^%[[%x:.]+%]$") end
    return match(whole, "^[a-z0-9._-]+$") and gsub(whole, "%.$", "", 1) or nil
end

local function look_up(hosts, host, header)
    local name = header == "" and "" or name_of(header)
    if name ~= host then return nil, 400, "bad-host" end
    if byte(name) == BRACKET then return nil, 421, "unknown-host" end
    local found = hosts.exact[name]
    local dot = find(name, ".", 2, true)
    while not found and dot do
        found = hosts.wild[sub(name, dot + 1)]
        dot = find(name, ".", dot + 1, true)
    end
    if not found then return nil, 421, "unknown-host" end
    return found
end

-- The location of a request, where it is not that of most: what is upgraded, and bodies that are passed on as they
-- come, being large or of unknown length.
local function class_of(encoding, body, upgrade)
    if lower(upgrade) == "websocket" then return _M.UPGRADE end
    return (encoding ~= "" or body == "stream") and _M.STREAM or false
end

-- Who asks whom, and how: { site, peer, class, disk }; or nil, status, reason. `asked`: all of it in one variable,
-- "$binary_remote_addr$host $http_host $http_transfer_encoding $gridwire_body $http_upgrade", with an address of `bytes`
-- bytes; so what is remembered is found by one look, `hosts.entries[asked]`. Only the last of them may hold a space:
-- nginx refuses hosts with one (ngx_http_validate_host), and any encoding but "chunked".
function _M.entry(hosts, asked, bytes)
    local known = hosts.entries[asked]
    if known then return known end
    local host, header, encoding, body, upgrade = match(sub(asked, bytes + 1), "^([^ ]*) ([^ ]*) ([^ ]*) ([^ ]*) (.*)$")
    if not host then return nil, 400, "malformed" end
    local site, status, why = look_up(hosts, host, header)
    if not site then return nil, status, why end
    local class = class_of(encoding, body, upgrade)
    local entry = { site = site, peer = sub(asked, 1, bytes), class = class, disk = not class and body == "disk" }
    if hosts.count >= MAX_ENTRIES then hosts.entries, hosts.count = {}, 0 end
    hosts.entries[asked] = entry
    hosts.count = hosts.count + 1
    return entry
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

local function policy(route)
    return route and route.policy
end

-- An application may read a path otherwise than nginx does. Where any reading is of another policy, the request is
-- refused: a policy cannot be walked around by spelling.
local function ambiguous(site, raw, path, route)
    local list = readings.of(raw, path)
    if not list then return true end
    local wanted, folded = policy(route), site.folded
    for i = 1, #list do
        if policy(longest(site, list[i])) ~= wanted then return true end
        if folded and policy(longest(folded, lower(list[i]))) ~= wanted then return true end
    end
    return false
end

-- Whether a path has one reading only, as far as this host's routes can tell. Plain finds: they are compiled.
local function plain(site, raw)
    if byte(raw) ~= SLASH or find(raw, "%", 1, true) or find(raw, "/.", 1, true) then return false end
    if find(raw, "//", 1, true) or find(raw, "#", 1, true) then return false end
    if site.uniform then return true end
    return not (find(raw, ";", 1, true) or find(raw, "\\", 1, true) or find(raw, "./", 1, true)
        or byte(raw, -1) == DOT or site.cased or (site.folded and lower(raw) ~= raw))
end

-- → route, or nil, status, reason. What was asked ($request_uri) and nginx's own reading of it are looked at only where
-- they matter, because each read costs. nginx keeps /.gridwire away from here: it has a location of its own.
function _M.find(site)
    if site.single then return site.single end
    local target = ngx.var.request_uri
    local query = find(target, "?", 1, true)
    local raw = query and sub(target, 1, query - 1) or target
    local route
    if plain(site, raw) then
        route = longest(site, raw)
    else
        local path = ngx.var.uri
        route = longest(site, path)
        if not site.uniform and ambiguous(site, raw, path, route) then return nil, 400, "path-ambiguous" end
    end
    if route then return route end
    return nil, 404, "no-route"
end

-- The route that a path which was let in before has now, or nil.
function _M.again(hosts, asked, peer, path)
    local entry = _M.entry(hosts, asked, #peer)
    return entry and longest(entry.site, path) or nil
end

return _M
