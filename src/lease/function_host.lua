-- One host's op, steps 1 to 7: whether it is heard, what it says of each budget, and what it is granted of it.
-- Behind function_books.lua.

-- Step 1: what is said of one budget.
local function mistake_in(id, said)
        local b, others = budget(id), 0

        if math.abs(math.floor(op.now / said.span) - said.now) > 1 then
                return refuse('budget %s: window %.0f is not now', id, said.now)
        end
        for w in pairs(said.windows) do
                if not tonumber(w) or math.abs(tonumber(w) - said.now) > 1 then
                        return refuse('budget %s: window %s is not beside %.0f', id, w, said.now)
                end
        end
        if not op.is_fixed then
                return nil
        end
        for hex, rec in pairs(b and b.hosts or {}) do
                if hex ~= op.host and rec.fixed and not rec.gone then
                        others = others + rec.fixed
                end
        end
        if others + said.aim > (b or said).limit then
                return refuse('budget %s: the configured share of %.0f and those of other hosts, %.0f, are more than ' ..
                              'its limit of %.0f: lower store.share', id, said.aim, others, (b or said).limit)
        end
        return nil
end

-- Step 1. Return: the answer that refuses the op, or nil.
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
        -- Heard by whoever sent it, so it was not late on its way: there are two who have this number.
        if host and op.seq <= host.seq then
                local why = string.format('op %.0f of this host is not newer than op %.0f: another host has the same ' ..
                                          'number, as when a region is copied', op.seq, host.seq)

                return '{"error":' .. cjson.encode(why) .. ',"twice":true}'
        end
        for id, said in pairs(op.budgets) do
                local wrong = mistake_in(id, said)

                if wrong then
                        return wrong
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

-- Whose rosters have yet to name this host before others would bring it back if the books were lost: of all that are
-- not silent (those may be the first to come), and of one at least. None: it is known.
local function strangers_to(host)
        local named, awaited, silent = false, {}, {}

        for hex, other in pairs(hosts) do
                if other ~= host then
                        if host.by and host.by[hex] then
                                named = true
                        elseif not is_unheard(hex) and books.time <= math.max(other.heard, host.joined or 0) + SILENT_MS then
                                awaited[#awaited + 1] = hex
                        else
                                silent[#silent + 1] = hex
                        end
                end
        end
        return (named or #awaited > 0) and awaited or silent
end

-- Whether the op was made by one who knows these books: not on its way since before they were lost.
local function names_books()
        return op.birth == books.birth and op.epoch == books.epoch
end

-- Another keeper than before speaks for the host. Where the one before is alive its region was copied.
local function note_run(host)
        if host.run and op.run and host.run ~= op.run then
                tell('speaks', op.host, op.run)
        end
        host.run = op.run
end

-- One that names other books is not heard. It may have a share of theirs, unless it never knew any.
local function introduce()
        local host = hosts[op.host]

        if not host and op.birth ~= '' then
                host = { known = false, epoch = 0, joined = op.now + op.error }
                hosts[op.host] = host
                tell('joined', op.host, op.name)
        end
        if host then
                changed[op.host] = true
                note_run(host)
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
                host = { known = false, joined = op.now + op.error }
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
        note_run(host)
        host.name, host.seq, host.epoch = op.name, op.seq, books.epoch
        host.heard, host.grace, host.fixed = op.now + op.error, op.grace, op.is_fixed or nil
        for hex, other in pairs(hosts) do
                if hex ~= op.host and books.time > other.heard + other.grace then
                        tell('left', hex, other.name)
                        forget(hex, books.time)
                end
        end
        name_others()
        if not host.known and #strangers_to(host) == 0 then
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
                        b.seen[w] = { n = window.seen, op = books.ops, told = b.seen[w] and b.seen[w].told }
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

                -- Whoever used it: others have their own headers, but not those who send nothing now.
                if seen and seen.n - (seen.told or 0) > b.limit / 10 then
                        seen.told = seen.n
                        tell('seen', id, { [text(w)] = seen.n })
                end
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

-- Of window @w, what @rec may be granted beside what of it may be counted there already, @had: its own commitment takes
-- nothing from others; of what is free it gets all but @rest, or half while others are hungry.
local function room_in(b, rec, w, had, kept, rest, part, unheard)
        local left = free(b, rec, w, unheard) - kept
        local own = commitment(b, rec, w) - had

        if left <= 0 then
                return math.max(0, math.floor(own + left))
        end
        return math.floor(own) + math.ceil(math.max(0, math.floor(left - rest)) / part)
end

-- Step 6: @said is what the host wants of window @w, @gone how much of it is over (0 to 1).
local function grant(b, rec, w, said, gone, unheard)
        local claim, residue = rec.claims[text(w)] or rec.share, rec.residue[text(w)] or 0
        local missing = math.max(0, (said.want or 0) - claim)
        local kept = math.max(0, b.expected * (1 - gone) - (b.foreign[text(w)] or 0))
        local rest = b.limit / 8 * math.max(0, math.min(1, (0.8 - gone) / 0.3))
        local part = others_hungry(b, w) and 2 or 1
        local urgent, granted = missing, missing

        if missing == 0 or is_unknown(b, w, unheard) then
                return 0
        end
        -- What is taken now may fly into later windows: they must have room for it too.
        for v = w, w + b.past do
                local had = v == w and claim or residue

                urgent = math.min(urgent, room_in(b, rec, v, had, kept, 0, part, unheard))
                granted = math.min(granted, room_in(b, rec, v, had, kept, rest, part, unheard))
        end
        granted = math.max(granted, math.min(said.urgent or 0, urgent))
        rec.claims[text(w)] = claim + granted
        rec.residue[text(w)] = residue + granted
        return granted
end

-- Step 7. Return: the share that is told.
local function share(id, b, rec, n, may, unheard)
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
        -- Of many hosts each one's little would be more than another's whole part.
        if aim == rec.share or not rec.fixed and math.abs(aim - rec.share) * 100 * math.max(1, members / 4) < b.limit then
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
        -- Others have more than their part, and do not know it before they speak.
        if rec.share < aim then
                tell('poor', id, n)
        end
        return rec.share
end

