-- Prepared POSTs to many keys in turn: KEY_NUMBERS are those of their ids, TOKEN is the bearer token. Each key encrypts 1 KiB.
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer " .. os.getenv("TOKEN")
local plaintext = string.rep("QUJD", 341) .. "QQ=="

local prepared, turn = {}, 0
function init()
  for key in string.gmatch(os.getenv("KEY_NUMBERS"), "%d+") do
    prepared[#prepared + 1] = wrk.format(nil, nil, nil, string.format('{"key_id":"bench.k%s","plaintext":"%s"}', key, plaintext))
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
