/*
 * What can be done from here. Each is confirmed in words that say what will happen, and, where the
 * gateway knows a way back, offered to be undone.
 */
import { log_in } from "./access.js";
import { post, why } from "./ask.js";
import { by_id, el, set_text } from "./dom.js";
import { capital } from "./names.js";
import { share_of } from "./shares.js";
import { on_change, store } from "./store.js";

const TOAST_MS = 12000;

const dialog = by_id("ask");
let settle = null;

function finish(answer) {
        const tell = settle;

        settle = null;
        if (dialog.open)
                dialog.close();
        if (tell)
                tell(answer);
}

/* Return: null, or what was filled in (an object). */
function confirm({ title, text, verb, field }) {
        if (settle)
                return Promise.resolve(null);
        set_text(by_id("ask-title"), title);
        set_text(by_id("ask-text"), text);
        set_text(by_id("ask-go"), verb);
        by_id("ask-error").textContent = "";
        by_id("ask-more").replaceChildren(...(field ? [field] : []));
        dialog.showModal();
        (field ? field.querySelector("input") : by_id("ask-go")).focus();
        return new Promise((resolve) => {
                settle = resolve;
        });
}

/* For a while, which begins anew when the pointer or the focus leaves it, or until it is put away: who reads it, or
 * is about to press Undo, has his time. @undo: a function, or null. Return: puts it away. */
export function toast(text, undo) {
        let timer = 0, is_over = false;
        const away = () => {
                clearTimeout(timer);
                box.remove();
        };
        const wait = () => {
                clearTimeout(timer);
                timer = is_over || box.matches(":focus-within") ? 0 : setTimeout(away, TOAST_MS);
        };
        const point = (event) => {
                is_over = event.type === "pointerenter";
                wait();
        };
        const box = el("div.toast", { role: "status", pointerenter: point, pointerleave: point, focusin: wait, focusout: wait },
                       el("p", null, text));

        wait();

        if (undo)
                box.append(el("button.quiet", { type: "button", click: () => {
                        away();
                        undo();
                } }, "Undo"));
        box.append(el("button.quiet.close", { type: "button", "aria-label": "Put away", click: away }, "\u00d7"));
        by_id("toasts").append(box);
        return away;
}

/* What was said of pauses and may be undone, by whom it is about: {away, is_paused, was_seen}. */
const told_of = new Map();

function is_paused(now, target) {
        const paused = now.paused || {};

        return target.class ? (paused.classes || []).includes(target.class) : (paused.clients || []).includes(target.client);
}

/* What was said of a pause is no longer true once it is resumed, from here or elsewhere: nor is its Undo. */
function draw_told(state) {
        for (const [key, one] of told_of) {
                if (!state.now)
                        continue;
                const is_so = is_paused(state.now, one.target) === one.is_paused;

                if (!is_so && one.was_seen) {
                        one.away();
                        told_of.delete(key);
                }
                one.was_seen ||= is_so;
        }
}

function tell_of(name, target, away) {
        const key = target.class ? `class ${target.class}` : `client ${target.client}`, before = told_of.get(key);

        if (before)
                before.away();
        told_of.set(key, { away, target, is_paused: name === "pause", was_seen: false });
}

async function may_act() {
        if (store.me && store.me.may_act)
                return true;
        if (store.me && store.me.can_act === false) {
                toast("This gateway lets nobody act: it has no action token. Name a file with one as watch.action_token_file " +
                      "in its configuration.", null);
                return false;
        }
        return log_in("This needs an action token: a line of the file that watch.action_token_file names.");
}

/* Return: done. Asks for the token once more where the login has ended meanwhile. What was done, and how to take
 * it back, is said by the gateway, which knows. */
async function act(name, body) {
        let reply = await post(`api/${name}`, body);

        if (reply.status === 401 && await log_in("The login has ended. Log in again to go on."))
                reply = await post(`api/${name}`, body);
        if (reply.status < 200 || reply.status >= 300) {
                toast(`Not done: ${why(reply)}`, null);
                return false;
        }
        const told = reply.body || {}, undo = told.undo;

        const away = toast(`${capital(told.done || "done")}.`,
                           undo && undo.path ? () => act(undo.path.replace(/^.*\/api\//, ""), undo.body) : null);

        if (name === "pause" || name === "resume")
                tell_of(name, body, away);
        return true;
}

const HELD = "Those that wait stay in the queue; whose deadline comes is refused, in words that say why. What was sent " +
             "already is not touched.";

export async function pause(target) {
        if (!await may_act())
                return;
        const cancels = el("input", { type: "checkbox", id: "pause-cancels" });
        const answer = await confirm(target.class ? {
                title: `Pause class ${target.class}?`,
                text: `Requests of class ${target.class}, of all clients, are not sent until you resume it. ${HELD}`,
                verb: "Pause",
        } : {
                title: `Pause client ${target.client}?`,
                text: `Requests of ${target.client} are not sent until you resume it; other clients go on. ${HELD}`,
                verb: "Pause",
                field: el("label.check", null, cancels, "its cancels too: then it can no longer close anything"),
        });

        if (answer)
                await act("pause", cancels.checked ? { ...target, cancels: true } : target);
}

export async function resume(target) {
        if (!await may_act())
                return;
        const name = target.class ? `class ${target.class}` : `client ${target.client}`;
        const answer = await confirm({
                title: `Resume ${name}?`,
                text: `Requests of ${name} are sent again, as there is room for them.`,
                verb: "Resume",
        });

        if (answer)
                await act("resume", target);
}

export async function set_share(client) {
        if (!await may_act())
                return;
        const its = share_of(store.now, client);
        const input = el("input", { id: "share-value", type: "number", min: "1", max: "1000", step: "1", required: true,
                                    value: String(its ? its.share : 1), inputmode: "numeric" });
        const answer = await confirm({
                title: `Share of ${client}`,
                text: "Where there is too little for all, clients of a class get parts of it by their shares: who has 2 " +
                      "gets twice what one with 1 gets. It holds, after a restart too, until the settings name another " +
                      "for this client; for good, write it under clients in the configuration.",
                verb: "Set",
                field: el("label", null, its ? `Share (the settings say ${its.said})` : "Share", input),
        });

        if (answer)
                await act("share", { client, share: Number(input.value) });
}

export async function drop(request) {
        if (!await may_act())
                return;
        const answer = await confirm({
                title: "Drop this request?",
                text: `${request.endpoint || "The request"}${request.client ? ` of ${request.client}` : ""} is taken out ` +
                      "of the queue, and its client is told so: nothing was sent, and it may ask again. This " +
                      "cannot be undone. One that has been sent meanwhile is not touched.",
                verb: "Drop",
        });

        if (answer)
                await act("drop", { request: request.id });
}

export async function acknowledge(variant) {
        if (!await may_act())
                return;
        const answer = await confirm({
                title: "Acknowledge this weight?",
                text: `You have seen that ${variant} costs other than the tables say. What is charged stays as it is; it is ` +
                      "no longer an alarm, until a number of it changes.",
                verb: "Acknowledge",
        });

        if (answer)
                await act("acknowledge", { variant });
}

export function start_actions() {
        by_id("ask-form").addEventListener("submit", (event) => {
                event.preventDefault();
                if (by_id("ask-form").reportValidity())
                        finish({});
        });
        by_id("ask-cancel").addEventListener("click", () => finish(null));
        dialog.addEventListener("close", () => finish(null));
        on_change(draw_told);
}
