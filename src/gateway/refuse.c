#include "gateway/refuse.h"
#include "base/log.h"
#include "core/sharing.h"
#include "gateway/answer.h"
#include "gateway/shadow.h"
#include "gateway/shown.h"
#include "gateway/upstream.h"

#include <errno.h>

/* Codes of Binance that client libraries know how to treat. */
#define CODE_DISCONNECTED    -1001 /* could not be processed: try again */
#define CODE_UNAUTHORIZED    -1002
#define CODE_TOO_MUCH        -1003 /* request weight */
#define CODE_UNEXPECTED      -1006 /* execution status unknown */
#define CODE_TIMEOUT         -1007 /* execution status unknown */
#define CODE_TOO_MANY_ORDERS -1015
#define CODE_UNSUPPORTED     -1020
#define CODE_BAD_PARAMETER   -1130
#define CODE_UNKNOWN         -1000

/*
 * A server that takes escapes and dots out of a path would count another endpoint than we do. No
 * endpoint of the exchange needs them.
 */
static bool is_disguised(struct str path)
{
        return memchr(path.p, '%', path.n) || str_find(path, STR_LITERAL("//")) ||
               str_find(path, STR_LITERAL("/.")) || memchr(path.p, ';', path.n);
}

bool refuse_at_the_door(struct gateway *g, struct http_exchange *exchange)
{
        if (g->is_draining) {
                tally_at_the_door(g, exchange, "stopping");
                answer_send(exchange, &(struct answer){ 503, CODE_DISCONNECTED, "stopping", 1 },
                            "weir is stopping; nothing was sent");
                return true;
        }
        if (http_exchange_head(exchange)->is_upgrade) {
                tally_at_the_door(g, exchange, "unsupported");
                answer_send(exchange, &(struct answer){ 501, CODE_UNSUPPORTED, "unsupported", 0 },
                            "WebSockets are not carried; connect streams to the exchange directly, "
                            "they cost no request weight");
                return true;
        }
        if (is_disguised(http_exchange_head(exchange)->path) &&
            !shadow_forgives(g, exchange, SHADOW_BAD_PATH)) {
                char quoted[96];

                tally_at_the_door(g, exchange, "bad_path");
                answer_send(exchange, &(struct answer){ 400, CODE_BAD_PARAMETER, "bad_path", 0 },
                            "the path %s can be read in two ways; write it without %%, ;, // and "
                            "/. as the exchange documents it; nothing was sent",
                            log_quote(http_exchange_head(exchange)->path, quoted, sizeof(quoted)));
                return true;
        }
        return false;
}

void refuse_path(struct gateway *g, struct http_exchange *exchange)
{
        char quoted[96];

        tally_at_the_door(g, exchange, "no_product");
        answer_send(exchange, &(struct answer){ 404, CODE_UNKNOWN, "no_product", 0 },
                    "no product of the exchange has the path %s; paths begin with /api, /sapi, "
                    "/fapi, /dapi, /papi, /eapi or /futures/data; the gateway's own page is "
                    "/weir/, its metrics are /weir/metrics; nothing was sent",
                    log_quote(http_exchange_head(exchange)->path, quoted, sizeof(quoted)));
}

void refuse_busy(struct gateway *g, struct http_exchange *exchange)
{
        tally_at_the_door(g, exchange, "memory");
        answer_send(exchange, &(struct answer){ 503, CODE_DISCONNECTED, "memory", 1 },
                    "out of memory; nothing was sent");
}

/* Also into the tally. */
static void log_unsealed(struct gateway *g, struct http_exchange *exchange, struct str account,
                         const char *verdict)
{
        char name[96];

        tally_at_the_door(g, exchange, verdict);
        str_copy(account, name, sizeof(name));
        log_event(LOG_WARN, "not_sealed", "request=%s account=\"%s\" verdict=%s peer=%s",
                  http_exchange_label(exchange), name, verdict, http_exchange_peer(exchange));
}

void refuse_browser(struct gateway *g, struct http_exchange *exchange, struct str what)
{
        char quoted[96];

        log_unsealed(g, exchange, STR_LITERAL("?"), "browser");
        answer_send(exchange, &(struct answer){ 403, CODE_UNAUTHORIZED, "browser", 0 },
                    "a browser sent this request (%s), and no page may use the keys that weir "
                    "holds; nothing was sent; use a program that is no browser",
                    log_quote(what, quoted, sizeof(quoted)));
}

void refuse_account(struct gateway *g, struct http_exchange *exchange, struct str name)
{
        char quoted[96];

        /* Who mixes the two fields up has sent a token here. */
        if (name.n >= TOKEN_BYTES_MIN)
                name = STR_LITERAL("(too long to be shown)");
        log_unsealed(g, exchange, name, "no_account");
        answer_send(exchange, &(struct answer){ 401, CODE_UNAUTHORIZED, "no_account", 0 },
                    "weir holds no keys of the account %s that X-Weir-Account names; nothing was "
                    "sent; see accounts in its configuration, or sign the request yourself",
                    log_quote(name, quoted, sizeof(quoted)));
}

void refuse_proof(struct gateway *g, struct http_exchange *exchange, const char *account, int proof)
{
        const char *why = proof == PROOF_TWICE ? "it brings two tokens; send one"
                          : proof == PROOF_WRONG
                                  ? "its token is none of the account's; see clients.token_file"
                          : proof == PROOF_USER
                                  ? "its user is none of the account's; see clients.users, or "
                                    "send a token"
                                  : "it brings no token; send Authorization: Bearer TOKEN, or "
                                    "connect to a unix socket as one of clients.users";

        log_unsealed(g, exchange, str_of(account),
                     proof == PROOF_HOST ? "foreign_host" : "unproved");
        if (proof == PROOF_HOST) {
                char quoted[96];

                answer_send(exchange, &(struct answer){ 403, CODE_UNAUTHORIZED, "foreign_host", 0 },
                            "the Host %s is no name of this gateway, as when a page in a browser "
                            "calls it by another; nothing was sent; if it is one, add it to "
                            "clients.hosts of the account",
                            log_quote(http_exchange_head(exchange)->host, quoted, sizeof(quoted)));
                return;
        }
        answer_send(exchange, &(struct answer){ 401, CODE_UNAUTHORIZED, "unproved", 0 },
                    "this client may not use the account %s: %s; nothing was sent", account, why);
}

void refuse_unsealable(struct gateway *g, struct http_exchange *exchange, const char *account,
                       const char *why)
{
        log_unsealed(g, exchange, str_of(account), "unsealable");
        answer_send(exchange, &(struct answer){ 400, CODE_BAD_PARAMETER, "unsealable", 0 },
                    "this request cannot be signed for an account: %s; nothing was sent", why);
}

static void flow_answer(struct flow *f, const struct answer *answer, const char *text)
{
        tally_refused(f, answer->verdict);
        answer_send(f->exchange, answer, "%s", text);
        f->exchange = NULL;
}

/* The budget that was in the way is one of orders: then client libraries expect the other code. */
static bool is_about_orders(const struct flow *f)
{
        return f->ticket.blocker == BLOCKED_BY_POOL &&
               policy_pool(f->ticket.blocked_by)->unit == POLICY_ORDERS;
}

/* Also into the tally. */
static void log_refusal(struct flow *f, const char *verdict, uint64_t wait_ms)
{
        const char *blocker = budget_blocked_by(&f->ticket);
        char client[TALLY_CLIENT_SIZE];

        tally_refused(f, verdict);
        log_event(LOG_WARN, "refused",
                  "request=%s group=%s egress=%s class=%s client=%s verdict=%s pool=%s "
                  "wait_ms=%llu",
                  f->request_id, policy_group_name(f->plan.group), f->upstream->outlet->shown,
                  class_name(f->request.class),
                  shown_text(str_of(f->tally.client), client, sizeof(client)), verdict,
                  blocker[0] ? blocker : "none", (unsigned long long)wait_ms);
}

/* What a client can do about a deadline, which only a signature makes it name itself. */
static const char *remedy(const struct flow *f)
{
        return f->plan.is_signed && policy_expires_ms(&f->plan) > 0
                       ? "send it again later, signed anew, or with a longer recvWindow"
                       : "send it again later, or with a longer X-Weir-Max-Wait";
}

static void refuse_late(struct flow *f, const struct answer *answer, uint64_t wait_ms,
                        uint64_t may_wait_ms)
{
        const char *is_pool = f->ticket.blocker == BLOCKED_BY_POOL ? "the budget " : "";

        if (f->ticket.blocker == BLOCKED_BY_NOTHING)
                answer_send_late(
                        f->exchange, answer, wait_ms,
                        "the time in which this request could be sent is over; nothing was "
                        "sent; %s",
                        remedy(f));
        else
                answer_send_late(
                        f->exchange, answer, wait_ms,
                        "%s%s has room in %llu ms, and this request may only wait %llu ms; "
                        "nothing was sent; %s",
                        is_pool, budget_blocked_by(&f->ticket), (unsigned long long)wait_ms,
                        (unsigned long long)may_wait_ms, remedy(f));
}

/* No room under what this host was granted, or nothing was granted at all. */
static void refuse_capped(struct flow *f, struct answer *answer, uint64_t *wait_ms)
{
        uint64_t now_ms = upstream_now(f->gateway, f->upstream).now_ms, at_ms = now_ms + *wait_ms;
        char why[SHARING_WORDS_SIZE];

        (void)sharing_refusal(&f->gateway->region, budget_blocked_by(&f->ticket), now_ms, &at_ms,
                              why);
        *wait_ms = at_ms - now_ms;
        answer->retry_after_s = (*wait_ms + MS_PER_SECOND - 1) / MS_PER_SECOND;
        answer_send_late(f->exchange, answer, *wait_ms, "%s; nothing was sent; again in %llu ms",
                         why, (unsigned long long)*wait_ms);
}

static void refuse_crowded(struct flow *f, struct answer *answer, uint64_t *ret_wait_ms)
{
        uint64_t wait_ms = *ret_wait_ms;

        if (f->ticket.is_capped)
                refuse_capped(f, answer, ret_wait_ms);
        else if (f->ticket.blocker == BLOCKED_BY_POOL)
                answer_send_late(
                        f->exchange, answer, wait_ms,
                        "the budget %s is spoken for in all windows ahead; nothing was sent; "
                        "again in %llu ms",
                        budget_blocked_by(&f->ticket), (unsigned long long)wait_ms);
        else if (f->ticket.blocker == BLOCKED_BY_CLOCK)
                answer_send_late(f->exchange, answer, wait_ms,
                                 "the exchange's clock is known too badly to tell its windows "
                                 "apart, since its answers take seconds; nothing was sent; again "
                                 "when they are quicker");
        else
                answer_send_late(f->exchange, answer, wait_ms,
                                 "no place can be had now; nothing was sent; again in %llu ms",
                                 (unsigned long long)wait_ms);
}

static void refuse_shut(struct flow *f, const struct answer *answer, uint64_t wait_ms)
{
        const char *what = f->ticket.shut_by == GATE_BAN        ? "has banned"
                           : f->ticket.shut_by == GATE_FIREWALL ? "blocks"
                                                                : "has stopped";
        const struct outlet *o = f->upstream->outlet;

        if (f->ticket.awaits_probe)
                answer_send_late(f->exchange, answer, wait_ms,
                                 "the time of the %s of %s%s is over, and one probe asks the "
                                 "exchange whether "
                                 "it has ended; nothing was sent, and nothing else will be before "
                                 "the answer; "
                                 "%s",
                                 f->ticket.shut_by == GATE_BAN ? "ban" : "block",
                                 o->is_named ? "the address " : "this address",
                                 o->is_named ? o->name : "", remedy(f));
        else if (!o->is_named)
                answer_send_late(
                        f->exchange, answer, wait_ms,
                        "the exchange %s this address for %llu ms more; nothing was sent; nothing "
                        "will be before that is over",
                        what, (unsigned long long)wait_ms);
        else
                answer_send_late(
                        f->exchange, answer, wait_ms,
                        "the exchange %s the address %s, by which this client is served, for %llu "
                        "ms "
                        "more; nothing was sent, and nothing of this client will be by it or any "
                        "other before that is over",
                        what, o->name, (unsigned long long)wait_ms);
}

void refuse_limiter(struct flow *f, int answer, uint64_t at_ms)
{
        uint64_t now_ms = upstream_now(f->gateway, f->upstream).now_ms;
        uint64_t wait_ms = at_ms > now_ms ? at_ms - now_ms : 0;
        uint64_t may_wait_ms =
                f->request.deadline_ms > now_ms ? f->request.deadline_ms - now_ms : 0;
        struct region_header *counters = f->gateway->region.header;
        struct answer a = {
                .status = 429,
                .code = is_about_orders(f) ? CODE_TOO_MANY_ORDERS : CODE_TOO_MUCH,
                .retry_after_s = wait_ms / 1000 + 1,
        };

        switch (answer) {
        case LIMITER_NEVER:
                a = (struct answer){ 400, a.code, "never", 0 };
                counter_add(counters, COUNTER_refused_never);
                answer_send(f->exchange, &a,
                            "this request alone costs more than a whole window of %s; nothing was "
                            "sent; ask for less at once",
                            budget_blocked_by(&f->ticket));
                break;
        case LIMITER_LATE:
                a.verdict = "late";
                counter_add(counters, COUNTER_refused_late);
                refuse_late(f, &a, wait_ms, may_wait_ms);
                break;
        case LIMITER_SHUT:
                a.verdict = gate_kind_name(f->ticket.shut_by);
                a.code = CODE_TOO_MUCH;
                counter_add(counters, COUNTER_refused_shut);
                refuse_shut(f, &a, wait_ms);
                break;
        case LIMITER_CROWDED:
                a.verdict = "crowded";
                counter_add(counters, COUNTER_refused_crowded);
                refuse_crowded(f, &a, &wait_ms);
                break;
        default:
                a = (struct answer){ 503, CODE_DISCONNECTED, "full", 1 };
                answer_send(
                        f->exchange, &a,
                        "the region has no room for another budget; nothing was sent; stop all "
                        "programs that use it and start them again: what nobody used for two days "
                        "makes room then");
                break;
        }
        f->exchange = NULL;
        log_refusal(f, a.verdict, wait_ms);
}

void refuse_queue(struct flow *f)
{
        flow_answer(f, &(struct answer){ 429, CODE_TOO_MUCH, "queue", 1 },
                    "too many requests wait already (max_queue); nothing was sent");
        log_refusal(f, "queue", 0);
}

void refuse_breaker(struct flow *f, uint64_t wait_ms)
{
        struct answer a;

        a = (struct answer){ 503, CODE_DISCONNECTED, "breaker", wait_ms / MS_PER_SECOND + 1 };
        counter_add(f->gateway->region.header, COUNTER_refused_breaker);
        answer_send_late(
                f->exchange, &a, wait_ms,
                "the exchange does not answer requests to /%s, or fails on its side, again and "
                "again; nothing was sent; it is asked anew in %llu ms (breaker.pause); send it "
                "again then",
                policy_group_name(f->plan.group), (unsigned long long)wait_ms);
        f->exchange = NULL;
        log_refusal(f, a.verdict, wait_ms);
}

/* It may have been sent before, and been refused for a limit. */
static const char *what_of_it(const struct flow *f)
{
        return f->call.retries > 0
                       ? "the exchange had refused it for a limit, and it was not executed"
                       : "nothing was sent";
}

void refuse_paused(struct flow *f)
{
        const char *held_by = pauses_hold(&f->gateway->pauses, f->request.class, f->tally.client);
        bool is_class = held_by && strcmp(held_by, "class") == 0;
        char text[400], quoted[80];
        struct answer a;

        a = (struct answer){ 503, CODE_DISCONNECTED, "paused", 0 };
        counter_add(f->gateway->region.header, COUNTER_refused_paused);
        snprintf(text, sizeof(text),
                 "an operator has paused the %s %s (/weir/api/pause), and this request's time is "
                 "over, or too many wait for that already; %s; send it again when it is resumed",
                 is_class ? "class" : "client",
                 is_class ? class_name(f->request.class)
                          : log_quote(str_of(f->tally.client), quoted, sizeof(quoted)),
                 what_of_it(f));
        flow_answer(f, &a, text);
        log_refusal(f, a.verdict, 0);
}

void refuse_dropped(struct flow *f)
{
        struct answer a;
        char text[300];

        a = (struct answer){ 503, CODE_DISCONNECTED, "dropped", 0 };
        counter_add(f->gateway->region.header, COUNTER_dropped);
        snprintf(
                text, sizeof(text),
                "an operator has dropped this request from the queue (/weir/api/drop); %s; ask why "
                "before you send it again",
                what_of_it(f));
        flow_answer(f, &a, text);
        log_refusal(f, a.verdict, 0);
}

void refuse_memory(struct flow *f)
{
        flow_answer(f, &(struct answer){ 503, CODE_DISCONNECTED, "memory", 1 },
                    "this request cannot be held in memory; nothing was sent");
}

void refuse_wish(struct flow *f, const char *field, struct str value, const char *wanted)
{
        char quoted[80];

        tally_refused(f, "bad_field");
        answer_send(f->exchange, &(struct answer){ 400, CODE_BAD_PARAMETER, "bad_field", 0 },
                    "%s is %s and must be %s; nothing was sent", field,
                    log_quote(value, quoted, sizeof(quoted)), wanted);
        f->exchange = NULL;
}

void refuse_unsent(struct flow *f, const char *why)
{
        tally_ends(f, STATS_NOT_SENT);
        answer_send(f->exchange, &(struct answer){ 503, CODE_DISCONNECTED, "unsent", 1 },
                    "%s; nothing was sent; it is safe to try again", why);
        f->exchange = NULL;
}

void refuse_unanswered(struct flow *f, const char *why)
{
        bool is_timeout = str_find(str_of(why), STR_LITERAL("time")) != NULL;
        struct answer a = {
                .status = is_timeout ? 504 : 502,
                .code = is_timeout ? CODE_TIMEOUT : CODE_UNEXPECTED,
                .verdict = f->plan.is_mutating ? "unknown" : "unanswered",
        };

        tally_ends(f, STATS_UNKNOWN);
        if (f->plan.is_mutating)
                answer_send(
                        f->exchange, &a,
                        "%s after the request was sent; execution status unknown: it was sent "
                        "once and will not be sent again; look the order up by its client order "
                        "id before you act",
                        why);
        else
                answer_send(f->exchange, &a, "%s after the request was sent; no answer came", why);
        f->exchange = NULL;
}

void refuse_unreadable(struct flow *f)
{
        tally_ends(f, STATS_UNKNOWN);
        answer_send(f->exchange, &(struct answer){ 502, CODE_UNEXPECTED, "unreadable", 0 },
                    "the exchange's reply has a head that cannot be passed on (status %u); "
                    "execution status unknown: look it up before you act",
                    f->status);
        f->exchange = NULL;
}
