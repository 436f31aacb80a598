-- The function in the store: one op of one host, granted or refused in one step.
--
-- It is one text, in three files that tools/gen_function.py joins: the books (this one), what one host says and is
-- granted (function_host.lua), and what is answered (function_answer.lua).
--
-- docs/hosts.md is the protocol; the numbers below are its steps. KEYS[1] is a hash, made of JSON so that a
-- person can read it with redis-cli:
--
--      books         birth, epoch, server, time... of the whole
--      host HEX      a host: name, seq, when heard
--      budget ID     a budget: limit, foreign use, and of each host share, claims, residues, use
--      gate NAME     a gate that is shut, or when it was opened
--      limits        of the exchange, as learnt last
--      probe NAME    who may probe, until when
--
-- ARGV[1] is the op, the result the answer; both JSON. An error leaves everything as it was. The server's
-- clock and its random numbers are not used: times are the exchange's, told by hosts with their error.

local key, op = KEYS[1], cjson.decode(ARGV[1])
local FRESH_MS = 2000       -- new books wait so long for hosts that know better
local PROBE_MS = 10000      -- a probe is one host's for so long
local SILENT_MS = 25000     -- every host speaks at once when one joins: who has not by then is cut off
local HOSTS_MAX = 64        -- as many as a region's roster has places for
local CLOCK_MS = 5000       -- nobody whose clock may be further off is served
-- Who waits is told when more than such a part of the limit was freed: of the window of now little is worth it, of the
-- next one more, since there is time.
local FREED_PART, FREED_NEXT_PART = 2000, 50

local raw, books, hosts, budgets = {}, nil, {}, {}
local dirty, writes, news, has_news = {}, {}, {}, false
local changed, texts, sums = {}, {}, {}

local function refuse(format, ...)
        return cjson.encode({ error = string.format(format, ...) })
end

-- A window or a time as the key of a table. Remembered: this is asked more than anything else.
local function text(w)
        local known = texts[w]

        if not known then
                known = string.format('%.0f', w)
                texts[w] = known
        end
        return known
end

local function count(set)
        local n = 0

        for _ in pairs(set) do
                n = n + 1
        end
        return n
end

-- Return: whether the key is ours, or not there. What somebody else keeps under it is left as it is.
local function load()
        local all = redis.call('HGETALL', key)
        local is_read = pcall(function()
                for i = 1, #all, 2 do
                        raw[all[i]] = all[i + 1]
                        if all[i] == 'books' then
                                books = cjson.decode(all[i + 1])
                        elseif all[i]:sub(1, 5) == 'host ' then
                                hosts[all[i]:sub(6)] = cjson.decode(all[i + 1])
                        end
                end
        end)

        return is_read and (#all == 0 or type(books) == 'table' and type(books.birth) == 'string')
end

local function budget(id)
        if not budgets[id] and raw['budget ' .. id] then
                budgets[id] = cjson.decode(raw['budget ' .. id])
        end
        return budgets[id]
end

-- Written at the end, all or nothing; false: removed.
local function put(field, value)
        raw[field] = value or nil
        writes[field] = value
end

local function each_budget(fn)
        for field in pairs(raw) do
                if field:sub(1, 7) == 'budget ' then
                        fn(field:sub(8), budget(field:sub(8)))
                end
        end
end

local function tell(kind, id, what)
        news[kind] = news[kind] or {}
        news[kind][id] = what
        has_news = true
end

-- The most that can be counted of @rec, a host's record in @b, in window @w.
local function commitment(b, rec, w)
        local most, used = rec.claims[text(w)] or rec.share, rec.used[text(w)]

        if used then
                most = math.max(most, used.n)
        end
        for v = w - b.past, w - 1 do
                most = math.max(most, rec.residue[text(v)] or 0)
        end
        return most
end

-- A host that has not spoken in this epoch: what the books say of it may be older than what it was told.
local function is_unheard(hex)
        return hosts[hex] ~= nil and hosts[hex].epoch ~= books.epoch
end

local function some_unheard()
        for hex in pairs(hosts) do
                if is_unheard(hex) then
                        return true
                end
        end
        return false
end

-- The hosts of @list for people: three of them by their names, or their numbers where they have none, and how many more.
-- With the words around it below 256 characters, which is all that a host reads.
local function names(list)
        local all = {}

        for _, hex in ipairs(list) do
                local name = hosts[hex].name

                all[#all + 1] = name and name ~= '' and name:sub(1, 63) or hex
        end
        table.sort(all)
        return table.concat(all, ', ', 1, math.min(#all, 3)) .. (#all > 3 and ' and ' .. text(#all - 3) .. ' more' or '')
end

-- No members any more, but what they have used is not over: a set.
local function gone()
        local set = {}

        for hex in pairs(books and books.gone or {}) do
                set[hex] = hosts[hex] == nil or nil
        end
        return set
end

-- Keeps a host among these until @till, with the number of its last op: an older one must not undo what it said.
local function remember(hex, till)
        local known = books.gone and books.gone[hex] or { till = 0, seq = 0 }

        known.till = math.max(known.till, till)
        known.seq = math.max(known.seq, hosts[hex] and hosts[hex].seq or 0)
        books.gone = books.gone or {}
        books.gone[hex] = known
end

-- The last window in which anything can be counted that was granted before this epoch began: granted in the last window
-- that anybody can have spoken about, and counted later.
local function lost_window(b)
        return math.floor((books.began + CLOCK_MS) / b.span) + 1 + b.past
end

-- What all but the host of the op may have counted in @w: of those heard, and of those unheard. Neither changes
-- while the op is done.
local function of_others(b, w)
        local known = sums[b] or {}
        local sum = known[w]

        if not sum then
                sum = { heard = 0, unheard = 0 }
                for hex, rec in pairs(b.hosts) do
                        if hex ~= op.host then
                                -- One that left and came back as a late word from before the loss was heard all the same.
                                local part = is_unheard(hex) and rec.epoch ~= books.epoch and 'unheard' or 'heard'

                                sum[part] = sum[part] + commitment(b, rec, w)
                        end
                end
                known[w], sums[b] = sum, known
        end
        return sum
end

-- Whether hosts that have used the same pool by windows of another length, and may do so still, have not spoken about
-- these.
local function has_silent_kin(id, b)
        local pool = 'budget ' .. (id:match('^(.*/)[^/]*$') or id)

        for field in pairs(raw) do
                if field:sub(1, #pool) == pool and field ~= 'budget ' .. id then
                        for hex, rec in pairs(budget(field:sub(8)).hosts) do
                                if hex ~= op.host and hosts[hex] and not rec.gone and not b.hosts[hex] then
                                        return true
                                end
                        end
                end
        end
        return false
end

-- Whether it is not known what others have used of @w: nothing of it is granted.
local function is_unknown(b, w, unheard)
        return w <= math.max(b.lost_until or 0, b.kin_until or 0) or (unheard and w <= lost_window(b))
end

-- What the limit leaves in @w beside @rec and all others, foreign use that is known taken off. Unheard hosts
-- count together with all that the shares of those leave that were heard: before the books were lost all fitted.
local function free(b, rec, w, unheard)
        local others = of_others(b, w)
        local sum = (b.foreign[text(w)] or 0) + others.heard + commitment(b, rec, w)

        if is_unknown(b, w, unheard) then
                return 0
        end
        if unheard then
                sum = sum + math.max(others.unheard, b.rest or b.limit)
        end
        return b.limit - sum
end

-- A host is no longer a member of @b: its share ends, what it may have used by @time does not.
local function leave(b, hex, time)
        local rec, last = b.hosts[hex], 0

        for v = math.floor(books.time / b.span) - b.past, math.floor(time / b.span) do
                rec.claims[text(v)] = rec.claims[text(v)] or rec.share
                rec.residue[text(v)] = rec.residue[text(v)] or rec.share
        end
        for _, windows in ipairs({ rec.claims, rec.residue }) do
                for w in pairs(windows) do
                        last = math.max(last, tonumber(w))
                end
        end
        rec.share, rec.gone, rec.hungry = 0, true, {}
        remember(hex, (last + b.past + 1) * b.span)
end

-- @time: when it used its share last, at the latest.
local function forget(hex, time)
        local unheard = is_unheard(hex)

        if unheard then
                books.lost = math.max(books.lost or 0, time, books.began + CLOCK_MS)
        end
        each_budget(function(id, b)
                if b.hosts[hex] and not b.hosts[hex].gone then
                        leave(b, hex, time)
                        dirty[id] = true
                end
                if unheard then
                        b.lost_until = math.max(b.lost_until or 0, math.floor(time / b.span) + b.past,
                                                lost_window(b))
                        remember(hex, (b.lost_until + 1) * b.span)
                        dirty[id] = true
                end
        end)
        hosts[hex] = nil
        put('host ' .. hex, false)
end

local function save()
        for hex, known in pairs(books.gone or {}) do
                if books.time > known.till or hosts[hex] then
                        books.gone[hex] = nil
                end
        end
        put('books', cjson.encode(books))
        for hex in pairs(changed) do
                if hosts[hex] then
                        put('host ' .. hex, cjson.encode(hosts[hex]))
                end
        end
        for id in pairs(dirty) do
                put('budget ' .. id, cjson.encode(budgets[id]))
        end
        for field, value in pairs(writes) do
                if value then
                        redis.call('HSET', key, field, value)
                else
                        redis.call('HDEL', key, field)
                end
        end
        if has_news then
                news.v, news.from = 1, op.host or ''
                redis.call('PUBLISH', key .. ':news', cjson.encode(news))
        end
end

