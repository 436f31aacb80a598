/* Who looks, and whether he may act: the login, and leaving it. */
import { post, why } from "./ask.js";
import { by_id, set_attr, set_shown, set_text } from "./dom.js";
import { ask_who_am_i, connect } from "./live.js";
import { on_change, store } from "./store.js";
import { span } from "./format.js";

const dialog = by_id("login"), field = by_id("login-token"), error = by_id("login-error");
let done = null, locked_until = 0;

function finish(is_in) {
        const tell = done;

        done = null;
        field.value = "";
        if (dialog.open)
                dialog.close();
        if (tell)
                tell(is_in);
}

/* Return: whether he is in, after the dialog. */
export function log_in(reason) {
        if (done)
                return Promise.resolve(false);
        set_text(by_id("login-why"), reason);
        error.textContent = "";
        dialog.showModal();
        field.focus();
        return new Promise((resolve) => {
                done = resolve;
        });
}

function complain(text) {
        error.textContent = text;
        field.setAttribute("aria-invalid", "true");
        field.select();
}

function show_lock() {
        const left = locked_until - performance.now();

        by_id("login-go").disabled = left > 0;
        if (left <= 0)
                return;
        error.textContent = `Too many wrong tokens. Try again in ${span(left)}.`;
        setTimeout(show_lock, 250);
}

function unlocked() {
        error.textContent = "You may try again now.";
        by_id("login-go").disabled = false;
}

async function submit(event) {
        event.preventDefault();
        if (performance.now() < locked_until)
                return;
        if (field.value === "") {
                complain("Paste a token: the line of the file that watch.action_token_file or watch.token_file names.");
                return;
        }
        const reply = await post("api/login", { token: field.value.trim() });

        field.removeAttribute("aria-invalid");
        if (reply.status === 204 || reply.status === 200) {
                await ask_who_am_i();
                if (store.connection !== "live")
                        connect();
                finish(true);
        } else if (reply.status === 429) {
                locked_until = performance.now() + Math.max(1, reply.retry_s) * 1000;
                show_lock();
                setTimeout(unlocked, Math.max(1, reply.retry_s) * 1000 + 50);
        } else if (reply.status === 401 || reply.status === 403) {
                complain(`This token is not known here. ${reply.body ? why(reply) : ""}`.trim());
        } else {
                complain(why(reply));
        }
}

async function press() {
        if (store.me && store.me.may_act) {
                await post("api/logout");
                await connect();
                return;
        }
        log_in(store.me && store.me.may_look === false ?
                       "Who looks from here needs a token: a line of the file that watch.token_file or " +
                       "watch.action_token_file names." :
                       "To pause, share, drop and acknowledge you need an action token: a line of the file " +
                       "that watch.action_token_file names.");
}

function draw() {
        const me = store.me;
        const text = me && me.may_act ? "Log out" : "Log in";

        /* Where no token would let anybody do or see more there is nothing to log in for. */
        set_shown(by_id("access"), !me || me.may_act || me.can_act !== false || me.needs_token);
        set_text(by_id("access-text"), text);
        set_attr(by_id("access"), "aria-label", me && me.may_act ? "You may act. Log out" : "You may only look. Log in to act");
}

export function start_access() {
        by_id("login-form").addEventListener("submit", submit);
        by_id("login-cancel").addEventListener("click", () => finish(false));
        by_id("access").addEventListener("click", press);
        dialog.addEventListener("close", () => finish(false));
        on_change(draw);
}

