/*
 * The access log's lines on their way to a file, or into the log.
 */
#include "base/log.h"
#include "gateway/access_log.h"
#include "gateway/state.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

/* How long a line may wait: short enough to watch requests as they come. */
#define WRITE_EVERY_US (100 * US_PER_MS)
/* Some thousand lines; beyond, they are lost. */
#define LINES_MAX ((size_t)1 << 20)
/* So many are written at once, between two ticks. */
#define LINES_MANY ((size_t)1 << 16)

/* The log's own stream is shared: whole lines, and no more than a pipe takes in one piece. */
static size_t piece(const struct access_log *a)
{
        struct str lines = buf_str(&a->lines);
        size_t n = lines.n < PIPE_BUF ? lines.n : PIPE_BUF;
        const char *end;

        if (a->fd >= 0 || n == lines.n)
                return lines.n;
        end = memrchr(lines.p, '\n', n);
        if (!end)
                end = memchr(lines.p, '\n', lines.n);
        return end ? (size_t)(end - lines.p) + 1 : lines.n;
}

static bool may_write(const struct access_log *a)
{
        return a->fd >= 0 || log_has_room();
}

static const char *shown(const struct access_log *a)
{
        return a->fd >= 0 ? a->path : "stderr";
}

static void failed(struct access_log *a, int error)
{
        if (a->is_failing)
                return;
        a->is_failing = true;
        log_event(LOG_WARN, "access_unwritten",
                  "path=%s why=\"%s; what finds no room in memory meanwhile is lost, and counted\"",
                  shown(a), strerror(error));
}

static void succeeded(struct access_log *a)
{
        if (!a->is_failing)
                return;
        log_event(LOG_INFO, "access_written", "path=%s lost=%llu", shown(a),
                  (unsigned long long)a->lost);
        a->is_failing = false;
        a->lost = 0;
}

static void write_out(struct access_log *a)
{
        while (buf_length(&a->lines) > 0) {
                ssize_t n;

                if (!may_write(a))
                        return;
                n = write(a->fd >= 0 ? a->fd : STDERR_FILENO, buf_str(&a->lines).p, piece(a));
                if (n <= 0) {
                        /* A reader that is slow loses nothing yet. */
                        if (n < 0 && errno != EAGAIN && errno != EINTR)
                                failed(a, errno);
                        return;
                }
                buf_consume(&a->lines, (size_t)n);
        }
        succeeded(a);
}

static void arm(struct gateway *g)
{
        struct access_log *a = &g->access;

        if (a->is_armed || buf_length(&a->lines) == 0)
                return;
        a->is_armed = true;
        loop_timer_set(a->timer, loop_now_us(g->loop) + WRITE_EVERY_US);
}

static void on_tick(void *ctx)
{
        struct gateway *g = ctx;

        g->access.is_armed = false;
        write_out(&g->access);
        arm(g);
}

void access_log_put(struct gateway *g, const char *line, size_t n)
{
        struct access_log *a = &g->access;

        if (buf_append_str(&a->lines, str_from(line, n)) < 0) {
                ++a->lost;
                failed(a, ENOBUFS);
        } else if (buf_length(&a->lines) >= LINES_MANY && !a->is_failing) {
                write_out(a);
        }
        arm(g);
}

/* Opening. */

static bool is_file(const char *path)
{
        return strcmp(path, "off") != 0 && strcmp(path, "on") != 0 && path[0] != '\0';
}

/* What is named by the settings; the file that was open before is closed when this one is. */
static int open_as_set(struct gateway *g)
{
        const char *path = g->settings.log.access;
        struct access_log *a = &g->access;
        int fd = -1;

        if (is_file(path)) {
                /* Not waiting for the reader of a pipe, now or later. */
                fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
                          S_IRUSR | S_IWUSR);
                if (fd < 0)
                        return -errno;
        }
        write_out(a);
        if (a->fd >= 0)
                close(a->fd);
        a->fd = fd;
        str_copy(str_of(path), a->path, sizeof(a->path));
        return 0;
}

int access_log_open(struct gateway *g)
{
        struct access_log *a = &g->access;
        int r;

        a->fd = -1;
        /* A file that may not grow is told by write(), like a full disk. */
        (void)signal(SIGXFSZ, SIG_IGN);
        buf_init(&a->lines, LINES_MAX);
        r = loop_timer_new(g->loop, on_tick, g, &a->timer);
        if (r < 0)
                return r;
        r = open_as_set(g);
        if (r < 0)
                log_say(LOG_ERROR,
                        "the access log %s cannot be opened: %s; name a file in a folder of yours, "
                        "on, or off (log.access)",
                        g->settings.log.access, strerror(-r));
        return r;
}

void access_log_follow(struct gateway *g)
{
        int r = open_as_set(g);

        if (r < 0)
                log_event(LOG_WARN, "access_unopened", "path=%s why=\"%s; it goes on as before\"",
                          g->settings.log.access, strerror(-r));
}

void access_log_close(struct gateway *g)
{
        struct access_log *a = &g->access;

        if (!a->timer)
                return;
        write_out(a);
        a->timer = loop_timer_free(a->timer);
        if (a->fd >= 0)
                close(a->fd);
        a->fd = -1;
        buf_deinit(&a->lines);
}
