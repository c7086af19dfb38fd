-- Counters and a latency histogram per route, as gridwire.traffic counts them in each worker, added up in shared memory.
local traffic = require "gridwire.traffic"

local _M = {}
local shared = ngx.shared.gridwire_metrics
local BOUNDS = traffic.BOUNDS
local BUCKETS = #BOUNDS + 1
local extra, refusals = {}, {}

local function fresh()
    local row = { 0, 0, 0, 0, 0, 0 } -- 1xx … 5xx, then the sum of seconds
    for i = 1, BUCKETS do row[6 + i] = 0 end
    return row
end

-- Rare events: retries, connections that were withdrawn.
function _M.event(name, count)
    extra[name] = (extra[name] or 0) + (count or 1)
end

-- One answer of gridwire's own; `reason` is one of gridwire.reason's, so there are only so many.
function _M.refused(reason)
    refusals[reason] = (refusals[reason] or 0) + 1
end

local function tell(route, column, number)
    shared:incr("r|" .. route .. "|" .. column, number, 0)
end

function _M.flush()
    traffic.flush(tell)
    for name, count in pairs(extra) do
        shared:incr("e|" .. name, count, 0)
        extra[name] = nil
    end
    for reason, count in pairs(refusals) do
        shared:incr("x|" .. reason, count, 0)
        refusals[reason] = nil
    end
end

local function collected()
    local routes, events, refused = {}, {}, {}
    for _, key in ipairs(shared:get_keys(0)) do
        local route, column = key:match("^r|(.-)|(%d+)$")
        if route then
            routes[route] = routes[route] or fresh()
            routes[route][tonumber(column)] = shared:get(key) or 0
        elseif key:sub(1, 2) == "x|" then
            refused[key:sub(3)] = shared:get(key)
        else
            events[key:sub(3)] = shared:get(key)
        end
    end
    return routes, events, refused
end

local function histogram(out, route, row)
    local total = 0
    for i = 1, BUCKETS do
        total = total + row[6 + i]
        local bound = BOUNDS[i] and tostring(BOUNDS[i]) or "+Inf"
        out[#out + 1] = ('gridwire_request_duration_seconds_bucket{route="%s",le="%s"} %d'):format(route, bound, total)
    end
    out[#out + 1] = ('gridwire_request_duration_seconds_sum{route="%s"} %.6f'):format(route, row[6])
    out[#out + 1] = ('gridwire_request_duration_seconds_count{route="%s"} %d'):format(route, total)
end

-- Prometheus text (exposition format 0.0.4). `flight`, `ejections`: endpoint "service/node" → number.
function _M.text(flight, ejections)
    local routes, events, refused = collected()
    local names, out = {}, {}
    for route in pairs(routes) do names[#names + 1] = route end
    table.sort(names)
    out[#out + 1] = "# HELP gridwire_requests_total Requests by route and class of status.\n"
        .. "# TYPE gridwire_requests_total counter"
    for _, route in ipairs(names) do
        for class = 1, 5 do
            if routes[route][class] > 0 then
                out[#out + 1] = ('gridwire_requests_total{route="%s",code="%dxx"} %d'):format(
                    route, class, routes[route][class])
            end
        end
    end
    out[#out + 1] = "# HELP gridwire_request_duration_seconds Seconds from the first byte read to the last one written."
        .. "\n# TYPE gridwire_request_duration_seconds histogram"
    for _, route in ipairs(names) do histogram(out, route, routes[route]) end
    out[#out + 1] = "# HELP gridwire_refusals_total Answers of gridwire's own, not of an application's, by reason.\n"
        .. "# TYPE gridwire_refusals_total counter"
    for reason, count in pairs(refused) do
        out[#out + 1] = ('gridwire_refusals_total{reason="%s"} %d'):format(reason, count)
    end
    out[#out + 1] = "# HELP gridwire_events_total Retries, and connections withdrawn.\n"
        .. "# TYPE gridwire_events_total counter"
    for name, count in pairs(events) do
        out[#out + 1] = ('gridwire_events_total{event="%s"} %d'):format(name, count)
    end
    out[#out + 1] = "# HELP gridwire_endpoint_requests Requests under way.\n# TYPE gridwire_endpoint_requests gauge"
    for key, count in pairs(flight) do
        out[#out + 1] = ('gridwire_endpoint_requests{service="%s",node="%s"} %d'):format(
            key:match("^(.-)/"), key:match("/(.*)$"), count)
    end
    out[#out + 1] = "# HELP gridwire_endpoint_ejections_total Passive ejections.\n"
        .. "# TYPE gridwire_endpoint_ejections_total counter"
    for key, count in pairs(ejections) do
        out[#out + 1] = ('gridwire_endpoint_ejections_total{service="%s",node="%s"} %d'):format(
            key:match("^(.-)/"), key:match("/(.*)$"), count)
    end
    return table.concat(out, "\n") .. "\n"
end

return _M
