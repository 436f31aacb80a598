#include "sim/sim.h"

#include "base/clock.h"
#include "base/heap.h"
#include "base/list.h"
#include "http/server.h"
#include "http/write.h"
#include "net/listen.h"
#include "net/tls.h"
#include "sim/admin.h"
#include "sim/record.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* How often countdowns and resting orders are looked at when nobody asks. */
#define TICK_US (50 * US_PER_MS)
#define CHUNKS  3

struct sim {
        struct loop *loop;
        struct sim_config *config;
        struct exchange *exchange;
        struct record record;
        struct tls *tls;
        struct http_server *server;
        struct loop_timer *tick, *alarm;
        struct heap waiting; /* errands, by due_us */
        struct list errands; /* all of them */
};

enum errand_step {
        STEP_ARRIVE, /* on its way to the exchange */
        STEP_ANSWER, /* on its way back */
        STEP_TRICKLE,
};

/* One request and what the sim still has to do for it. */
struct errand {
        struct list link;
        struct heap_link wait;
        struct sim *sim;
        struct http_exchange *http;
        enum errand_step step;
        uint64_t due_us;
        struct fault_plan plan;
        struct request request;
        struct reply reply;
        uint64_t record;
        size_t sent; /* of the body, when it trickles */
        bool is_admin;
        char ip[OWNER_NAME]; /* from X-Sim-IP */
};

static bool errand_before(const struct heap_link *a, const struct heap_link *b)
{
        return container_of(a, struct errand, wait)->due_us <
               container_of(b, struct errand, wait)->due_us;
}

static void errand_free(struct errand *errand)
{
        heap_remove(&errand->sim->waiting, &errand->wait);
        list_unlink(&errand->link);
        reply_deinit(&errand->reply);
        free(errand);
}

static void errand_abort(struct errand *errand)
{
        http_exchange_abort(errand->http);
        errand_free(errand);
}

static void errand_wait(struct errand *errand, enum errand_step step, uint64_t wait_us)
{
        struct sim *sim = errand->sim;
        int r;

        errand->step = step;
        errand->due_us = clock_mono_us() + wait_us;
        r = heap_push(&sim->waiting, &errand->wait);
        must(r == 0);
        if (heap_peek(&sim->waiting) == &errand->wait)
                loop_timer_set(sim->alarm, errand->due_us);
}

/* ASCII only. */
static struct str lower(const char *name, char to[static 48])
{
        size_t n = strnlen(name, 47);

        for (size_t i = 0; i < n; ++i)
                to[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] - 'A' + 'a' : name[i]);
        return str_from(to, n);
}

static int write_field(const struct errand *errand, struct buf *out, const char *name,
                       const char *value)
{
        char small[48];

        return http_write_field(out,
                                errand->sim->config->lower_case ? lower(name, small) : str_of(name),
                                str_of(value));
}

/* Return: 0 or a negative errno, with a part of the head written. */
static int write_head(struct errand *errand, struct buf *out)
{
        const struct reply *reply = &errand->reply;
        bool chunked = errand->plan.chunked;
        char length[24];
        int r = http_write_status_line(out, reply->status, STR_NULL);

        if (r == 0 && reply->type)
                r = write_field(errand, out, "Content-Type", reply->type);
        for (size_t i = 0; r == 0 && i < reply->n_fields; ++i)
                r = write_field(errand, out, reply->fields[i].name, reply->fields[i].value);
        if (r == 0 && chunked) {
                r = write_field(errand, out, "Transfer-Encoding", "chunked");
        } else if (r == 0) {
                snprintf(length, sizeof(length), "%zu", buf_length(&reply->body));
                r = write_field(errand, out, "Content-Length", length);
        }
        if (r == 0)
                r = http_exchange_write_connection(errand->http, true);
        return r == 0 ? http_write_head_end(out) : r;
}

static int write_part(struct errand *errand, struct buf *out, size_t n)
{
        struct str part = str_from(buf_str(&errand->reply.body).p + errand->sent, n);

        errand->sent += n;
        return errand->plan.chunked ? http_write_chunk(out, part) : buf_append_str(out, part);
}

static size_t body_left(const struct errand *errand)
{
        return buf_length(&errand->reply.body) - errand->sent;
}

static void finish(struct errand *errand, struct buf *out)
{
        if (errand->plan.chunked && http_write_last_chunk(out) < 0) {
                errand_abort(errand);
                return;
        }
        http_exchange_end(errand->http, true);
        errand_free(errand);
}

static void trickle(struct errand *errand)
{
        struct buf *out = http_exchange_out(errand->http);
        size_t left = body_left(errand);
        size_t n = left < errand->plan.trickle_bytes ? left : errand->plan.trickle_bytes;

        if (write_part(errand, out, n) < 0 || http_exchange_flush(errand->http) < 0)
                errand_abort(errand);
        else if (body_left(errand) == 0)
                finish(errand, out);
        else
                errand_wait(errand, STEP_TRICKLE, errand->plan.trickle_us);
}

/* The whole length is promised, part of the body is sent, then the connection is closed. */
static void break_off(struct errand *errand, struct buf *out)
{
        size_t n = buf_length(&errand->reply.body) * errand->plan.half_percent / 100;

        if (write_part(errand, out, n) < 0) {
                errand_abort(errand);
                return;
        }
        http_exchange_end(errand->http, false);
        errand_free(errand);
}

static void write_reply(struct errand *errand)
{
        struct buf *out = http_exchange_out(errand->http);
        size_t piece = buf_length(&errand->reply.body);
        bool no_body = http_exchange_head(errand->http)->method == HTTP_HEAD;

        if (no_body)
                errand->plan.chunked = false;
        if (write_head(errand, out) < 0) {
                errand_abort(errand);
                return;
        }
        if (no_body) {
                finish(errand, out);
                return;
        }
        if (errand->plan.half_percent) {
                break_off(errand, out);
                return;
        }
        if (errand->plan.trickle_bytes && piece > 0) {
                trickle(errand);
                return;
        }
        if (errand->plan.chunked)
                piece = piece / CHUNKS + 1;
        while (body_left(errand) > 0)
                if (write_part(errand, out, body_left(errand) < piece ? body_left(errand) : piece) <
                    0) {
                        errand_abort(errand);
                        return;
                }
        finish(errand, out);
}

static bool accepts_gzip(const struct errand *errand)
{
        struct str accepted =
                http_field_value(http_exchange_head(errand->http), STR_LITERAL("Accept-Encoding"));

        return errand->sim->config->gzip && str_find_nocase(accepted, STR_LITERAL("gzip")) != NULL;
}

static void answer(struct errand *errand)
{
        if (errand->plan.lost) {
                errand_abort(errand);
                return;
        }
        if (buf_length(&errand->reply.body) > 0 && (errand->plan.gzip || accepts_gzip(errand)))
                reply_gzip(&errand->reply);
        record_status(&errand->sim->record, errand->record, errand->reply.status);
        write_reply(errand);
}

/* An orderly end without an answer, as when an idle connection is closed at the wrong moment. */
static void close_without_answer(struct errand *errand)
{
        http_exchange_end(errand->http, false);
        errand_free(errand);
}

static uint64_t one_way_us(struct sim *sim)
{
        uint64_t half = sim->config->latency_us / 2, jitter = sim->config->jitter_us / 2;

        if (jitter > half)
                jitter = half;
        return jitter ? faults_between(&sim->exchange->faults, half - jitter, half + jitter) : half;
}

static void arrive(struct errand *errand)
{
        struct sim *sim = errand->sim;
        uint64_t wait_us;

        if (errand->is_admin) {
                admin_serve(sim->exchange, &sim->record, &errand->request, clock_wall_us(),
                            &errand->reply);
                write_reply(errand);
                return;
        }
        exchange_serve(sim->exchange, &errand->request, &errand->plan, clock_wall_us(),
                       &errand->reply);
        if (errand->plan.lost == STAGE_UNREAD) {
                if (errand->plan.is_orderly)
                        close_without_answer(errand);
                else
                        errand_abort(errand);
                return;
        }
        wait_us = errand->plan.slow_us + errand->plan.engine_us + one_way_us(sim);
        if (wait_us)
                errand_wait(errand, STEP_ANSWER, wait_us);
        else
                answer(errand);
}

static void on_alarm(void *ctx)
{
        struct sim *sim = ctx;
        struct heap_link *first;

        while ((first = heap_peek(&sim->waiting))) {
                struct errand *errand = container_of(first, struct errand, wait);

                if (errand->due_us > clock_mono_us()) {
                        loop_timer_set(sim->alarm, errand->due_us);
                        return;
                }
                heap_remove(&sim->waiting, &errand->wait);
                if (errand->step == STEP_ARRIVE)
                        arrive(errand);
                else if (errand->step == STEP_ANSWER)
                        answer(errand);
                else
                        trickle(errand);
        }
}

static void on_tick(void *ctx)
{
        struct sim *sim = ctx;

        engine_tick(&sim->exchange->engine,
                    exchange_now_us(sim->exchange, clock_wall_us()) / US_PER_MS);
}

static const char *client_ip(struct errand *errand, const struct http_head *head)
{
        static const struct str name = { "X-Sim-IP", 8 };
        struct str said = http_field_value(head, name);

        if (!errand->sim->config->trust_ip_header || said.n == 0 || said.n >= OWNER_NAME)
                return http_exchange_peer(errand->http);
        str_copy(said, errand->ip, sizeof(errand->ip));
        return errand->ip;
}

static struct errand *errand_new(struct sim *sim, struct http_exchange *http)
{
        const struct http_head *head = http_exchange_head(http);
        struct errand *errand = malloc(sizeof(*errand));

        must(errand);
        *errand = (struct errand){ .sim = sim, .http = http };
        list_append(&sim->errands, &errand->link);
        reply_init(&errand->reply);
        errand->request = (struct request){
                .method = head->method_text,
                .path = head->path,
                .query = head->query,
                .body = http_exchange_body(http),
                .api_key = http_field_value(head, STR_LITERAL("X-MBX-APIKEY")),
        };
        errand->request.ip = client_ip(errand, head);
        errand->is_admin = admin_is_path(head->path);
        return errand;
}

static void on_request(void *ctx, struct http_exchange *http)
{
        struct sim *sim = ctx;
        struct errand *errand = errand_new(sim, http);
        uint64_t wait_us;

        if (errand->is_admin) {
                arrive(errand);
                return;
        }
        errand->record = record_add(&sim->record, http_exchange_head(http), errand->request.body,
                                    errand->request.ip, clock_wall_us());
        faults_plan(&sim->exchange->faults, errand->request.method, errand->request.path,
                    &errand->plan);
        wait_us = errand->plan.delay_us + one_way_us(sim);
        if (wait_us)
                errand_wait(errand, STEP_ARRIVE, wait_us);
        else
                arrive(errand);
}

static const struct http_server_ops ops = { .request = on_request };

void sim_config_init(struct sim_config *config)
{
        *config = (struct sim_config){ .listen = "127.0.0.1:8901",
                                       .idle_us = 75 * US_PER_SECOND,
                                       .record = RECORD_DEFAULT };
        exchange_config_init(&config->exchange);
}

void sim_config_deinit(struct sim_config *config)
{
        accounts_deinit(&config->exchange.accounts);
}

static int start(struct sim *sim, char *why, size_t why_size)
{
        struct http_server_config http = HTTP_SERVER_CONFIG_DEFAULT;
        int r;

        if (sim->config->tls_cert) {
                r = tls_server_new(sim->config->tls_cert, sim->config->tls_key, &sim->tls);
                if (r < 0) {
                        snprintf(why, why_size,
                                 "--tls-cert %.200s and --tls-key %.200s cannot be used: both must "
                                 "be readable PEM files, and the key the certificate's",
                                 sim->config->tls_cert, sim->config->tls_key);
                        return r;
                }
        }
        http.tls = sim->tls;
        http.idle_timeout_us = sim->config->idle_us;
        r = loop_timer_new(sim->loop, on_alarm, sim, &sim->alarm);
        if (r == 0)
                r = loop_timer_new(sim->loop, on_tick, sim, &sim->tick);
        if (r == 0)
                r = http_server_new(sim->loop, &http, &ops, sim, &sim->server);
        if (r < 0) {
                snprintf(why, why_size, "%s", strerror(-r));
                return r;
        }
        loop_timer_every(sim->tick, TICK_US);
        r = http_server_listen(sim->server, str_of(sim->config->listen), LISTEN_UNIX_MODE);
        if (r == -EINVAL)
                snprintf(why, why_size, "want HOST:PORT with an address in digits, or unix:PATH");
        else if (r < 0)
                snprintf(why, why_size, "%s", strerror(-r));
        return r;
}

int sim_open(struct loop *loop, struct sim_config *config, char *why, size_t why_size,
             struct sim **ret_sim)
{
        struct sim *sim = calloc(1, sizeof(*sim));
        int r;

        must(sim);
        sim->loop = loop;
        sim->config = config;
        sim->exchange = exchange_new(&config->exchange);
        record_init(&sim->record, config->record);
        heap_init(&sim->waiting, errand_before);
        list_init(&sim->errands);
        r = start(sim, why, why_size);
        if (r < 0) {
                sim_close(sim);
                return r;
        }
        *ret_sim = sim;
        return 0;
}

struct sim *sim_close(struct sim *sim)
{
        struct list *it, *after;

        if (!sim)
                return NULL;
        /* The server goes first: exchanges still open are its own to end. */
        sim->server = http_server_free(sim->server);
        list_for_each_safe(it, after, &sim->errands)
                errand_free(container_of(it, struct errand, link));
        heap_deinit(&sim->waiting);
        sim->tick = loop_timer_free(sim->tick);
        sim->alarm = loop_timer_free(sim->alarm);
        sim->tls = tls_free(sim->tls);
        record_deinit(&sim->record);
        sim->exchange = exchange_free(sim->exchange);
        free(sim);
        return NULL;
}

const struct address *sim_address(const struct sim *sim)
{
        return http_server_address(sim->server, 0);
}

struct exchange *sim_exchange(struct sim *sim)
{
        return sim->exchange;
}
