#include "http/connection.h"

#include "http/write.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* A buffer that grew beyond this for one exchange is given back after it. */
#define KEPT_BUFFER_MAX (64 << 10)
/* A client is slow, not dead, as long as it takes this much within the write timeout. */
#define PROGRESS_MIN (64 << 10)
/* What a client may still send after we closed, before it is cut off. */
#define LINGER_MAX (1 << 20)
/* Steps of one connection before the others get their turn. */
#define STEPS_PER_TURN 64

static enum deadline deadline_of(const struct http_exchange *x)
{
        if (x->is_blocked)
                return DEADLINE_WRITE;
        switch (x->phase) {
        case PHASE_OPENING:
        case PHASE_HEAD:
                return DEADLINE_HEAD;
        case PHASE_IDLE:
                return DEADLINE_IDLE;
        case PHASE_BODY:
                return DEADLINE_BODY;
        case PHASE_LINGER:
                return DEADLINE_LINGER;
        default:
                return DEADLINE_NONE;
        }
}

void connection_settle(struct http_exchange *x)
{
        enum deadline deadline;

        if (x->phase == PHASE_DEAD)
                return;
        deadline = deadline_of(x);
        if (deadline == x->deadline && !x->is_new_turn)
                return;
        x->is_new_turn = false;
        x->deadline = deadline;
        x->since_us = loop_now_us(x->loop);
        x->taken = 0;
        list_unlink(&x->link);
        list_append(&x->server->exchanges[deadline], &x->link);
}

static void free_exchange(void *dead)
{
        free(dead);
}

static void run_deferred(void *ctx)
{
        struct http_exchange *x = ctx;

        x->is_deferred = false;
        connection_run(x);
}

static void release_input(struct http_exchange *x)
{
        x->server->buffered -= x->in.size;
        buf_deinit(&x->in);
}

void connection_die(struct http_exchange *x)
{
        struct http_server *server = x->server;

        must(x->phase != PHASE_DEAD);
        x->phase = PHASE_DEAD;
        x->stream = stream_close(x->stream);
        release_input(x);
        buf_deinit(&x->out);
        list_unlink(&x->link);
        --server->counters.open;
        if (x->is_deferred)
                loop_undefer(x->loop, run_deferred, x);
        loop_bury(x->loop, x, free_exchange);

        if (server->counters.open > 0)
                return;
        loop_timer_clear(server->timer);
        if (server->is_retiring)
                loop_timer_set(server->timer, 0);
}

void connection_lose(struct http_exchange *x)
{
        if (x->phase != PHASE_BUSY) {
                connection_die(x);
                return;
        }
        x->stream = stream_close(x->stream);
        buf_clear(&x->out);
        x->is_hung_up = true;
        x->is_blocked = x->is_paused = x->may_read = false;
}

void connection_defer(struct http_exchange *x)
{
        if (x->is_deferred)
                return;
        if (loop_defer(x->loop, run_deferred, x) < 0)
                connection_lose(x);
        else
                x->is_deferred = true;
}

int connection_send(struct http_exchange *x)
{
        if (x->is_blocked)
                return 0;
        while (buf_length(&x->out) > 0) {
                struct str rest = buf_str(&x->out);
                ssize_t n = stream_write(x->stream, rest.p, rest.n);

                if (n == -EAGAIN) {
                        x->is_blocked = true;
                        return 0;
                }
                if (n < 0)
                        return -EPIPE;
                buf_consume(&x->out, (size_t)n);
                x->taken += (size_t)n;
                if (x->taken >= PROGRESS_MIN)
                        x->is_new_turn = true;
        }
        return 0;
}

static int make_room(struct http_exchange *x)
{
        struct http_server *server = x->server;
        size_t before = x->in.size;
        int r;

        if (buf_room(&x->in) >= READ_MIN / 4)
                return 0;
        r = buf_reserve(&x->in, READ_MIN);
        server->buffered += x->in.size - before;
        if (r == 0 && server->buffered > server->config.buffered_max)
                r = -ENOBUFS;
        return r;
}

/* One read. Return: bytes (> 0), 0 at the end, -EAGAIN, -ENOBUFS, or another negative errno. */
static ssize_t receive(struct http_exchange *x)
{
        ssize_t n;
        int r;

        r = make_room(x);
        if (r < 0)
                return r;
        n = stream_read(x->stream, buf_tail(&x->in), buf_room(&x->in));
        if (n == -EAGAIN)
                x->may_read = false;
        if (n > 0)
                buf_commit(&x->in, (size_t)n);
        return n;
}

void connection_refuse(struct http_exchange *x, unsigned status, const char *why)
{
        const struct http_server_ops *ops = x->server->ops;
        struct str start = STR_LITERAL("{\"code\":-1000,\"msg\":\"weir: ");
        struct str text = str_of(why), end = STR_LITERAL("\"}");
        struct buf *out = &x->out;

        x->phase = PHASE_FLUSH;
        x->keep_alive = false;
        x->label[0] = '\0';
        if (ops->malformed)
                ops->malformed(x->server->ctx, x, status, why);
        if (http_write_status_line(out, status, STR_NULL) < 0 ||
            http_write_field(out, STR_LITERAL("Content-Type"), STR_LITERAL("application/json")) <
                    0 ||
            http_write_content_length(out, start.n + text.n + end.n) < 0 ||
            http_write_field(out, STR_LITERAL("Connection"), STR_LITERAL("close")) < 0 ||
            http_exchange_write_label(x) < 0 || http_write_head_end(out) < 0 ||
            buf_append_str(out, start) < 0 || buf_append_str(out, text) < 0 ||
            buf_append_str(out, end) < 0 || connection_send(x) < 0)
                connection_die(x);
}

static void refuse_malformed(struct http_exchange *x, unsigned status, const char *why)
{
        ++x->server->counters.malformed;
        connection_refuse(x, status, why);
}

/* Reads once more. Return: true when there is something new to look at. */
static bool collect_more(struct http_exchange *x)
{
        ssize_t n;

        if (!x->may_read)
                return false;
        n = receive(x);
        if (n == -EAGAIN)
                return false;
        if (n == -ENOBUFS)
                connection_refuse(x, 503, "too many requests are being received");
        else if (n <= 0)
                connection_die(x);
        return true;
}

/* The phases; each step returns true when another may follow at once. */

static void send_continue(struct http_exchange *x)
{
        static const struct str text = { "HTTP/1.1 100 Continue\r\n\r\n", 25 };

        if (buf_append_str(&x->out, text) < 0 || connection_send(x) < 0)
                connection_die(x);
}

static void begin_body(struct http_exchange *x)
{
        bool has_body = x->head.framing == HTTP_BODY_CHUNKED || x->head.content_length > 0;

        x->phase = PHASE_BODY;
        x->head_at = buf_str(&x->in).p;
        x->used = x->head.head_bytes;
        x->body_bytes = 0;
        x->chunked = HTTP_CHUNKED_NULL;
        if (x->head.content_length > x->server->config.body_max)
                refuse_malformed(x, 413, "the body is too large");
        else if (x->head.expects_continue && has_body && buf_length(&x->in) == x->used)
                send_continue(x);
}

static bool step_head(struct http_exchange *x)
{
        struct http_error error;

        if (buf_length(&x->in) > 0) {
                switch (http_parse_request(buf_str(&x->in), &x->from, &x->head, &error)) {
                case HTTP_DONE:
                        begin_body(x);
                        return true;
                case HTTP_BAD:
                        refuse_malformed(x, error.status, error.why);
                        return true;
                default:
                        x->phase = PHASE_HEAD;
                }
        } else if (x->server->is_draining && !x->may_read) {
                connection_die(x);
                return false;
        }
        return collect_more(x);
}

/* Return: an enum http_answer; HTTP_BAD has refused. */
static int decode_chunks(struct http_exchange *x)
{
        size_t length = buf_length(&x->in), used;
        char *start = x->in.data + x->in.start;
        struct str payload;
        int r;

        do {
                r = http_chunked_next(&x->chunked, str_from(start + x->used, length - x->used),
                                      &used, &payload);
                if (payload.n > x->server->config.body_max - x->body_bytes) {
                        refuse_malformed(x, 413, "the body is too large");
                        return HTTP_BAD;
                }
                if (payload.n > 0)
                        memmove(start + x->head.head_bytes + x->body_bytes, payload.p, payload.n);
                x->body_bytes += payload.n;
                x->used += used;
        } while (r == HTTP_SHORT && x->used < length);

        if (r == HTTP_BAD)
                refuse_malformed(x, 400, "bad chunk framing");
        if (r == HTTP_SHORT) {
                /* Squeezes out the framing, so that the buffer holds no more than the body. */
                x->used = x->head.head_bytes + x->body_bytes;
                x->in.end = x->in.start + x->used;
        }
        return r;
}

/* Return: an enum http_answer; HTTP_BAD has refused. */
static int collect_body(struct http_exchange *x)
{
        size_t arrived;

        switch (x->head.framing) {
        case HTTP_BODY_CHUNKED:
                return decode_chunks(x);
        case HTTP_BODY_LENGTH:
                arrived = buf_length(&x->in) - x->head.head_bytes;
                if (arrived < x->head.content_length)
                        return HTTP_SHORT;
                x->body_bytes = (size_t)x->head.content_length;
                x->used = x->head.head_bytes + x->body_bytes;
                return HTTP_DONE;
        default:
                return HTTP_DONE;
        }
}

static void hand_over(struct http_exchange *x)
{
        struct http_server *server = x->server;
        struct str data = buf_str(&x->in);
        struct http_error error;

        /* The buffer grew and took the head with it: look at it again where it is now. */
        if (data.p != x->head_at)
                must(http_parse_request(data, &x->from, &x->head, &error) == HTTP_DONE);

        x->phase = PHASE_BUSY;
        x->user = NULL;
        x->label[0] = '\0';
        x->is_told = x->is_paused = x->says_close = false;
        ++server->counters.requests;
        server->ops->request(server->ctx, x);
}

static bool step_body(struct http_exchange *x)
{
        switch (collect_body(x)) {
        case HTTP_DONE:
                if (x->is_called) {
                        connection_defer(x);
                        return false;
                }
                hand_over(x);
                return true;
        case HTTP_BAD:
                return true;
        default:
                return collect_more(x);
        }
}

static bool step_busy(struct http_exchange *x)
{
        struct http_server *server = x->server;

        if (x->is_hung_up && !x->is_told) {
                x->is_told = true;
                ++server->counters.gone;
                if (server->ops->gone)
                        server->ops->gone(server->ctx, x);
                return true;
        }
        if (x->is_paused && buf_length(&x->out) <= server->config.output_low) {
                x->is_paused = false;
                if (server->ops->drained)
                        server->ops->drained(server->ctx, x);
                return true;
        }
        return false;
}

static bool step_flush(struct http_exchange *x)
{
        if (buf_length(&x->out) > 0)
                return false;
        if (x->out.size > KEPT_BUFFER_MAX)
                buf_deinit(&x->out);

        if (x->keep_alive) {
                buf_consume(&x->in, x->used);
                if (x->in.size > KEPT_BUFFER_MAX && buf_length(&x->in) == 0)
                        release_input(x);
                x->phase = PHASE_IDLE;
                x->is_new_turn = true;
                return true;
        }
        /*
         * To close with bytes unread would reset the connection, and a reset may overtake the
         * answer: our side is closed first, and the client gets time to close its own.
         */
        x->phase = PHASE_LINGER;
        x->used = 0;
        shutdown(stream_fd(x->stream), SHUT_WR);
        return true;
}

static bool step_linger(struct http_exchange *x)
{
        ssize_t n;

        buf_clear(&x->in);
        if (!x->may_read)
                return false;
        n = receive(x);
        if (n == -EAGAIN)
                return false;
        x->used += n > 0 ? (size_t)n : 0;
        if (n <= 0 || x->used > LINGER_MAX) {
                connection_die(x);
                return false;
        }
        return true;
}

static bool step(struct http_exchange *x)
{
        switch (x->phase) {
        case PHASE_IDLE:
        case PHASE_HEAD:
                return step_head(x);
        case PHASE_BODY:
                return step_body(x);
        case PHASE_BUSY:
                return step_busy(x);
        case PHASE_FLUSH:
                return step_flush(x);
        case PHASE_LINGER:
                return step_linger(x);
        default:
                return false;
        }
}

void connection_run(struct http_exchange *x)
{
        unsigned steps = 0;

        if (x->is_running)
                return;
        x->is_running = true;
        while (step(x)) {
                if (++steps == STEPS_PER_TURN) {
                        connection_defer(x);
                        break;
                }
        }
        x->is_running = false;
        connection_settle(x);
}

/*
 * A reset comes as readable and writable, without the hang-up: libevent folds it so. Whoever reads
 * finds out; while the owner is busy nobody does. Costs a system call only when a client sends
 * ahead.
 */
static bool is_reset(const struct http_exchange *x)
{
        int error = 0;
        socklen_t length = sizeof(error);

        return getsockopt(stream_fd(x->stream), SOL_SOCKET, SO_ERROR, &error, &length) == 0 &&
               error != 0;
}

void connection_on_stream(void *ctx, unsigned what)
{
        struct http_exchange *x = ctx;

        if (what & STREAM_OPEN)
                x->phase = PHASE_IDLE;
        if (what & (LOOP_READ | LOOP_HANGUP))
                x->may_read = true;
        if (what & LOOP_HANGUP)
                x->is_hung_up = true;
        if (what & LOOP_WRITE && x->is_blocked) {
                x->is_blocked = false;
                if (connection_send(x) < 0)
                        connection_lose(x);
        } else if (what & LOOP_READ && x->phase == PHASE_BUSY && !x->is_hung_up && is_reset(x)) {
                connection_lose(x);
        }
        if (x->phase == PHASE_OPENING && what & LOOP_HANGUP)
                connection_die(x);
        else
                connection_run(x);
}
