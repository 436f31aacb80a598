/*
 * Tokens that are offered: for a session, or with a request. A wrong one is counted against who
 * offers it; what it was is never said anywhere.
 */
#include "base/log.h"
#include "http/host.h"
#include "watch/inside.h"

#include <stdio.h>

#define COOKIE_SIZE 256

/* Return: whether it must wait, and was told so. */
static bool refuse_guesser(struct visit *v)
{
        uint64_t wait_s = guesses_wait_s(&v->watch->guesses, http_exchange_peer(v->exchange),
                                         loop_now_us(v->watch->loop));

        if (wait_s > 0)
                answer_refusal_with(v, 429, wait_s, NULL, NULL,
                                    "too many wrong tokens were offered; again in %llu s",
                                    (unsigned long long)wait_s);
        return wait_s > 0;
}

static void note_wrong(struct visit *v, const char *as)
{
        const char *peer = http_exchange_peer(v->exchange);

        guesses_wrong(&v->watch->guesses, peer, loop_now_us(v->watch->loop));
        log_event(LOG_WARN, "token_refused", "peer=%s why=%s", peer, as);
}

void login_refuse_bearer(struct visit *v)
{
        if (refuse_guesser(v))
                return;
        note_wrong(v, "bearer");
        answer_refusal_with(v, 401, 0, "WWW-Authenticate", "Bearer realm=\"weir\"",
                            "the token is none of watch.token_file and watch.action_token_file");
}

/* Over TLS, ours or that of a proxy which the page was loaded through. */
static bool is_secure(const struct visit *v)
{
        struct str origin = http_field_value(v->head, STR_LITERAL("origin"));

        return http_exchange_is_tls(v->exchange) ||
               str_has_prefix_nocase(origin, STR_LITERAL("https://"));
}

/* @value: empty to take it away. */
static void send_cookie(struct visit *v, const char *value)
{
        char name[DOOR_COOKIE_SIZE], cookie[COOKIE_SIZE];
        struct http_field field = { STR_LITERAL("Set-Cookie"), STR_NULL };

        snprintf(cookie, sizeof(cookie), "%s=%s; HttpOnly; SameSite=Strict; Path=/weir/%s%s",
                 door_cookie_name(v->head, name), value, is_secure(v) ? "; Secure" : "",
                 value[0] ? "" : "; Max-Age=0");
        field.value = str_of(cookie);
        answer_bytes(v, 204, "", false, &field, 1, STR_NULL);
}

void login_begin(struct visit *v)
{
        const char *token = json_string_value(json_object_get(v->body, "token"));
        struct watch *w = v->watch;
        char cookie[SESSION_SIZE];
        struct door_pass pass;

        if (!door_has_tokens(&w->config.rules)) {
                answer_refusal(v, 409,
                               "there are no tokens here; see watch.token_file and "
                               "watch.action_token_file");
                return;
        }
        if (refuse_guesser(v))
                return;
        if (!token) {
                answer_refusal(v, 400, "write {\"token\": \"...\"}");
                return;
        }
        pass = door_token(&w->config.rules, str_of(token));
        if (pass.may == DOOR_NOTHING) {
                note_wrong(v, "login");
                answer_refusal(v, 401, "the token is none of this gateway's");
                return;
        }
        if (sessions_begin(&w->sessions, pass.may == DOOR_ACT, pass.token, loop_now_us(w->loop),
                           cookie) < 0) {
                answer_refusal(v, 503, "no session can be made now");
                return;
        }
        log_event(LOG_INFO, "logged_in", "peer=%s may=%s token=%zu",
                  http_exchange_peer(v->exchange), pass.may == DOOR_ACT ? "act" : "look",
                  pass.token);
        /* One is enough for one browser. */
        if (v->pass.session)
                session_end(v->pass.session);
        send_cookie(v, cookie);
}

void login_end(struct visit *v)
{
        if (v->pass.session) {
                session_end(v->pass.session);
                /* Who looks on by it must not go on; the others come back by themselves. */
                live_end(v->watch, false);
        }
        send_cookie(v, "");
}
