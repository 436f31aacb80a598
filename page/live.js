/*
 * The live connection: server-sent events, which the browser takes up again by itself.
 *
 * What it does not do: notice that the other end is frozen, go on after an answer that is no stream
 * (a gateway that starts, a login that ended), fetch the events that a restart made us miss.
 */
import { get } from "./ask.js";
import { age_ms, changed, set_connection, store, take_events, take_snapshot } from "./store.js";

const SILENCE_MS = 4000, AGAIN_MS = 1000, ANSWER_MS = 3000;

let source = null, again = 0, heard_at = 0, is_asking = false;
const listeners = [];

/* Calls @fn with events as they happen, oldest first; not with those of before. */
export function on_events(fn) {
        listeners.push(fn);
}

/* Return: may be looked at. */
export async function ask_who_am_i() {
        const reply = await get("api/me", ANSWER_MS);

        if (reply.status === 200 && reply.body)
                store.me = reply.body;
        else if (reply.status === 401 || reply.status === 403)
                store.me = { ...(reply.body || {}), may_look: false, may_act: false, needs_token: true };
        else
                return false;
        changed();
        return store.me.may_look !== false;
}

async function catch_up() {
        const reply = await get("api/events?after=0", ANSWER_MS);

        if (reply.status === 200 && reply.body && Array.isArray(reply.body.events))
                take_events(reply.body.events);
}

function close() {
        clearTimeout(again);
        if (source)
                source.close();
        source = null;
}

function later() {
        close();
        again = setTimeout(connect, AGAIN_MS);
}

function parsed(text) {
        try {
                return JSON.parse(text);
        } catch {
                return null;
        }
}

/* There are only so many who may look on live: the others ask, once a second. */
async function poll() {
        close();
        const reply = await get("api/now", ANSWER_MS);

        if (reply.status === 200 && reply.body) {
                take_snapshot(reply.body);
                catch_up();
        } else {
                set_connection("gone");
        }
        later();
}

/* Anew, whatever there was: at the start, after a login, when it was broken for good. */
export async function connect() {
        close();
        if (!await ask_who_am_i()) {
                if (store.me && store.me.may_look === false && store.me.needs_token)
                        set_connection("locked");
                else if (store.connection !== "first" || age_ms() > 0)
                        set_connection("gone");
                else
                        set_connection(store.now ? "gone" : "first");
                later();
                return;
        }
        if (source)
                return;
        source = new EventSource("api/live");
        heard_at = performance.now();
        source.addEventListener("open", () => {
                heard_at = performance.now();
                catch_up();
        });
        source.addEventListener("now", (message) => {
                const snapshot = parsed(message.data);

                heard_at = performance.now();
                if (snapshot)
                        take_snapshot(snapshot);
        });
        source.addEventListener("happened", (message) => {
                const event = parsed(message.data);

                heard_at = performance.now();
                if (!event)
                        return;
                const fresh = take_events([event]);

                if (fresh.length > 0)
                        for (const listener of listeners)
                                listener(fresh);
        });
        source.addEventListener("error", () => {
                if (source && source.readyState === EventSource.CLOSED)
                        poll();
                else
                        set_connection("gone");
        });
}

/* A gateway that stands still keeps its connections: ask, and if it does not answer it is gone. */
async function watch() {
        if (!source || is_asking || performance.now() - heard_at < SILENCE_MS)
                return;
        is_asking = true;
        const is_there = await ask_who_am_i();

        is_asking = false;
        if (is_there) {
                heard_at = performance.now();
                if (store.connection === "gone")
                        later();
        } else if (store.me && store.me.may_look === false && store.me.needs_token) {
                close();
                set_connection("locked");
                later();
        } else {
                set_connection("gone");
        }
}

setInterval(watch, 1000);
