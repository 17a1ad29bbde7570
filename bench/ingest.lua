-- SPDX-License-Identifier: Apache-2.0
-- wrk script: sends the bodies of a corpus, each once, and prints one line at the end.
--   wrk -tN -cN -dNs --latency -s ingest.lua URL -- PREFIX FIRST COUNT THREADS [again]
-- Thread K of THREADS takes every THREADS-th body from FIRST + K on; when they are used up it stops, and the line
-- says so, or begins again when told to. Nothing is sent twice otherwise: repeats would be answered from an index.
local threads = {}

function setup(thread)
   thread:set("number", #threads)
   threads[#threads + 1] = thread
end

function init(args)
   local prefix, first, count = args[1], tonumber(args[2]), tonumber(args[3])
   step, again, used_up = tonumber(args[4]), args[5] == "again", 0
   at, offsets, sizes = number, {}, {}
   local line = 0
   for offset, size in io.open(prefix .. ".index"):read("*a"):gmatch("(%d+) (%d+)") do
      if line >= first and line < first + count then
         offsets[#offsets + 1], sizes[#sizes + 1] = tonumber(offset), tonumber(size)
      end
      line = line + 1
   end
   pack = assert(io.open(prefix .. ".pack", "rb"))
   local url = wrk.path
   head = "POST " .. url .. " HTTP/1.1\r\nHost: " .. wrk.host .. ":" .. (wrk.port or 80) .. "\r\n" ..
      "User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) " ..
      "Chrome/126.0.0.0 Safari/537.36\r\nAccept: */*\r\nAccept-Language: en-US,en;q=0.9\r\n" ..
      "Origin: chrome-extension://abcdefghijklmnopabcdefghijklmnop\r\n" ..
      "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: "
end

function request()
   if at >= #offsets then
      if again then
         at = number
      else
         used_up = 1
         wrk.thread:stop()
         return "HEAD " .. wrk.path .. " HTTP/1.1\r\nHost: " .. wrk.host .. "\r\n\r\n"
      end
   end
   local size = sizes[at + 1]
   pack:seek("set", offsets[at + 1])
   at = at + step
   return head .. size .. "\r\n\r\n" .. pack:read(size)
end

function done(summary, latency, _)
   local e, used_up = summary.errors, 0
   for _, thread in ipairs(threads) do
      used_up = used_up + thread:get("used_up")
   end
   io.write(string.format(
      "result requests=%d seconds=%.3f errors=%d failed=%d timeouts=%d used_up=%d p50=%.2f p90=%.2f p99=%.2f max=%.2f\n",
      summary.requests, summary.duration / 1e6, e.status, e.connect + e.read + e.write, e.timeout, used_up,
      latency:percentile(50) / 1e3, latency:percentile(90) / 1e3, latency:percentile(99) / 1e3, latency.max / 1e3))
end
