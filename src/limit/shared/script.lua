-- Spends charges, all or none, or gives one back: atomically, and by this server's clock, so that
-- replicas agree whatever their clocks say. Follows gcra.rs and quota.rs; a test holds it to them.
-- Times are microseconds since 1970. All numbers stay below 2^53, which a double holds exactly.
--
-- KEYS  what is counted, one for each charge
-- ARGV  "spend", then for each charge: 1 if it can refuse, the rate's interval and capacity (0: no
--       rate), the quota's count and time (0: no quota)
--       or "give_back", then the same, and when it was spent and the end of the window it went into
-- Gives the time, 1 if spent, and for each charge what was counted before: TAT, low, end, count.

local WIDTH = { spend = 5, give_back = 7 }

local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local width = WIDTH[ARGV[1]]
local known = {}

-- The counts of a key; those of one that is named twice go on from the first time.
local function counts(key)
  if not known[key] then
    local text = redis.call('GET', key) or ''
    local tat, low, ends, count = string.match(text, '^(%d+) (%d+) (%d+) (%d+)$')
    known[key] = {
      tat = tonumber(tat or 0), low = tonumber(low or 0),
      ends = tonumber(ends or 0), count = tonumber(count or 0),
    }
  end
  return known[key]
end

local function charge(index)
  local at = 1 + (index - 1) * width
  return {
    enforced = ARGV[at + 1] == '1',
    interval = tonumber(ARGV[at + 2]), capacity = tonumber(ARGV[at + 3]),
    most = tonumber(ARGV[at + 4]), per = tonumber(ARGV[at + 5]),
    spent = tonumber(ARGV[at + 6]), window = tonumber(ARGV[at + 7]),
  }
end

local function debt(it, limit)
  return math.min(math.max(it.tat - now, 0), limit.capacity)
end

local function close_if_over(it, limit)
  if it.ends <= now or it.count == 0 then
    it.ends, it.count = 0, 0
  else
    it.ends = math.min(it.ends, now + limit.per)
  end
end

local function fits(it, limit)
  local rate = limit.interval == 0 or debt(it, limit) + limit.interval <= limit.capacity
  local over = it.ends <= now or it.count == 0
  return rate and (limit.most == 0 or over or it.count < limit.most)
end

local function spend(it, limit)
  if limit.interval > 0 then
    local owed = debt(it, limit)
    if owed < limit.interval then it.low = math.max(it.low, now) end
    it.tat = now + owed + limit.interval
  end
  if limit.most > 0 then
    close_if_over(it, limit)
    if it.count == 0 then it.ends = now + limit.per end
    it.count = it.count + 1
  end
end

local function give_back(it, limit)
  if limit.interval > 0 then
    local owed = debt(it, limit)
    local paid = math.max(now - limit.spent, 0)
    if it.low <= limit.spent and owed >= limit.interval then paid = 0 end
    owed = math.max(owed - math.max(limit.interval - paid, 0), 0)
    it.tat, it.low = now + owed, math.max(it.low, now)
  end
  if limit.most > 0 and it.ends == limit.window and it.count > 0 then
    it.count = it.count - 1
    if it.count == 0 then it.ends = 0 end
  end
end

-- Every key goes away by itself, as soon as it says no more than a new one would.
local function write(key, it)
  local text = string.format('%.0f %.0f %.0f %.0f', it.tat, it.low, it.ends, it.count)
  local left = math.max(it.tat, it.ends) - now
  redis.call('SET', key, text, 'PX', string.format('%.0f', math.max(math.ceil(left / 1000), 1)))
end

local reply, spending = { now, 1 }, {}
for index, key in ipairs(KEYS) do
  local it, limit = counts(key), charge(index)
  for _, number in ipairs({ it.tat, it.low, it.ends, it.count }) do
    reply[#reply + 1] = number
  end
  if ARGV[1] == 'give_back' then
    -- What is no longer known has nothing to get back.
    if it.tat > 0 or it.count > 0 then
      give_back(it, limit)
      spending[key] = it
    end
  elseif fits(it, limit) then
    spend(it, limit)
    spending[key] = it
  elseif limit.enforced then
    reply[2] = 0
  end
end
if reply[2] == 1 then
  for key, it in pairs(spending) do write(key, it) end
end
return reply
