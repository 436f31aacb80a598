/*
 * What the page knows, and who wants to hear of it.
 *
 * Whatever changes, views are drawn once per frame of the screen. Between two snapshots time goes on:
 * elapsed_ms() says by how much, for all that counts down, and stands still while the gateway is
 * gone, for then nobody knows.
 */

const EVENTS_KEPT = 512;

export const store = {
        me: null,         /* {may_look, may_act, needs_token, version} */
        now: null,        /* the last snapshot */
        now_at: 0,        /* when it came, by performance.now() */
        gone_at: 0,       /* when the gateway went away; 0: it is there */
        connection: "first", /* first, live, gone, locked (who is not logged in may not look) */
        events: [],       /* newest first */
        events_known: new Set(),
        version: null,    /* of the gateway that this page came from */
};

const views = [], clocks = [];
let is_asked = false;

/* Draws @fn after each change. */
export function on_change(fn) {
        views.push(fn);
}

/* Calls @fn four times a second while the page can be seen, and with each drawing: countdowns. */
export function on_tick(fn) {
        clocks.push(fn);
}

export function changed() {
        if (is_asked)
                return;
        is_asked = true;
        requestAnimationFrame(() => {
                is_asked = false;
                for (const view of views)
                        view(store);
                tick();
        });
}

function tick() {
        for (const clock of clocks)
                clock(store);
}

setInterval(() => {
        if (!document.hidden && !is_asked)
                tick();
}, 250);

/* Since the last snapshot. */
export function elapsed_ms() {
        return store.now_at === 0 ? 0 : (store.gone_at || performance.now()) - store.now_at;
}

/* How old what is shown is, whether the gateway is there or not. */
export function age_ms() {
        return store.now_at === 0 ? 0 : performance.now() - store.now_at;
}

/* What is left of @ms that a snapshot named. */
export function left_ms(ms) {
        return Math.max(0, ms - elapsed_ms());
}

export function take_snapshot(snapshot) {
        store.version ||= snapshot.version;
        store.now = snapshot;
        store.now_at = performance.now();
        store.gone_at = 0;
        store.connection = "live";
        changed();
}

export function set_connection(state) {
        if (state === "gone" && store.gone_at === 0)
                store.gone_at = performance.now();
        if (store.connection === state)
                return;
        store.connection = state;
        changed();
}

/* Numbers begin anew with each gateway, so the time belongs to the name. */
function event_key(event) {
        return `${event.id} ${event.at_ms}`;
}

/* @list: oldest first, as they come. Return: those that are new, oldest first. */
export function take_events(list) {
        const fresh = list.filter((event) => event && !store.events_known.has(event_key(event)));

        if (fresh.length === 0)
                return fresh;
        for (const event of fresh) {
                event.key = event_key(event);
                store.events_known.add(event.key);
        }
        store.events = [...fresh.reverse(), ...store.events];
        store.events.sort((a, b) => b.at_ms - a.at_ms || b.id - a.id);
        for (const old of store.events.splice(EVENTS_KEPT))
                store.events_known.delete(old.key);
        changed();
        return fresh.reverse();
}
