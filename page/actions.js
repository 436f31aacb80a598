/*
 * What can be done from here. Each is confirmed in words that say what will happen, and, where the
 * gateway knows a way back, offered to be undone.
 */
import { log_in } from "./access.js";
import { post, why } from "./ask.js";
import { by_id, el, set_text } from "./dom.js";
import { store } from "./store.js";

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
        (field ? field.querySelector("input") : by_id("ask-cancel")).focus();
        return new Promise((resolve) => {
                settle = resolve;
        });
}

/* For a while, or until it is put away. @undo: a function, or null */
export function toast(text, undo) {
        const box = el("div.toast", { role: "status" }, el("p", null, text));
        const away = () => {
                box.remove();
                clearTimeout(timer);
        };
        const timer = setTimeout(away, TOAST_MS);

        if (undo)
                box.append(el("button.quiet", { type: "button", click: () => {
                        away();
                        undo();
                } }, "Undo"));
        box.append(el("button.quiet.close", { type: "button", "aria-label": "Put away", click: away }, "\u00d7"));
        by_id("toasts").append(box);
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

/* Return: done. Asks for the token once more where the login has ended meanwhile. */
async function act(name, body, said, undo) {
        let reply = await post(`api/${name}`, body);

        if (reply.status === 401 && await log_in("The login has ended. Log in again to go on."))
                reply = await post(`api/${name}`, body);
        if (reply.status >= 200 && reply.status < 300) {
                toast(said, undo);
                return true;
        }
        toast(`Not done. ${why(reply)}`, null);
        return false;
}

const what_of = (target) => target.class ? `class ${target.class}` : `client ${target.client}`;

export async function pause(target) {
        if (!await may_act())
                return;
        const name = what_of(target);
        const answer = await confirm({
                title: `Pause ${name}?`,
                text: target.class ?
                        `Requests of ${name} are no longer sent, from all clients, until you resume it. Those that ` +
                        "wait stay in the queue until their deadlines and are then refused, in words that say why. " +
                        "What was sent already is not touched." :
                        `Requests of ${name} are no longer sent until you resume it. Those that wait stay in the ` +
                        "queue until their deadlines and are then refused, in words that say why. Other clients go on.",
                verb: "Pause",
        });

        if (answer)
                await act("pause", target, `Paused ${name}.`, () => act("resume", target, `Resumed ${name}.`, null));
}

export async function resume(target) {
        if (!await may_act())
                return;
        const name = what_of(target);
        const answer = await confirm({
                title: `Resume ${name}?`,
                text: `Requests of ${name} are sent again, as there is room for them.`,
                verb: "Resume",
        });

        if (answer)
                await act("resume", target, `Resumed ${name}.`, () => act("pause", target, `Paused ${name}.`, null));
}

export async function set_share(client, share_before) {
        if (!await may_act())
                return;
        const input = el("input", { id: "share-value", type: "number", min: "1", max: "1000", step: "1", required: true,
                                    value: share_before || 1, inputmode: "numeric" });
        const answer = await confirm({
                title: `Share of ${client}`,
                text: "Where there is too little for all, clients of a class get parts of it by their shares: one of " +
                      "share 2 gets twice what one of share 1 gets. It holds from now on until the gateway ends; for " +
                      "good, write it under clients in the configuration.",
                verb: "Set",
                field: el("label", null, "Share (1 is everybody's)", input),
        });

        if (!answer)
                return;
        const share = Number(input.value), before = share_before || 1;

        await act("share", { client, share }, `${client} has share ${share} now.`,
                  () => act("share", { client, share: before }, `${client} has share ${before} again.`, null));
}

export async function drop(request) {
        if (!await may_act())
                return;
        const answer = await confirm({
                title: "Drop this request?",
                text: `${request.endpoint || "The request"}${request.client ? ` of ${request.client}` : ""} is taken out ` +
                      "of the queue, and its client is told so: nothing was sent, and it may ask again. This " +
                      "cannot be undone. A request that has been sent meanwhile is not touched.",
                verb: "Drop",
        });

        if (answer)
                await act("drop", { request: request.id }, "Dropped; its client has been told.", null);
}

export async function acknowledge(variant) {
        if (!await may_act())
                return;
        const answer = await confirm({
                title: "Acknowledge this weight?",
                text: `You have seen that ${variant} costs other than the tables say. What is charged stays the higher ` +
                      "of the two; it is no longer counted among the mismatches. A further change shows up again.",
                verb: "Acknowledge",
        });

        if (answer)
                await act("acknowledge", { variant }, `Acknowledged ${variant}.`, null);
}

export function start_actions() {
        by_id("ask-form").addEventListener("submit", (event) => {
                event.preventDefault();
                if (by_id("ask-form").reportValidity())
                        finish({});
        });
        by_id("ask-cancel").addEventListener("click", () => finish(null));
        dialog.addEventListener("close", () => finish(null));
}
