"""The server's clock, as the scripts read it."""

from __future__ import annotations

#: The server's clock, for everything that expires: workers' clocks may differ.
SERVER_NOW = """
local function server_now()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end
"""
