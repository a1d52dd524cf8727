-- Prepared POSTs to many keys in turn: KEYS is their number, TOKEN the bearer token. Each key encrypts 1 KiB.
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer " .. os.getenv("TOKEN")
local plaintext = string.rep("QUJD", 341) .. "QQ=="

local prepared, turn = {}, 0
function init()
  for key = 1, tonumber(os.getenv("KEYS")) do
    prepared[key] = wrk.format(nil, nil, nil, string.format('{"key_id":"bench.k%d","plaintext":"%s"}', key, plaintext))
  end
end
function request()
  turn = turn % #prepared + 1
  return prepared[turn]
end
function done(summary, latency)
  local errors = summary.errors
  io.write(string.format("%d %.0f %.2f %.2f %d\n", summary.requests, summary.requests / (summary.duration / 1e6),
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.status + errors.connect + errors.read + errors.write + errors.timeout))
end
