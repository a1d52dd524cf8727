-- One prepared POST, repeated: BODY names the file that holds it, TOKEN is the bearer token.
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer " .. os.getenv("TOKEN")
local file = assert(io.open(os.getenv("BODY"), "rb"))
wrk.body = file:read("a")
file:close()

local prepared
function init() prepared = wrk.format() end
function request() return prepared end
function done(summary, latency)
  local errors = summary.errors
  io.write(string.format("%d %.0f %.2f %.2f %d\n", summary.requests, summary.requests / (summary.duration / 1e6),
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.status + errors.connect + errors.read + errors.write + errors.timeout))
end
