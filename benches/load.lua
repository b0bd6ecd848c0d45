-- For wrk. A GET, or, with PUSH (a file) and SIGNATURE in the environment, a signed GitHub push.
-- Prints one line: requests per second, 50th and 99th percentile in microseconds, how many failed.

local push = os.getenv("PUSH")

if push and push ~= "" then
   local file = assert(io.open(push, "rb"))
   wrk.method = "POST"
   wrk.body = file:read("*a")
   file:close()
   wrk.headers["Content-Type"] = "application/json"
   wrk.headers["User-Agent"] = "GitHub-Hookshot/0123456"
   wrk.headers["Accept"] = "*/*"
   wrk.headers["X-GitHub-Delivery"] = "5d2a6c1e-0f3b-4b7e-9c55-2f0a4be0c9d1"
   wrk.headers["X-GitHub-Event"] = "push"
   wrk.headers["X-GitHub-Hook-ID"] = "300100200"
   wrk.headers["X-Hub-Signature-256"] = os.getenv("SIGNATURE")
end

function done(summary, latency)
   local errors = summary.errors
   local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
   print(string.format("load: %.1f %.1f %.1f %d", summary.requests / (summary.duration / 1e6),
      latency:percentile(50), latency:percentile(99), failed))
end
