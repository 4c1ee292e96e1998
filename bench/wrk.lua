-- Prints percentiles of the latency in microseconds on one line, for bench/host.sh. The body is the name to
-- greet, or NW_WRK_SIZE bytes.
wrk.method = "POST"
local size = tonumber(os.getenv("NW_WRK_SIZE"))
wrk.body = size and string.rep("x", size) or "wrk"

done = function(summary, latency)
    local errors = summary.errors
    io.write(string.format("p50=%d p99=%d p999=%d n=%d rate=%.0f errors=%d\n",
        latency:percentile(50), latency:percentile(99), latency:percentile(99.9), summary.requests,
        summary.requests / summary.duration * 1e6,
        errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
