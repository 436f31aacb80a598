-- The function in the store: one op of one host, granted or refused in one step.
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
local SILENT_MS = 25000     -- every host speaks at least every 10 s
local HOSTS_MAX = 64         -- as many as a region's roster has places for
local CLOCK_MS = 5000       -- nobody whose clock may be further off is served

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

local function load()
        local all = redis.call('HGETALL', key)

        for i = 1, #all, 2 do
                raw[all[i]] = all[i + 1]
                if all[i] == 'books' then
                        books = cjson.decode(all[i + 1])
                elseif all[i]:sub(1, 5) == 'host ' then
                        hosts[all[i]:sub(6)] = cjson.decode(all[i + 1])
                end
        end
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

-- What the limit leaves in @w beside @rec and all others, foreign use that is known taken off. Unheard hosts
-- count together with all that the shares of those leave that were heard: before the books were lost all fitted.
local function free(b, rec, w, unheard)
        local others = of_others(b, w)
        local sum = (b.foreign[text(w)] or 0) + others.heard + commitment(b, rec, w)

        if w <= math.max(b.lost_until or 0, b.kin_until or 0) or (unheard and w <= lost_window(b)) then
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

-- Step 1.
local function mistake()
        local host = hosts[op.host] or books and books.gone and books.gone[op.host]

        if op.v ~= 1 then
                return refuse('this store is spoken to in version 1, not %s: bring all hosts to one version of weir',
                              tostring(op.v))
        end
        if books and books.table ~= op.table then
                return refuse('the books of %s were made with other tables of pools: bring all hosts to one version ' ..
                              'of weir, stop them, remove the key with DEL, and start them again', key)
        end
        if not hosts[op.host] and count(hosts) >= HOSTS_MAX then
                return refuse('there are %d hosts in the books already, and no place for more: see weir store show, and ' ..
                              'forget those that are dead (weir store forget HOST)', HOSTS_MAX)
        end
        if host and op.seq <= host.seq then
                return refuse('op %.0f of this host is not newer than op %.0f: two keepers speak for one region, or ' ..
                              'its file was copied', op.seq, host.seq)
        end
        for id, said in pairs(op.budgets) do
                local b, others = budget(id), 0

                if math.abs(math.floor(op.now / said.span) - said.now) > 1 then
                        return refuse('budget %s: window %.0f is not now', id, said.now)
                end
                for w in pairs(said.windows) do
                        if not tonumber(w) or math.abs(tonumber(w) - said.now) > 1 then
                                return refuse('budget %s: window %s is not beside %.0f', id, w, said.now)
                        end
                end
                if op.is_fixed then
                        for hex, rec in pairs(b and b.hosts or {}) do
                                if hex ~= op.host and rec.fixed and not rec.gone then
                                        others = others + rec.fixed
                                end
                        end
                        if others + said.aim > (b or said).limit then
                                return refuse('budget %s: the configured share of %.0f and those of other hosts, ' ..
                                              '%.0f, are more than its limit of %.0f: lower store.share',
                                              id, said.aim, others, (b or said).limit)
                        end
                end
        end
        return nil
end

-- Step 2: the books, the epoch, the roster.
local function open_books()
        local late = op.now + op.error
        local birth = redis.sha1hex(table.concat({ op.host, text(op.seq), text(op.now), op.server }, ' ')):sub(1, 16)

        if not books then
                books = { v = 1, table = op.table, epoch = 1, server = op.server, began = late, ops = 0,
                          time = op.now - op.error, birth = birth, fresh = true, raw = true }
                tell('birth', 'books', books.birth)
        elseif books.server ~= op.server then
                -- Another birth too: two servers may each have begun this epoch, with other hosts.
                books.epoch, books.server, books.began, books.birth = books.epoch + 1, op.server, late, birth
                books.raw = true
                -- When they were heard since is lost as well.
                for hex, host in pairs(hosts) do
                        host.heard = math.max(host.heard, late)
                        changed[hex] = true
                end
                tell('birth', 'books', books.birth)
        end
        books.ops = books.ops + 1
        books.time = math.max(books.time, op.now - op.error)
        if op.birth ~= '' and op.birth ~= books.birth then
                books.fresh = nil
        end
        if books.fresh and not books.raw and books.time >= books.began + FRESH_MS then
                books.fresh = nil
        end
        -- Who names these books has their own roster, and may have an old one.
        if op.birth ~= books.birth then
                for _, hex in ipairs(op.roster) do
                        if hex ~= op.host and not hosts[hex] then
                                hosts[hex] = { name = '', seq = 0, epoch = 0, heard = books.began, grace = op.grace,
                                               known = true }
                                changed[hex] = true
                        end
                end
        end
end

-- Who is named by this op's roster.
local function name_others()
        for _, hex in ipairs(op.roster) do
                local host = hosts[hex]

                if hex ~= op.host and host and not host.known then
                        host.by = host.by or {}
                        host.by[op.host] = true
                        changed[hex] = true
                end
        end
end

-- Whether others would bring this host back if the books were lost: at least one, and all that are not silent
-- (those may be the first to come), have a roster that names it.
local function is_known(host)
        local named, alone = false, true

        for hex, other in pairs(hosts) do
                if other ~= host then
                        alone = false
                        if host.by and host.by[hex] then
                                named = true
                        elseif not is_unheard(hex) and books.time <= other.heard + SILENT_MS then
                                return false
                        end
                end
        end
        return named or alone
end

-- Whether the op was made by one who knows these books: not on its way since before they were lost.
local function names_books()
        return op.birth == books.birth and op.epoch == books.epoch
end

-- One that names other books is not heard. It may have a share of theirs, unless it never knew any.
local function introduce()
        local host = hosts[op.host]

        if not host and op.birth ~= '' then
                host = { known = false, epoch = 0 }
                hosts[op.host] = host
                tell('joined', op.host, op.name)
        end
        if host then
                changed[op.host] = true
                host.name, host.seq, host.grace = op.name, op.seq, op.grace
                host.heard = math.max(host.heard or 0, books.began, op.now + op.error)
        end
end

-- Step 3. Return: whether it is heard for the first time in this epoch.
local function hear()
        local host, first = hosts[op.host], false

        if not host or is_unheard(op.host) then
                first = true
        end
        if not host then
                host = { known = false }
                hosts[op.host] = host
                tell('joined', op.host, op.name)
        end
        -- Who made the books may have been on its way for long. This one has been told of them: they were lost before.
        if books.raw then
                books.raw, books.began = nil, math.max(books.began, op.now + op.error)
                for hex, other in pairs(hosts) do
                        other.heard = math.max(other.heard or 0, books.began)
                        changed[hex] = true
                end
        end
        changed[op.host] = true
        host.name, host.seq, host.epoch = op.name, op.seq, books.epoch
        host.heard, host.grace, host.fixed = op.now + op.error, op.grace, op.is_fixed or nil
        for hex, other in pairs(hosts) do
                if hex ~= op.host and books.time > other.heard + other.grace then
                        tell('left', hex, other.name)
                        forget(hex, books.time)
                end
        end
        name_others()
        if not host.known and is_known(host) then
                host.known, host.by = true, nil
        end
        return first
end

-- Step 4: what the host says of a budget.
local function note(id, said, first)
        local b, late = budget(id), op.limits and op.limits.at or 0
        local rec, n, old

        if not b then
                b = { limit = said.limit, at = late, span = said.span, past = said.past, hosts = {}, seen = {},
                      foreign = {}, expected = 0, turn = said.now }
                -- What others have used by windows of another length is not in these books before they say so.
                b.kin_until = said.now + 1
                -- Who was forgotten unheard may have used it, in a window that is not over.
                if books.lost then
                        b.lost_until = math.floor(books.lost / said.span) + said.past
                end
                budgets[id], raw['budget ' .. id] = b, ''
        end
        if b.kin_until and (said.now > b.kin_until or not has_silent_kin(id, b)) then
                b.kin_until = nil
        end
        dirty[id] = true
        if late >= b.at then
                b.limit, b.at = said.limit, late
        end
        b.past = math.max(b.past, said.past)
        rec = b.hosts[op.host] or { share = 0, claims = {}, residue = {}, used = {}, hungry = {} }
        b.hosts[op.host] = rec
        rec.epoch, n = books.epoch, said.now
        old = { commitment(b, rec, n), commitment(b, rec, n + 1) }
        rec.share, rec.fixed, rec.gone, rec.hungry = said.share, op.is_fixed and said.aim or nil, nil, {}
        for w, window in pairs(said.windows) do
                if window.hold then
                        rec.claims[w] = window.hold
                end
                if window.used then
                        rec.used[w] = { n = window.used, op = books.ops }
                end
                if window.seen and window.seen > 0 and window.seen > (b.seen[w] and b.seen[w].n or 0) then
                        b.seen[w] = { n = window.seen, op = books.ops }
                end
        end
        -- Whatever flies from any window before this one is in said.before.
        for v in pairs(rec.residue) do
                if tonumber(v) < n then
                        rec.residue[v] = math.min(rec.residue[v], said.before)
                end
        end
        rec.residue[text(n - 1)] = said.before
        rec.residue[text(n)] = math.max(0, said.after)
        rec.residue[text(n + 1)] = rec.claims[text(n + 1)] or rec.share
        -- What is left there flies no further than these: so they are spoken about, where others need the room.
        for i, hold in ipairs(said.later or {}) do
                rec.claims[text(n + 1 + i)], rec.residue[text(n + 1 + i)] = hold, hold
                rec.share = math.max(rec.share, hold)
        end
        if b.rest_epoch ~= books.epoch then
                b.rest_epoch, b.rest = books.epoch, b.limit
        end
        if first then
                b.rest = math.max(0, b.rest - said.share)
        end
        return b, rec, old
end

-- Windows that are over and can be counted nowhere any more.
local function sweep(b)
        local last = math.floor(books.time / b.span) - b.past - 1
        local function drop(windows)
                for w in pairs(windows) do
                        if tonumber(w) < last then
                                windows[w] = nil
                        end
                end
        end

        drop(b.seen)
        drop(b.foreign)
        for hex, rec in pairs(b.hosts) do
                drop(rec.claims)
                drop(rec.residue)
                drop(rec.used)
                if rec.gone and not next(rec.claims) and not next(rec.residue) then
                        b.hosts[hex] = nil
                end
        end
end

-- Step 5: what was seen of a window beyond all that members can have used.
local function learn_foreign(id, b, n, unheard)
        for w = n - 1, n + 1 do
                local seen, ours = b.seen[text(w)], 0

                if seen and not unheard and w > math.max(b.lost_until or 0, b.kin_until or 0) then
                        for _, rec in pairs(b.hosts) do
                                local used = rec.used[text(w)]

                                if used and used.op >= seen.op then
                                        ours = ours + used.n
                                else
                                        ours = ours + math.max(commitment(b, rec, w), used and used.n or 0)
                                end
                        end
                        if seen.n - ours > (b.foreign[text(w)] or 0) then
                                b.foreign[text(w)] = seen.n - ours
                                tell('foreign', id, { [text(w)] = seen.n - ours })
                        end
                end
        end
        if n > b.turn then
                b.expected = math.floor(b.expected / 2 ^ (n - b.turn))
                b.turn = n
        end
        b.expected = math.max(b.expected, b.foreign[text(n - 1)] or 0)
end

local function others_hungry(b, w)
        for hex, rec in pairs(b.hosts) do
                if hex ~= op.host and rec.hungry[text(w)] then
                        return true
                end
        end
        return false
end

-- Step 6: @said is what the host wants of window @w, @gone how much of it is over (0 to 1).
local function grant(b, rec, w, said, gone, unheard)
        local claim, residue = rec.claims[text(w)] or rec.share, rec.residue[text(w)] or 0
        local missing = math.max(0, (said.want or 0) - claim)
        local room = free(b, rec, w, unheard)
        local kept = math.max(0, b.expected * (1 - gone) - (b.foreign[text(w)] or 0))
        local rest = b.limit / 20 * math.max(0, math.min(1, (0.95 - gone) / 0.45))
        local part = others_hungry(b, w) and 2 or 1
        local urgent, other

        if missing == 0 then
                return 0
        end
        -- What is taken now may fly into later windows: they must have room for it too.
        for v = w + 1, w + b.past do
                room = math.min(room, free(b, rec, v, unheard) + commitment(b, rec, v) - residue)
        end
        room = math.max(0, math.floor(room - kept))
        urgent = math.min(said.urgent or 0, missing, math.ceil(room / part))
        other = math.min(missing - urgent, math.ceil(math.max(0, math.floor(room - urgent - rest)) / part))
        rec.claims[text(w)] = claim + urgent + other
        rec.residue[text(w)] = residue + urgent + other
        return urgent + other
end

-- Step 7. Return: the share that is told.
local function share(b, rec, n, may, unheard)
        local fixed, members, top, aim, room = 0, 0, n + 1, 0, 0

        for _, other in pairs(b.hosts) do
                if other.fixed and not other.gone then
                        fixed = fixed + other.fixed
                elseif not other.gone then
                        members = members + 1
                end
                for w in pairs(other.claims) do
                        top = math.max(top, tonumber(w))
                end
        end
        aim = rec.fixed or math.max(0, math.floor((b.limit - b.expected - fixed) / members))
        if aim == rec.share or not rec.fixed and math.abs(aim - rec.share) * 100 < b.limit then
                return rec.share
        end
        if aim < rec.share then
                return aim
        end
        if not may then
                return rec.share
        end
        -- Up to the first window of which nothing is known: those behind it are like it.
        room = b.limit
        for w = n + 2, top + b.past + 1 do
                if not rec.claims[text(w)] then
                        room = math.min(room, free(b, rec, w, unheard) + commitment(b, rec, w) - rec.share)
                end
        end
        rec.share = math.min(aim, rec.share + math.max(0, room))
        return rec.share
end

-- Gates, limits, the probe: the later news is kept and told to all.
local function gates(answer)
        for name, gate in pairs(op.gates or {}) do
                local known = raw['gate ' .. name] and cjson.decode(raw['gate ' .. name])

                if not known or gate['until'] > (known['until'] or 0) then
                        gate.host = op.host
                        put('gate ' .. name, cjson.encode(gate))
                        tell('gates', name, gate)
                end
        end
        for name, opened in pairs(op.opened or {}) do
                local known = raw['gate ' .. name] and cjson.decode(raw['gate ' .. name])

                -- Not one that was shut again since.
                if known and not known.opened and known['until'] <= opened.at then
                        known.opened = opened.at
                        put('gate ' .. name, cjson.encode(known))
                        put('probe ' .. name, false)
                        tell('opened', name, opened)
                end
        end
        answer.gates, answer.opened = {}, {}
        for field, value in pairs(raw) do
                if field:sub(1, 5) == 'gate ' then
                        local gate = cjson.decode(value)

                        if gate.opened then
                                answer.opened[field:sub(6)] = { at = gate.opened }
                        else
                                answer.gates[field:sub(6)] = { ['until'] = gate['until'], kind = gate.kind }
                        end
                end
        end
end

local function limits(answer)
        local known = raw.limits and cjson.decode(raw.limits)

        if op.limits and op.limits.at > (known and known.at or 0) then
                known = op.limits
                put('limits', cjson.encode(known))
                tell('limits', 'at', known.at)
        end
        answer.limits = known
end

local function probe(answer)
        local field = 'probe ' .. (op.probe or '')
        local known = raw[field] and cjson.decode(raw[field])

        if not op.probe or op.probe == '' then
                return
        end
        answer.probe = not known or known.host == op.host or books.time > known['until']
        if answer.probe then
                put(field, cjson.encode({ host = op.host, ['until'] = op.now + op.error + PROBE_MS }))
        end
end

-- Why nothing can be granted now, or nil.
local function wait_for(unheard)
        if books.fresh then
                return 'the books are new, and wait for hosts that know older ones'
        end
        if not hosts[op.host].known then
                return 'some other host has not said yet that it knows this one'
        end
        if unheard then
                return 'after a restart of the store some hosts have not been heard yet'
        end
        return nil
end

local function answer_for(id, said, first, answer)
        local b, rec, old = note(id, said, first)
        local n, unheard = said.now, some_unheard()
        local may = not books.fresh and hosts[op.host].known
        local gone = math.min(1, math.max(0, op.now / said.span - n))
        local told, others, freed

        sweep(b)
        learn_foreign(id, b, n, unheard)
        for w = n, n + 1 do
                local want = said.windows[text(w)]

                if want and may then
                        grant(b, rec, w, want, w == n and gone or 0, unheard)
                end
                if want and (want.want or 0) > (rec.claims[text(w)] or rec.share) then
                        rec.hungry[text(w)] = want.want - (rec.claims[text(w)] or rec.share)
                        -- As below: of now, if that is not met.
                        if not (news.hungry and news.hungry[id]) then
                                tell('hungry', id, w)
                        end
                end
                -- What is left of now matters more than what is left behind it.
                freed = old[w - n + 1] - commitment(b, rec, w)
                if freed * (w == n and 2000 or 50) > b.limit and others_hungry(b, w) and not (news.free and news.free[id]) then
                        tell('free', id, w)
                end
        end
        told = share(b, rec, n, may, unheard)
        others = of_others(b, n)
        others = others.heard + others.unheard
        answer.budgets[id] = { share = told, limit = b.limit, others = others, foreign = b.foreign[text(n)] or 0,
                               expected = b.expected, hungry = others_hungry(b, n),
                               windows = { [text(n)] = rec.claims[text(n)] or rec.share,
                                           [text(n + 1)] = rec.claims[text(n + 1)] or rec.share } }
end

local function goodbye()
        each_budget(function(id, b)
                local rec = b.hosts[op.host]

                -- Of the budgets in the op all has been said: no share is in use any more.
                if rec and op.budgets[id] then
                        rec.share = 0
                end
                if rec and not rec.gone then
                        leave(b, op.host, op.now + op.error)
                end
                dirty[id] = true
                tell('free', id, 0)
        end)
        hosts[op.host] = nil
        put('host ' .. op.host, false)
        tell('left', op.host, op.name)
end

load()

-- A person says that a host is dead: `weir store forget`.
if op.forget then
        if not books or not hosts[op.forget] then
                return refuse('no host %s in the books', op.forget)
        end
        tell('left', op.forget, hosts[op.forget].name)
        forget(op.forget, math.max(books.time, op.now))
        save()
        return cjson.encode({ v = 1, forgotten = op.forget })
end

local wrong = mistake()
if wrong then
        return wrong
end
-- Before it has asked the exchange for the time it is told what is shut, and no more: nothing is written.
if op.error > CLOCK_MS then
        local look = { v = 1, seq = op.seq, birth = books and books.birth or '0', epoch = books and books.epoch or 0,
                       roster = { op.host }, budgets = {}, again = true,
                       wait = 'the clock of this host may be off by more than ' .. text(CLOCK_MS) .. ' ms' }

        op.gates, op.opened, op.limits = nil, nil, nil
        gates(look)
        limits(look)
        return cjson.encode(look)
end
open_books()
local answer = { v = 1, seq = op.seq, birth = books.birth, epoch = books.epoch, roster = {}, budgets = {} }
local first

gates(answer)
limits(answer)
if names_books() then
        first = hear()
        probe(answer)
else
        introduce()
        answer.again, answer.wait = true, 'the op names other books than these, or none'
        op.budgets = {}
end
for id, said in pairs(op.budgets) do
        if op.bye then
                note(id, said, first)
        else
                answer_for(id, said, first, answer)
        end
end
if op.bye and not answer.again then
        goodbye()
elseif not answer.again then
        answer.wait = wait_for(some_unheard())
end
if not hosts[op.host] then
        answer.roster[1] = op.host
end
for hex in pairs(hosts) do
        if #answer.roster < HOSTS_MAX then
                answer.roster[#answer.roster + 1] = hex
        end
end
answer.hosts = #answer.roster
-- Were those who are gone lost with the books, so would be what they have used. Whose windows last longest come first.
local left = {}
for hex in pairs(gone()) do
        left[#left + 1] = hex
end
table.sort(left, function(a, b)
        return books.gone[a].till > books.gone[b].till
end)
for i = 1, math.min(#left, HOSTS_MAX - #answer.roster) do
        answer.roster[#answer.roster + 1] = left[i]
end
save()
return cjson.encode(answer)
