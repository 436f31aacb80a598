/*
 * Requests of clients that hold no keys: the gateway puts the account's key to them, and for what
 * the exchange wants signed, time and signature. Decided when a request comes, done when its first
 * byte is about to leave, so that nothing ages in the queue.
 *
 * What is signed already passes as it is, whoever sent it. In any doubt a request is refused:
 * nothing of an account is ever put to one whose client has not proved itself.
 */
#include "base/log.h"
#include "gateway/flow_inside.h"
#include "gateway/keys.h"
#include "gateway/proof.h"
#include "gateway/refuse.h"
#include "gateway/upstream.h"
#include "http/host.h"
#include "sign/seal.h"

#include <stdio.h>

static const struct str account_field = { "x-weir-account", 14 };

/* Who asks. */

/* Return: an enum proof. */
static int prove(struct http_exchange *exchange, const struct credential *c, struct str *ret_what)
{
        struct proof_request request = { .head = http_exchange_head(exchange) };
        char local[HTTP_LOCAL_SIZE];

        request.local = http_exchange_local_host(exchange, local);
        request.is_unix = http_exchange_peer_user(exchange, &request.user) == 0;
        return proof_check(&request, &c->clients, ret_what);
}

/* The account that is named; NULL view when none is. Return: false when two are. */
static bool read_account(const struct http_head *head, struct str *ret_name)
{
        *ret_name = STR_NULL;
        for (size_t i = 0; i < head->n_fields; ++i) {
                if (!str_eq_nocase(head->fields[i].name, account_field))
                        continue;
                if (ret_name->p)
                        return false;
                *ret_name = head->fields[i].value;
        }
        return true;
}

/* What it asks for. */

/* X-Weir-Sign: what the client knows better than our tables. Return: false when it is no answer. */
static bool read_wish(const struct http_head *head, struct str *ret_wish)
{
        *ret_wish = http_field_value(head, STR_LITERAL("x-weir-sign"));
        return !ret_wish->p || str_eq(*ret_wish, STR_LITERAL("yes")) ||
               str_eq(*ret_wish, STR_LITERAL("no"));
}

static enum flow_seal wanted(const struct policy_plan *plan, struct str wish)
{
        if (plan->has_signature || str_eq(wish, STR_LITERAL("no")))
                return FLOW_AS_IT_IS;
        if (str_eq(wish, STR_LITERAL("yes")))
                return FLOW_SIGN;
        /* What no table knows is signed: its client asked for it by naming the account. */
        if (!plan->endpoint || plan->endpoint->security == POLICY_SIGNED)
                return FLOW_SIGN;
        return plan->endpoint->security == POLICY_KEYED ? FLOW_PUT_KEY : FLOW_AS_IT_IS;
}

static bool has_other_key(const struct http_head *head, struct str key)
{
        for (size_t i = 0; i < head->n_fields; ++i)
                if (str_eq_nocase(head->fields[i].name, STR_LITERAL("x-mbx-apikey")) &&
                    !str_eq(head->fields[i].value, key))
                        return true;
        return false;
}

static struct seal_request request_of(struct http_exchange *exchange)
{
        const struct http_head *head = http_exchange_head(exchange);

        return (struct seal_request){
                .target = head->target,
                .query = head->query,
                .has_query = head->has_query,
                .body = http_exchange_body(exchange),
        };
}

/* Why it cannot be signed, or NULL. @why: room for a sentence. */
static const char *find_obstacle(struct http_exchange *exchange, const struct policy_plan *plan,
                                 char why[SEAL_WHY_MAX])
{
        const struct http_head *head = http_exchange_head(exchange);
        struct seal_request request = request_of(exchange);
        bool is_read = head->method == HTTP_GET || head->method == HTTP_HEAD;

        if (!is_read && head->method != HTTP_POST && head->method != HTTP_PUT &&
            head->method != HTTP_DELETE)
                return "of requests with this method none is signed; the exchange has GET, POST, "
                       "PUT and DELETE";
        if (plan->has_timestamp)
                return "it names a timestamp of its own, which would grow old in the queue; leave "
                       "it out, weir adds the time at which it leaves";
        if (request.body.n > 0 && is_read)
                return "the exchange reads no body of a GET; write the parameters into the query";
        if (request.body.n > 0 &&
            !str_has_prefix_nocase(http_field_value(head, STR_LITERAL("content-type")),
                                   STR_LITERAL("application/x-www-form-urlencoded")))
                return "its body is no form; send Content-Type: application/x-www-form-urlencoded "
                       "and parameters as name=value";
        if (http_field_value(head, STR_LITERAL("content-encoding")).p)
                return "its body is compressed; send it as it is";
        return seal_check(&request, why) < 0 ? why : NULL;
}

/* Return: false after having refused. */
static bool may_be_sealed(struct gateway *g, struct http_exchange *exchange,
                          const struct credential *c, const struct policy_plan *plan,
                          enum flow_seal seal)
{
        const struct http_head *head = http_exchange_head(exchange);
        const char *obstacle = NULL;
        char why[SEAL_WHY_MAX];

        if (has_other_key(head, signer_api_key(c->signer)))
                obstacle = "its X-MBX-APIKEY is not the account's; leave that field out, or "
                           "X-Weir-Account";
        else if (seal == FLOW_SIGN)
                obstacle = find_obstacle(exchange, plan, why);
        if (obstacle)
                refuse_unsealable(g, exchange, c->name, obstacle);
        return !obstacle;
}

/* The account @name, whose client the request's has proved to be. Return: NULL after having
 * refused.
 */
static const struct credential *find_proved(struct gateway *g, struct http_exchange *exchange,
                                            struct str name)
{
        const struct http_head *head = http_exchange_head(exchange);
        const struct credential *c = keys_find(g->keys, name);
        struct str what;
        int proof;

        /* A page in a browser is not even told which accounts there are. */
        if (!c && !proof_of_browser(head).p) {
                refuse_account(g, exchange, name);
                return NULL;
        }
        proof = c ? prove(exchange, c, &what) : PROOF_BROWSER;
        if (proof == PROOF_GOOD)
                return c;
        if (proof == PROOF_BROWSER)
                refuse_browser(g, exchange, proof_of_browser(head));
        else
                refuse_proof(g, exchange, c->name, proof);
        return NULL;
}

bool flow_choose_seal(struct gateway *g, struct http_exchange *exchange, struct policy_input *input,
                      struct policy_plan *plan, enum flow_seal *ret)
{
        const struct http_head *head = http_exchange_head(exchange);
        const struct credential *c;
        struct str name, wish;
        enum flow_seal seal;

        *ret = FLOW_AS_IT_IS;
        if (g->keys && proof_is_preflight(head)) {
                refuse_browser(g, exchange, proof_of_browser(head));
                return false;
        }
        if (!read_account(head, &name)) {
                refuse_unsealable(g, exchange, "?",
                                  "X-Weir-Account is there twice; name one account");
                return false;
        }
        if (!name.p)
                return true;
        if (!read_wish(head, &wish)) {
                refuse_unsealable(g, exchange, "?", "X-Weir-Sign takes yes or no");
                return false;
        }
        seal = wanted(plan, wish);
        if (seal == FLOW_AS_IT_IS)
                return true;
        c = find_proved(g, exchange, name);
        if (!c || !may_be_sealed(g, exchange, c, plan, seal))
                return false;
        *ret = seal;
        input->api_key = signer_api_key(c->signer);
        input->is_unsealed = *ret == FLOW_SIGN;
        must(policy_match(&g->policy, input, plan) == 0);
        return true;
}

/* Leaving. */

/* The account's books were charged for the key that it had when the request came. */
static const struct credential *find_again(struct flow *f)
{
        const struct credential *c;
        struct str name, what;

        (void)read_account(http_exchange_head(f->exchange), &name);
        c = keys_find(f->gateway->keys, name);
        if (c && policy_account(signer_api_key(c->signer)) == f->key &&
            prove(f->exchange, c, &what) == PROOF_GOOD)
                return c;
        f->seal_failure = "the account's keys or clients were changed while the request waited";
        return NULL;
}

/* The body that leaves: the client's, or ours behind it. */
static int write_sealed(struct flow *f, const struct credential *c, uint64_t now_ms)
{
        struct seal_request request = request_of(f->exchange);
        struct upstream_head head = {
                .head = http_exchange_head(f->exchange),
                .target = request.target,
                .api_key = signer_api_key(c->signer),
                .hides_proof = true,
        };
        struct str body = request.body;
        int r = 0;

        if (f->seal == FLOW_SIGN) {
                uint64_t window_ms =
                        f->plan.has_recv_window ? 0 : f->gateway->settings.recv_window_ms;

                r = seal_write(c->signer, &request, now_ms, window_ms, &f->sealed_target,
                               &f->sealed_body);
                head.target = buf_str(&f->sealed_target);
                body = buf_str(&f->sealed_body);
        }
        head.body_bytes = body.n;
        buf_clear(&f->head);
        if (r == 0)
                r = upstream_write_head(f->upstream, &f->head, &head);
        f->http.head = buf_str(&f->head);
        f->http.body = body;
        return r;
}

/*
 * Until when it may still leave: while a connection that took it is full, as long as its signature
 * is good, and in no case later than a connection may take beyond its deadline.
 */
static void set_last_moment(struct flow *f, uint64_t now_ms)
{
        const struct settings *s = &f->gateway->settings;
        uint64_t window_ms =
                f->plan.has_recv_window ? f->plan.recv_window_us / US_PER_MS : s->recv_window_ms;
        uint64_t last_ms = f->request.deadline_ms + s->timeouts.connect_ms;

        /* Signing itself may take milliseconds. */
        if (window_ms < MS_PER_SECOND)
                window_ms = MS_PER_SECOND;
        f->expires_ms = now_ms + window_ms < last_ms ? now_ms + window_ms : last_ms;
}

bool flow_seal(struct flow *f, uint64_t now_ms)
{
        const struct credential *c;

        if (f->seal == FLOW_AS_IT_IS)
                return true;
        /*
         * What its client signed is refused by the exchange when it comes too late; what we sign
         * is always fresh. Who hung up has looked its order up by now, and perhaps placed another:
         * after a pause of this whole process the loop may not have told us yet.
         */
        if (http_exchange_has_left(f->exchange)) {
                f->seal_failure = "its client hung up before it was sent";
                return false;
        }
        /*
         * A connection was offered it before, and may have its bytes under TLS already: then they
         * are what leaves, if they are still good.
         */
        if (http_call_is_bound(&f->http))
                return true;
        c = find_again(f);
        if (!c)
                return false;
        if (write_sealed(f, c, now_ms) < 0) {
                f->seal_failure = "it could not be signed, for lack of memory";
                return false;
        }
        if (f->seal == FLOW_SIGN && f->gateway->settings.limits)
                set_last_moment(f, now_ms);
        return true;
}

void flow_seal_told(struct flow *f, const struct verdict *verdict)
{
        if (f->seal != FLOW_SIGN || verdict->kind != VERDICT_CLOCK)
                return;
        log_event(LOG_WARN, "clock_off", "request=%s group=%s code=%d why=\"it is measured anew\"",
                  f->request_id, policy_group_name(f->plan.group), verdict->code);
        errand_measure(f->gateway, f->upstream);
}

void flow_wipe_seal(struct flow *f)
{
        struct buf *sealed[] = { &f->head, &f->sealed_target, &f->sealed_body };

        for (size_t i = 0; i < ARRAY_SIZE(sealed); ++i) {
                if (f->seal != FLOW_AS_IT_IS && sealed[i]->data)
                        explicit_bzero(sealed[i]->data, sealed[i]->size);
                buf_clear(sealed[i]);
        }
        f->seal = FLOW_AS_IT_IS;
        f->seal_failure = NULL;
}
