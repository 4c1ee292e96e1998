-- Prints percentiles of the latency in microseconds on one line, for bench/lib/host.sh and bench/compare. The body is
-- NW_WRK_BODY, or NW_WRK_SIZE bytes, or the name to greet.
wrk.method = "POST"
local text, size = os.getenv("NW_WRK_BODY"), tonumber(os.getenv("NW_WRK_SIZE"))
wrk.body = text and text ~= "" and text or size and string.rep("x", size) or "wrk"

done = function(summary, latency)
    local errors = summary.errors
    if summary.requests == 0 then
        io.write("p50= n=0 rate=0 errors=1\n")
        return
    end
    local curve = {}
    for _, percent in ipairs({10, 25, 50, 75, 90, 95, 99, 99.9, 99.99, 100}) do
        curve[#curve + 1] = string.format("%g:%d", percent, percent < 100 and latency:percentile(percent) or latency.max)
    end
    io.write(string.format("p50=%d p99=%d p999=%d n=%d rate=%.0f errors=%d curve=%s\n",
        latency:percentile(50), latency:percentile(99), latency:percentile(99.9), summary.requests,
        summary.requests / summary.duration * 1e6,
        errors.connect + errors.read + errors.write + errors.status + errors.timeout, table.concat(curve, ",")))
end
