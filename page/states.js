/*
 * What is the matter, in sentences, worst first. From a snapshot and the connection alone, so that
 * it can be tried without a screen: state_of() and notices_of() touch no node.
 */
import { count, is_number, plural, rate, span, wait } from "./format.js";
import { capital, pool_name, product_name } from "./names.js";
import { parts_of } from "./parts.js";

export const BAD = 3, WARN = 2, INFO = 1, OK = 0;

/* A key, how bad, a title, a text; @left_ms: counts down in the title, where there is "%". */
function notice(key, level, title, text, left) {
        return { key, level, title, text, left_ms: is_number(left) ? left : null };
}

function by(egress) {
        return egress && egress !== "default" ? ` by ${egress}` : "";
}

function gate_notice(gate) {
        const name = gate.product === "all" ? "Everything" : product_name(gate.product);
        const key = `gate ${gate.egress} ${gate.product}`, is_over = !(gate.for_ms > 0);

        if (/firewall/.test(gate.kind))
                return notice(key, BAD, is_over ? "The exchange\u2019s firewall: being asked whether it is over" :
                                                  "The exchange\u2019s firewall has shut us out: % left",
                              "Nothing is sent. Requests are refused and told so. It ends by itself with one cheap " +
                              "question; a lower rate_ceiling keeps it from coming back.", gate.for_ms);
        if (/ban/.test(gate.kind))
                return notice(key, BAD, is_over ? `${name}${by(gate.egress)}: the ban is over, one request asks whether it is true` :
                                                  `${name} is banned${by(gate.egress)}: % left`,
                              "The exchange has banned this address. Nothing is sent into it, and orders are refused and " +
                              "told so. Leave it alone: it ends by itself with one cheap question, and each request past " +
                              "weir makes it longer. Look for what goes past weir: use by others in the budgets below.",
                              gate.for_ms);
        return notice(key, WARN, is_over ? `${name}${by(gate.egress)}: about to open again` :
                                           `${name} is stopped${by(gate.egress)}: % left`,
                      "The exchange has answered 429, too many requests. Who can wait waits, the others are told. Once is " +
                      "nothing; again and again means that somebody on this address does not go through weir.", gate.for_ms);
}

function breaker_notice(breaker) {
        const name = product_name(breaker.product), n = plural(breaker.failures, "failure", "failures");

        return notice(`breaker ${breaker.egress} ${breaker.product}`, BAD,
                      breaker.state === "probing" || !(breaker.for_ms > 0) ?
                              `${name} does not answer${by(breaker.egress)}: being asked now` :
                              `${name} does not answer${by(breaker.egress)}: asked again in %`,
                      `${capital(n)} in a row. What has not been sent is refused at once, so that no order waits for ` +
                      "nothing. It mends itself; if not, look at the network and the exchange\u2019s status page. Orders whose " +
                      "fate is unknown must be looked up.", breaker.for_ms);
}

function store_notices(now) {
        const hosts = now.hosts, store = now.store || {};

        if (hosts && hosts.state === "unspoken")
                return [notice("store", hosts.share_for_s > 0 ? WARN : BAD, "No gateway with a store speaks for this host",
                               "Its budgets are shared with other hosts. Start a gateway with --store; or, where they shall be " +
                               "shared no more, end it with \u201cweir region unshare\u201d.")];
        if (hosts && is_number(hosts.refused_for_s))
                return [notice("store", BAD, "The store refuses this host",
                               "They contradict each other, and it is granted nothing. The event \u201cstore_refuses\u201d says " +
                               "why.")];
        if (hosts && hosts.was_answered === false && !(hosts.away_for_s > 0) && !((now.rates || {}).waiting > 0))
                return [notice("store", INFO, "The store has granted nothing yet",
                               "Hosts share these budgets; the first request asks for this one\u2019s part.")];
        if (hosts && hosts.was_answered === false)
                return [notice("store", BAD, "The store has not answered yet",
                               "Hosts share these budgets, and this one does not know its part: nothing is sent before " +
                               "it does. Look at store.url and at the store.")];
        if (hosts && is_number(hosts.away_for_s))
                return hosts.share_for_s > 0 ?
                        [notice("store", WARN, "The store is away: on its share for % more",
                                "This host goes on with a share that nobody else can have been granted. What the hosts do " +
                                "not use of each other\u2019s shares is lost meanwhile. Bring the store back; nothing has to " +
                                "be restarted.", hosts.share_for_s * 1000)] :
                        [notice("store", BAD, "The store is away, and this host\u2019s share is over",
                                "Nothing is sent that needs it. Bring the store back; nothing has to be restarted.")];
        if (hosts && is_number(hosts.waits_for_s))
                return [notice("store", WARN, "The store grants nothing until other hosts have spoken",
                               "It was wiped, restarted or failed over, and does not know what they were granted. This host goes " +
                               "on with its share. The event \u201cstore_waits\u201d names those it waits for: start them, or end " +
                               "one that is gone for good with \u201cweir store forget\u201d.")];
        if (store.configured && store.state && store.state !== "ok" && !hosts)
                return [notice("store", WARN, `The store: ${store.state}`, "Hosts share budgets through it.")];
        return [];
}

function gateway_notices(now) {
        const gateway = now.gateway || {}, found = [];

        if (gateway.state === "starting" && (now.gates || []).length === 0)
                found.push(notice("starting", INFO, "The gateway is starting",
                                  "It measures the exchange\u2019s clock and reads its limits; requests wait that long, three " +
                                  "seconds at most."));
        if (gateway.state === "draining")
                found.push(notice("draining", WARN, "The gateway is ending",
                                  "What was sent is still waited for; new requests are refused and may be sent again."));
        if (gateway.limits === false || gateway.limits === "off")
                found.push(notice("limits", WARN, "Limits are off: nobody is protected",
                                  "Every request passes as it comes. The exchange will refuse, and then ban, who asks for " +
                                  "too much. Set limits: on and reload."));
        if (gateway.shadow)
                found.push(notice("shadow", INFO, "Shadow: nothing is held back",
                                  "Every request passes at once; the figures say what weir would do. weir status --shadow " +
                                  "has the report."));
        if (gateway.history === "failed")
                found.push(notice("history", WARN, "History cannot be written",
                                  "Service goes on; the charts have gaps. Look at the disk and at history.path; the log says why."));
        return found;
}

function paused_notices(now) {
        const paused = now.paused || {}, classes = paused.classes || [], clients = paused.clients || [];
        const names = [...classes.map((name) => `class ${name}`), ...clients.map((name) => `client ${name}`)];

        if (names.length === 0)
                return [];
        const listed = names.length > 4 ? `${names.slice(0, 3).join(", ")} and ${names.length - 3} more` : names.join(", ");

        return [notice("paused", WARN, `Paused by hand: ${listed}`,
                       "Their requests are not sent until somebody resumes them, after a restart too.")];
}

function small_notices(now) {
        const found = [], front = now.front || {};

        for (const ramp of now.ramps || front.ramps || [])
                found.push(notice(`ramp ${ramp.egress} ${ramp.product}`, INFO,
                                  `${product_name(ramp.product)}${by(ramp.egress)} is open again: full rate in %`,
                                  "Behind a ban more leaves from second to second, so that it does not come back.", ramp.for_ms));
        for (const pair of now.same_account || [])
                if (Array.isArray(pair))
                        found.push(notice(`same ${pair.join(" ")}`, WARN, "Two keys seem to be one account\u2019s",
                                          `${pair.join(" and ")} count apart and will together exceed its orders. Name them ` +
                                          "below one name under accounts: in the settings."));
        if (now.slots_taken >= 1024)
                found.push(notice("slots", WARN, `${now.slots_taken} of 2048 places for budgets are taken`,
                                  "By about 1400 there may be no room for another owner. Stop all programs that use the " +
                                  "region and start them again: what nobody used for two days makes room."));
        return found;
}

/* It is not there, and the last that it said was that it goes. */
function was_ended(store) {
        return store.connection === "gone" && ((store.now && store.now.gateway) || {}).state === "draining";
}

function gone_notice(store) {
        if (was_ended(store))
                return notice("gone", BAD, "The gateway was ended",
                              "Somebody, an update or a service manager has told it to go. What it had sent is waited for, all " +
                              "else is refused and may be sent again. What is shown is of before; when one is started here " +
                              "the page goes on by itself.");
        if (store.now)
                return notice("gone", BAD, "The gateway does not answer",
                              "What is shown is of before. It is asked every second, and the page goes on by itself: " +
                              "no need to reload. Programs that trade through it wait, or are refused at once.");
        return notice("gone", BAD, "No gateway answers here", "It is asked every second, and the page goes on by itself.");
}

export function notices_of(store) {
        const now = store.now;
        let found = [];

        if (store.connection === "locked")
                return [notice("locked", INFO, "Who looks from here needs a token",
                               "Log in with a line of the file that watch.token_file or watch.action_token_file names.")];
        if (store.connection === "gone")
                found.push(gone_notice(store));
        if (!now)
                return found;
        if (store.version && now.version && store.version !== now.version)
                found.push(notice("version", INFO, `The gateway is version ${now.version} now`,
                                  `This page came from version ${store.version}: reload it.`));
        found = found.concat((now.gates || []).map(gate_notice), (now.breakers || []).map(breaker_notice), store_notices(now),
                             was_ended(store) ? [] : gateway_notices(now), paused_notices(now), small_notices(now));
        return found.sort((a, b) => b.level - a.level);
}

/* Who waits shorter than that waits its turn; longer, there is no room. */
const BUSY_MS = 1000;

/* Requests that wait, how long the oldest has, and whether that is for room. */
function queue_of(now) {
        const waiting = (now.rates || {}).waiting || 0;
        const oldest_ms = Math.max(0, ...(now.queue || []).map((row) => row.waiting > 0 && row.oldest_ms || 0));

        return { waiting, oldest_ms, is_busy: waiting > 0 && oldest_ms >= BUSY_MS };
}

/* Where half of a window or more is kept for others, or nothing is left of it: in words, the fullest first. */
function tight_of(now) {
        return (now.budgets || []).filter((b) => b && b.limit > 0 && !b.endpoint).map((b) => ({ name: pool_name(b.name), parts: parts_of(b) }))
                .filter(({ parts }) => parts.total + parts.expected >= parts.limit || parts.expected >= parts.limit / 2)
                .sort((a, b) => (b.parts.total + b.parts.expected) / b.parts.limit - (a.parts.total + a.parts.expected) / a.parts.limit)
                .map(({ name, parts }) => parts.expected > 0 ?
                        `${name} keeps ${count(parts.expected)} of ${count(parts.limit)} for others` : `${name} is used up`);
}

/* What there is to say where nothing is the matter: that all is clear, or who waits and what for. */
export function calm_notice(now) {
        const rates = now.rates || {}, { waiting, oldest_ms, is_busy } = queue_of(now), tight = tight_of(now);
        const wait_for = plural(waiting, "request waits", "requests wait");
        const flow = `${rate(rates.requests_per_s)} requests and ${rate(rates.weight_per_s)} weight a second; no stop, no ban, ` +
                     "the exchange answers.";

        if ((now.budgets || []).length === 0)
                return notice("clear", OK, "Ready: waiting for the first request", "Nothing has been asked of the exchange yet.");
        if (is_busy)
                return notice("clear", INFO, `Busy: ${wait_for} for room, the oldest ${wait(oldest_ms)}`,
                              `${tight.length > 0 ? `${tight[0]}. ` : ""}Each leaves as soon as its class has room, orders and cancels ` +
                              `first. ${flow}`);
        if (tight.length > 0)
                return notice("clear", INFO, `${waiting > 0 ? `${capital(wait_for)} a moment` : "Nobody waits"}, but ${tight[0]}`,
                              "What comes now may have to wait for the turn of the window. What others on the address are no longer " +
                              `seen to use is given back. ${flow}`);
        return notice("clear", OK, waiting > 0 ? `Flowing: ${wait_for} a moment` : "All clear: nobody waits", flow);
}

/* One word and how bad it is, for the top of the page and the window's title. */
export function state_of(store) {
        const now = store.now, gateway = (now && now.gateway) || {};

        if (store.connection === "locked")
                return { level: INFO, text: "Locked" };
        if (store.connection === "gone")
                return { level: BAD, text: was_ended(store) ? "Ended" : "Gone" };
        if (!now)
                return { level: INFO, text: "Connecting" };
        if ((now.gates || []).some((gate) => /firewall/.test(gate.kind)))
                return { level: BAD, text: "Shut out" };
        if ((now.gates || []).some((gate) => /ban/.test(gate.kind)))
                return { level: BAD, text: "Banned" };
        if ((now.breakers || []).length > 0)
                return { level: BAD, text: "No answer" };
        if (store_notices(now).some((one) => one.level === BAD))
                return { level: BAD, text: "Store away" };
        if ((now.gates || []).length > 0)
                return { level: WARN, text: "Stopped" };
        if (gateway.state === "draining")
                return { level: WARN, text: "Ending" };
        if (gateway.state === "starting")
                return { level: INFO, text: "Starting" };
        if (gateway.limits === false || gateway.limits === "off")
                return { level: WARN, text: "Limits off" };
        if (store_notices(now).some((one) => one.level === WARN))
                return { level: WARN, text: "Degraded" };
        if (gateway.shadow)
                return { level: INFO, text: "Shadow" };
        if (paused_notices(now).length > 0)
                return { level: WARN, text: "Paused" };
        return queue_of(now).is_busy ? { level: INFO, text: "Busy" } : { level: OK, text: "Serving" };
}
