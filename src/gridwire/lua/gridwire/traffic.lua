-- Requests by route and endpoint: how many, how many failed, how long they took, bytes each way. Counted in tables of
-- the worker, since a shared-dictionary increment in every request costs more than everything else here together; once
-- a second what was counted is added to Prometheus' counters (gridwire.metrics), becomes a line in shared memory for
-- the agent, and is counted anew. With nobody to take the lines a worker goes on counting in its tables: no request is
-- lost, only the second it was in.
--
-- How long: whole milliseconds up to 7, then eight buckets to each doubling (gridwire/core/traffic.py says the same),
-- so that histograms can be added up, and a bucket's middle is at most 1/16 off.
local bit = require "bit"
local bytes = require "gridwire.bytes"
local semaphore = require "ngx.semaphore"
local floor, max = math.floor, math.max
local rshift = bit.rshift
local concat, format = table.concat, string.format
local received, sent = bytes.received, bytes.sent

local _M = { BOUNDS = { 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10 } } -- Prometheus' default buckets, seconds
local BOUNDS = _M.BOUNDS
local BUCKETS = #BOUNDS + 1
local WIDTH, LAST = 8, 127 -- buckets to a doubling; the bucket of 4 minutes and more
local MOST_LINES = 240 -- that wait for the agent, of all workers
local shared = ngx.shared.gridwire_traffic -- nil on nodes that are no gateway

local NOWHERE = { key = "-/-", cells = {} } -- in an endpoint's place: refused, or there was none
local NONE = { name = "-" } -- in a route's place
local active, count = {}, 0

local function index_of(milliseconds)
    local shift = 0
    while rshift(milliseconds, shift) >= 2 * WIDTH do shift = shift + 1 end
    local index = shift * WIDTH + rshift(milliseconds, shift)
    return index < LAST and index or LAST
end

local INDEX = {} -- milliseconds → bucket, for most
for milliseconds = 0, 1023 do INDEX[milliseconds] = index_of(milliseconds) end

-- In places, what Prometheus is told: 1xx … 5xx, the sum of seconds, then its buckets. `requests`, `errors`: of the
-- seconds before this one, whose line nobody has taken.
local COLUMNS = 6 + BUCKETS
local function cell_of(route, endpoint)
    local cell = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, requests = 0, errors = 0, own = 0,
                   received = 0, sent = 0, histogram = {}, route = route, endpoint = endpoint }
    endpoint.cells[route] = cell
    count = count + 1
    active[count] = cell
    return cell
end

-- The request that ends. `route`, `endpoint`: gridwire.data's, or nothing; `own`: the answer is gridwire's.
function _M.count(request, route, endpoint, status, seconds, own)
    route, endpoint = route or NONE, endpoint or NOWHERE
    local cell = endpoint.cells[route] or cell_of(route, endpoint)
    local class = floor(status / 100)
    if class >= 1 and class <= 5 then cell[class] = cell[class] + 1 end
    if own and status >= 500 then cell.own = cell.own + 1 end
    cell[6] = cell[6] + seconds
    local bucket = 1
    while bucket < BUCKETS and seconds > BOUNDS[bucket] do bucket = bucket + 1 end
    cell[6 + bucket] = cell[6 + bucket] + 1
    cell.received = cell.received + received(request)
    cell.sent = cell.sent + sent(request)
    if status == 101 then return end -- how long a WebSocket was open is no answer's time
    local milliseconds = floor(seconds * 1000 + 0.5)
    local index = INDEX[milliseconds] or index_of(max(milliseconds, 0))
    local histogram = cell.histogram
    histogram[index] = (histogram[index] or 0) + 1
end

local function text_of(cell)
    local told, n = {}, 0
    for index, number in pairs(cell.histogram) do
        if number > 0 then
            told[n + 1], told[n + 2] = index, number
            n = n + 2
        end
    end
    local service, node = cell.endpoint.key:match("^(.-)/(.*)$")
    if service == "-" then service = cell.route.service or "-" end
    return format('["%s","%s","%s",%d,%d,%d,%.0f,%.0f,[%s]]', cell.route.name, service, node, cell.requests,
        cell.errors, cell.own, cell.received, cell.sent, concat(told, ","))
end

-- Cells that had nothing since the last line go: routes and endpoints come and go too. The others are counted on in, for
-- to make them anew each second would cost what is compiled.
local function tidy()
    local kept = 0
    for i = 1, count do
        local cell = active[i]
        active[i] = nil
        if cell.requests == 0 then
            cell.endpoint.cells[cell.route] = nil
        else
            kept = kept + 1
            active[kept] = cell
        end
    end
    count = kept
end

local function line()
    local cells = {}
    for i = 1, count do cells[i] = text_of(active[i]) end
    return format('{"at":%d,"rows":[%s]}', ngx.time(), concat(cells, ","))
end

-- Once a second, in every worker. `tell(route's name, column, number)` is Prometheus'.
function _M.flush(tell)
    for i = 1, count do
        local cell = active[i]
        for class = 1, 5 do cell.requests = cell.requests + cell[class] end
        cell.errors = cell.errors + cell[5]
        for column = 1, COLUMNS do
            if cell[column] ~= 0 then
                tell(cell.route.name, column, cell[column])
                cell[column] = 0
            end
        end
    end
    tidy()
    if count > 0 and shared and shared:llen("lines") < MOST_LINES and shared:lpush("lines", line()) then
        for i = 1, count do
            local cell = active[i]
            cell.requests, cell.errors, cell.own, cell.received, cell.sent = 0, 0, 0, 0, 0
            for index in pairs(cell.histogram) do cell.histogram[index] = 0 end
        end
    end
    if _M.waiting and shared:llen("lines") > 0 then _M.waiting:post() end
end

-- The lines that wait, as a JSON array, and no longer; nil where there are none.
local MOST_BYTES = 4 * 1024 * 1024
local function take()
    local lines, size = {}, 0
    while size < MOST_BYTES do
        local line = shared:rpop("lines")
        if not line then break end
        lines[#lines + 1] = line
        size = size + #line
    end
    return #lines > 0 and "[" .. concat(lines, ",") .. "]" or nil
end

-- The same as soon as there are any; nil after `seconds` without. Who waits costs nothing meanwhile.
function _M.take(seconds)
    local text = take()
    if text or seconds <= 0 or ngx.worker.exiting() then return text end
    _M.waiting = _M.waiting or semaphore.new()
    _M.waiting:wait(seconds)
    return take()
end

-- A worker that ends hears of no line any more: whoever waits in it is to ask another.
function _M.release()
    if _M.waiting then _M.waiting:post() end
end

return _M
