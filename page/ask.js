/* Questions to the gateway: JSON there and back. They do not throw; status 0 is no answer at all. */

async function ask(path, options, for_ms) {
        const stop = new AbortController(), timer = setTimeout(() => stop.abort(), for_ms);

        try {
                const response = await fetch(path, { ...options, signal: stop.signal, cache: "no-store",
                                                     credentials: "same-origin" });
                const text = await response.text();
                let body = null;

                try {
                        body = text === "" ? null : JSON.parse(text);
                } catch {
                        body = null;
                }
                return { status: response.status, body, text,
                         retry_s: Number(response.headers.get("Retry-After")) || 0 };
        } catch {
                return { status: 0, body: null, text: "", retry_s: 0 };
        } finally {
                clearTimeout(timer);
        }
}

export function get(path, for_ms = 10000) {
        return ask(path, { headers: { Accept: "application/json" } }, for_ms);
}

/* The field proves that no other page's form sends this: those cannot set one. */
export function post(path, body, for_ms = 10000) {
        return ask(path, { method: "POST", body: JSON.stringify(body || {}),
                           headers: { "Content-Type": "application/json", "X-Weir-Action": "yes" } }, for_ms);
}

/* What an answer says went wrong, in a sentence. */
export function why(reply) {
        const said = reply.body && (reply.body.msg || reply.body.error || reply.body.message);

        if (said)
                return String(said).replace(/^weir: /, "");
        if (reply.status === 0)
                return "The gateway does not answer. Nothing is known to have been done; try again when it is back.";
        return `The gateway answered ${reply.status}.`;
}
