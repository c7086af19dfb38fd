-- The door: how the agent hands data to nginx, and asks what it serves. A Unix socket in a directory of root's.
--   PUT /routing /edge /health /panel /certificates  JSON → 200 {"version", "digest"} when every worker serves it; 422, 504 if not
--   GET /state                   what is served, requests under way, ejections
--   GET /check                   the health check of the service that X-Gridwire-Service names (gridwire.edge)
--   GET /metrics                 Prometheus text
--   GET /traffic?wait=SECONDS    what was counted since it was last asked for (gridwire.traffic), or 204
local data = require "gridwire.data"
local flight = require "gridwire.flight"
local json = require "cjson"
local metrics = require "gridwire.metrics"
local traffic = require "gridwire.traffic"

local _M = {}
local min = math.min
local LONGEST = 60 -- seconds that a question for traffic may wait
local WAIT, STEP = 3, 0.005 -- seconds for every worker to swap; between two looks

local function answer(status, body)
    ngx.status = status
    ngx.header["Content-Type"] = "application/json"
    ngx.print(json.encode(body), "\n")
    return ngx.exit(ngx.OK)
end

local function body()
    ngx.req.read_body()
    local text = ngx.req.get_body_data()
    local path = not text and ngx.req.get_body_file()
    if not path then return text or "" end
    local file = assert(io.open(path, "rb"))
    text = file:read("*a")
    file:close()
    return text
end

function _M.put()
    if ngx.req.get_method() ~= "PUT" then return answer(405, { error = "PUT a document" }) end
    local name = ngx.var.uri:sub(2)
    local text = body()
    local seq, result = data.put(name, text)
    if not seq then return answer(422, { error = result }) end
    data.acknowledge(name)
    local late = data.behind(name, seq)
    local deadline = ngx.now() + WAIT
    while #late > 0 and ngx.now() < deadline do
        ngx.sleep(STEP)
        late = data.behind(name, seq)
    end
    if #late > 0 then return answer(504, { error = "some workers do not serve it yet", workers = late }) end
    return answer(200, { version = result, digest = ngx.md5(text) })
end

local function ejections()
    local shared, total, current = ngx.shared.gridwire_state, {}, {}
    for _, key in ipairs(shared:get_keys(0)) do
        local name = key:match("^ejections:(.*)$")
        if name then total[name] = shared:get(key) end
        local out = key:match("^eject:(.*)$")
        local till = out and shared:get(key)
        if till and till > ngx.now() then current[out] = till end
    end
    return total, current
end

function _M.state()
    local documents = {}
    for _, name in ipairs(data.DOCUMENTS) do
        local seq, digest, version = data.current(name)
        if seq then documents[name] = { version = version, digest = digest, behind = #data.behind(name, seq) } end
    end
    local total, current = ejections()
    return answer(200, {
        config = data.config, generation = ngx.shared.gridwire_data:get("generation"), workers = ngx.worker.count(),
        documents = documents, flight = flight.all(), ejected = current, ejections = total,
    })
end

function _M.metrics()
    metrics.flush()
    ngx.header["Content-Type"] = "text/plain; version=0.0.4"
    ngx.print(metrics.text(flight.all(), (ejections())))
end

-- What was counted since it was last asked for; waits `wait` seconds where that is nothing yet, then answers 204.
function _M.traffic()
    local text = traffic.take(min(tonumber(ngx.var.arg_wait) or 0, LONGEST))
    if not text then return ngx.exit(204) end
    ngx.header["Content-Type"] = "application/json"
    ngx.header["Content-Length"] = #text
    ngx.print(text)
end

return _M
