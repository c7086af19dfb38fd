-- wrk's own figures, exactly and for a machine, where its report rounds and is made for people.
done = function(summary, latency, requests)
    local e = summary.errors
    io.write(string.format(
        '\nJSON {"requests":%d,"microseconds":%d,"bytes":%d,"failed":%d,"p50_us":%d,"p99_us":%d}\n',
        summary.requests, summary.duration, summary.bytes, e.connect + e.read + e.write + e.status + e.timeout,
        latency:percentile(50), latency:percentile(99)))
end
