-- What all hosts are told, the answer, and the op itself from its beginning to its end.
-- Behind function_host.lua.

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
                return 'this host is new, and not yet known to ' .. names(strangers_to(hosts[op.host]))
        end
        if unheard then
                local silent = {}

                for hex in pairs(hosts) do
                        silent[#silent + 1] = is_unheard(hex) and hex or nil
                end
                return 'the store came back, and has not heard from ' .. names(silent)
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
                local missing = want and (want.want or 0) - (rec.claims[text(w)] or rec.share) or 0

                -- Crumbs are not worth the words of all others, but where somebody waits for them; of what is only expected,
                -- in the window to come, no more are they.
                if missing * (w == n and 400 or 20) > b.limit or missing > 0 and (want.urgent or 0) > 0 then
                        rec.hungry[text(w)] = missing
                        -- As below: of now, if that is not met.
                        if not (news.hungry and news.hungry[id]) then
                                tell('hungry', id, w)
                        end
                end
                freed = old[w - n + 1] - commitment(b, rec, w)
                if freed * (w == n and FREED_PART or FREED_NEXT_PART) > b.limit and others_hungry(b, w) and not (news.free and news.free[id]) then
                        tell('free', id, w)
                end
        end
        told = share(id, b, rec, n, may, unheard)
        others = of_others(b, n)
        others = others.heard + others.unheard
        answer.budgets[id] = { share = told, limit = b.limit, others = others, foreign = b.foreign[text(n)] or 0,
                               seen = b.seen[text(n)] and b.seen[text(n)].n or 0,
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

if not load() then
        return refuse('the key is there and is not ours: choose another store.name')
end

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
for hex, host in pairs(hosts) do
        if #answer.roster < HOSTS_MAX then
                answer.roster[#answer.roster + 1] = hex
        end
        -- Another that people cannot tell from this one; of several always the same.
        if hex ~= op.host and host.name == op.name and op.name ~= '' and hex < (answer.namesake or 'g') then
                answer.namesake = hex
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
