-- The documents (routing, edge, health, panel, certificates): loaded from disk before the workers start, pushed through the door after that, swapped in by
-- each worker between two requests.
--
-- The text of each lies in shared memory, with its sequence number and digest in the same value: whoever asks what
-- is served must never see a new text under an old number, or it believes workers that have not looked yet. A worker
-- with requests under way looks at the numbers every 25 ms, builds its own tables from a new text, and says so; the
-- door answers when all have. A reload finds the disk at least as new as any push, since the agent writes first.
--
-- A worker with no request under way rests: it says so in shared memory, and from then on looks at the numbers before
-- it serves anything, so what it has not looked at yet nobody is served by. It counts as one that serves the newest;
-- what it then cannot build it serves no more at all. (40 looks a second cost 0.25 % of a core in each worker.)
local json = require "cjson"
local ssl = require "ngx.ssl"
local address = require "gridwire.address"
local match = require "gridwire.match"
local eject = require "gridwire.eject"
local withdraw = require "gridwire.withdraw"
local flight = require "gridwire.flight"
local retry = require "gridwire.retry"
local metrics = require "gridwire.metrics"
local traffic = require "gridwire.traffic"

local _M = { DOCUMENTS = { "routing", "edge", "health", "panel", "certificates" } }
local shared = ngx.shared.gridwire_data
local TICK, SECOND = 0.025, 1
local LAST_STEP = 0.25 -- seconds between two looks of a worker that is ending
local taken, tried = {}, {} -- document → sequence number that this worker serves; that it built, or failed to

-- What this worker serves. `routing`, `edge`, `panel`: nil until the first document. `resting`: look (`wake`, `look`)
-- first.
local served = { pools = {}, health = {}, leaving = {}, least = false, resting = false }
_M.served = served

local function endpoint_of(pool, entry, known)
    local key = pool.service .. "/" .. entry.node
    local endpoint = known[key] and known[key][entry.address .. " " .. entry.port]
    if not endpoint then
        endpoint = { key = key, cells = {}, node = entry.node, host = address.peer(entry.address), port = entry.port,
                     current = 0, flight = 0, others = 0, failures = 0, ejections = 0, ejected = false }
    end
    endpoint.pool, endpoint.weight, endpoint.drained = pool, entry.weight, entry.drained
    endpoint.health = served.health[key]
    return endpoint
end

-- Endpoints as they are, so that counts, shares and ejections outlive a new table.
local function known_endpoints()
    local known = {}
    for _, pool in pairs(served.pools) do
        for _, endpoint in ipairs(pool.endpoints) do
            known[endpoint.key] = known[endpoint.key] or {}
            known[endpoint.key][endpoint.peer] = endpoint
        end
    end
    return known
end

local function pool_of(entry, old, known)
    local pool = {
        service = entry.service, retries = entry.retries, least = entry.balance == "least-connections",
        connect = entry.connect_timeout_ms / 1000, send = entry.send_timeout_ms / 1000,
        read = entry.read_timeout_ms / 1000, endpoints = {},
        budget = old and old.budget or retry.BUDGET, turn = old and old.turn or 0,
    }
    -- Timeouts that differ from those in nginx's text are set per request, which costs a copy of its settings.
    pool.own_timeouts = pool.connect ~= 1 or pool.send ~= 60 or pool.read ~= 60
    for i, item in ipairs(entry.endpoints) do
        pool.endpoints[i] = endpoint_of(pool, item, known)
        pool.endpoints[i].peer = item.address .. " " .. item.port
    end
    return pool
end

local function build_routing(document)
    local known, pools, least, kept = known_endpoints(), {}, false, {}
    for _, entry in ipairs(document.pools) do
        local pool = pool_of(entry, served.pools[entry.service], known)
        pools[entry.service] = pool
        least = least or pool.least
        for _, endpoint in ipairs(pool.endpoints) do kept[endpoint] = true end
    end
    local grants = {}
    for _, grant in ipairs(document.grants) do grants[grant.id] = address.set(grant.addresses) end
    local routes = {}
    for i, entry in ipairs(document.routes) do
        routes[i] = { name = entry.name, host = entry.host, path = entry.path, service = entry.service,
                      grant = grants[entry.grant], pool = pools[entry.service],
                      policy = entry.grant .. " " .. entry.service }
    end
    local hosts = match.build(routes, document.closed)
    for _, pool in pairs(served.pools) do
        for _, endpoint in ipairs(pool.endpoints) do
            if not kept[endpoint] and endpoint.flight > 0 then served.leaving[endpoint] = true end
        end
    end
    served.pools, served.least, served.routing = pools, least, hosts
    withdraw.enforce(hosts)
end

local function build_edge(document)
    local services = {}
    for _, entry in ipairs(document.services) do
        local target = entry.target
        services[entry.service] = {
            name = entry.service, health = entry.health,
            host = target.kind == "unix" and "unix:" .. target.path or address.peer(target.address),
            port = target.port, unix = target.kind == "unix",
            connect = entry.connect_timeout_ms / 1000, send = entry.send_timeout_ms / 1000,
            read = entry.read_timeout_ms / 1000,
        }
    end
    served.edge = { gateways = address.set(document.gateways), services = services }
end

local function build_health(document)
    local health = {}
    for key, state in pairs(document.endpoints) do health[key] = state end
    served.health = health
    for _, pool in pairs(served.pools) do
        for _, endpoint in ipairs(pool.endpoints) do endpoint.health = health[endpoint.key] end
    end
end

local function build_panel(document)
    local hosts = {}
    for _, host in ipairs(document.hosts) do hosts[host] = true end
    served.panel = { hosts = hosts, operators = address.set(document.operators),
                     built = document.built ~= json.null and document.built,
                     policy = document.policy, policies = document.policies }
end

local function read_file(path)
    local file, failure = io.open(path, "rb")
    if not file then return nil, failure end
    local text = file:read("*a")
    file:close()
    return text
end

-- A file of a name never changes, so what was read of it is kept. A key is in this worker's memory and nowhere else.
local function build_certificates(document)
    local before, files = served.certificates and served.certificates.files or {}, {}
    local function pair(name)
        if before[name] then files[name] = before[name] end
        if not files[name] then
            local pem = assert(read_file(_M.directory .. "/certificates/" .. name))
            files[name] = { chain = assert(ssl.parse_pem_cert(pem)), key = assert(ssl.parse_pem_priv_key(pem)) }
        end
        return files[name]
    end
    local hosts = {}
    for host, name in pairs(document.hosts) do hosts[host] = pair(name) end
    served.certificates = { hosts = hosts, default = document.default ~= json.null and pair(document.default),
                            authority = document.authority, files = files }
end

local BUILDERS = { routing = build_routing, edge = build_edge, health = build_health, panel = build_panel,
                   certificates = build_certificates }

-- Build and serve one document's text; nil and what is wrong with it, and then the old one is served on.
local function swap(name, text)
    local ok, failure = pcall(function() BUILDERS[name](json.decode(text)) end)
    if not ok then return nil, tostring(failure) end
    return true
end

-- Sequence number, digest and text of the document that is to be served; nil before the first.
local function stored_document(name)
    local value = shared:get("document:" .. name)
    if not value then return nil end
    local seq, digest, from = value:match("^(%d+) (%x+) ()")
    return tonumber(seq), digest, value:sub(from)
end

local function version_text(text)
    local ok, document = pcall(json.decode, text)
    return ok and type(document) == "table" and document.version or nil
end

function _M.acknowledge(name)
    shared:set("ack:" .. name .. ":" .. ngx.worker.id(), ngx.worker.pid() .. " " .. (taken[name] or 0))
end

-- Whether there was a new text, and this worker now serves it. One that cannot be built is tried once and not
-- acknowledged, so that the door says who is behind.
local function take(name)
    local told = shared:get("seq:" .. name)
    if not told or told == tried[name] then return false end
    local seq, _, text = stored_document(name) -- may be newer than what was told
    tried[name] = seq
    local ok, failure = swap(name, text)
    if not ok and shared:get("seq:" .. name) ~= seq then return take(name) end -- files that it names went meanwhile
    if not ok then
        ngx.log(ngx.ERR, "gridwire: ", name, ": ", failure)
        return false
    end
    taken[name] = seq
    return true
end

-- Store a new text for all workers and serve it in this one; nil and the reason where it is refused.
function _M.put(name, text)
    if name == "health" then take(name) end -- this worker may have rested meanwhile
    local before = served.health
    local ok, failure = swap(name, text)
    if not ok then return nil, failure end
    if name == "health" then
        for key, state in pairs(served.health) do
            if state == "up" and before[key] ~= "up" then eject.over(key) end
        end
    end
    local seq = shared:incr("last:" .. name, 1, 0)
    local stored, problem = shared:safe_set("document:" .. name, seq .. " " .. ngx.md5(text) .. " " .. text)
    if not stored then return nil, "shared memory: " .. problem end
    shared:set("seq:" .. name, seq)
    taken[name], tried[name] = seq, seq
    return seq, version_text(text)
end

-- In the master, before it makes workers: they inherit what is built here. A missing or broken document is left
-- out (its listeners answer 503) and never keeps nginx from starting. `config`: the digest of nginx's own text.
function _M.boot(directory, config)
    _M.config, _M.directory = config, directory
    _M.generation = shared:incr("generation", 1, 0)
    for _, name in ipairs(_M.DOCUMENTS) do
        local text = read_file(directory .. "/" .. name .. ".json")
        if text then
            local ok, failure = _M.put(name, text)
            if not ok then ngx.log(ngx.ERR, "gridwire: ", name, ".json: ", failure) end
        end
    end
end

-- Let in nobody by a document whose newest text cannot be served. Health lets nobody in.
local function close(name)
    if name == "panel" then
        local hosts = served.panel and served.panel.hosts
        served.panel = hosts and { hosts = hosts, operators = {}, policies = {} }
    elseif name ~= "health" then
        served[name] = nil
    end
end

-- Whether this worker serves the newest of all documents that it knows of.
local function take_all()
    local whole = true
    for _, name in ipairs(_M.DOCUMENTS) do
        if take(name) then _M.acknowledge(name) end
        if tried[name] ~= taken[name] then
            whole = false
            if served.resting then close(name) end -- whoever pushed it was told that it is served here
        end
    end
    return whole
end

-- For what is answered at once, by a worker that rests: it goes on resting.
function _M.look()
    take_all()
end

local ending = false

-- A worker that was told to end serves its last requests, which may be streams of hours, and has no timers any
-- more; this one stays, so that a permission withdrawn meanwhile ends theirs too. Its place in the
-- acknowledgements is its successor's.
local function outlive()
    if ending then return end
    ending = true
    traffic.release()
    -- A reload has built its tables before it ends us. Where nothing did, nginx itself is to end, and with it whatever
    -- an earlier reload left.
    if shared:get("generation") == _M.generation then shared:set("stopping", true) end
    while withdraw.streams(shared:get("stopping")) or withdraw.any() do
        ngx.sleep(LAST_STEP)
        take("routing")
    end
end

local function resting_key(worker)
    return "rest:" .. worker
end

local function tick(premature)
    if premature then return outlive() end
    local rests = take_all() and not withdraw.any() and not ngx.worker.exiting()
    eject.tick(served.pools)
    flight.tick(served.pools, served.leaving, served.least, rests)
    if rests then
        served.resting = true
        shared:set(resting_key(ngx.worker.id()), ngx.worker.pid())
        return
    end
    ngx.timer.at(TICK, tick) -- refused while nginx ends, when `outlive` runs already
end

-- Before a request of a worker that rests. Its word is taken back first: who pushes waits for it again from then on.
function _M.wake()
    shared:delete(resting_key(ngx.worker.id()))
    take_all()
    served.resting = false
    eject.tick(served.pools)
    if served.least then flight.take_in(served.pools) end
    ngx.timer.at(TICK, tick)
end

local function every_second(premature)
    if premature then return outlive() end
    if served.resting then take_all() end -- so that no request has to wait while a large table is built
    metrics.flush()
end

function _M.start_worker()
    if not ngx.worker.id() then return end -- a cache process, not a worker
    flight.start()
    shared:set("worker:" .. ngx.worker.id(), ngx.worker.pid())
    for _, name in ipairs(_M.DOCUMENTS) do
        take(name)
        _M.acknowledge(name)
    end
    assert(ngx.timer.at(TICK, tick))
    assert(ngx.timer.every(SECOND, every_second))
end

-- The ids of workers that do not serve sequence number `seq` of a document yet.
function _M.behind(name, seq)
    local late = {}
    for worker = 0, ngx.worker.count() - 1 do
        local pid = shared:get("worker:" .. worker)
        local serves = shared:get("ack:" .. name .. ":" .. worker) == (pid or "?") .. " " .. seq
        local rests = pid and shared:get(resting_key(worker)) == pid
        if not serves and not rests then late[#late + 1] = worker end
    end
    return late
end

local versions = {} -- document → { sequence number, version }: decoding a large text takes long, and it is asked often

-- Sequence number, digest and version of a document; nil before the first.
function _M.current(name)
    local value = shared:get("document:" .. name)
    if not value then return nil end
    local seq, digest, from = value:match("^(%d+) (%x+) ()")
    if not versions[name] or versions[name][1] ~= seq then versions[name] = { seq, version_text(value:sub(from)) } end
    return tonumber(seq), digest, versions[name][2]
end

return _M
