/* With whom budgets are shared, when they are. */
import { by_id, el, set_list, set_shown, set_text } from "./dom.js";
import { count, is_number, span } from "./format.js";
import { on_change } from "./store.js";

function store_fact(hosts) {
        if (hosts.state === "unspoken")
                return "no gateway with a store speaks for this host";
        if (is_number(hosts.refused_for_s))
                return `has refused this host for ${span(hosts.refused_for_s * 1000)}`;
        if (is_number(hosts.away_for_s))
                return `away for ${span(hosts.away_for_s * 1000)}`;
        if (hosts.was_answered === false)
                return "has granted nothing yet";
        if (is_number(hosts.waits_for_s))
                return `has granted nothing for ${span(hosts.waits_for_s * 1000)}: it waits for other hosts`;
        return null;
}

function facts_of(now) {
        const hosts = now.hosts || {}, store = now.store || {}, facts = [];

        facts.push(["Store", store_fact(hosts) || store.state || "there"]);
        if (store.why)
                facts.push(["Why", String(store.why)]);
        if (is_number(hosts.seen))
                facts.push(["Hosts that share", count(hosts.seen)]);
        if (is_number(hosts.share_for_s))
                facts.push(["This host\u2019s share holds for", span(hosts.share_for_s * 1000)]);
        const ops = is_number(store.ops) ? store.ops : (now.counters || {}).store_ops;

        if (is_number(ops))
                facts.push(["Questions to the store", count(ops)]);
        if (now.counters && is_number(now.counters.store_away))
                facts.push(["Times it was away", count(now.counters.store_away)]);
        if (hosts.host)
                facts.push(["This host", String(hosts.host).slice(0, 8)]);
        return facts;
}

export function start_hosts() {
        on_change((state) => {
                const now = state.now, is_there = Boolean(now && (now.hosts || (now.store && now.store.configured)));

                set_shown(by_id("hosts"), is_there);
                set_shown(by_id("hosts-link"), is_there);
                if (is_there)
                        set_list(by_id("hosts-facts"), facts_of(now), ([name]) => name,
                                 ([name]) => el("div", null, el("dt", null, name), el("dd")),
                                 (node, [, value]) => set_text(node.lastChild, value));
        });
}
