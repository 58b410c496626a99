-- What wrk sends, by the arguments behind `--`, and what it tells in the end: one line of JSON.
-- {n} in the path is a number from 1 to `ids`, in the body a text that no other request has.

local method, path, token, ids, run, body
local headers = { ["Content-Type"] = "application/json" }
local count = 0

function init(args)
  method, path, token, ids, run, body = args[1], args[2], args[3], tonumber(args[4]), args[5], args[6]
  if token ~= "" then
    headers["Authorization"] = "Bearer " .. token
  end
end

function request()
  count = count + 1
  local sent = body ~= "" and body:gsub("{n}", run .. "-" .. count) or nil
  return wrk.format(method, (path:gsub("{n}", count % ids + 1)), headers, sent)
end

function done(summary, latency)
  local failed = summary.errors
  io.write(string.format(
    '{"requests": %d, "seconds": %f, "errors": %d, "p50": %f, "p99": %f, "slowest": %f}\n',
    summary.requests, summary.duration / 1e6,
    failed.connect + failed.read + failed.write + failed.status + failed.timeout,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, latency.max / 1e3
  ))
end
