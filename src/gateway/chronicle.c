#include "gateway/chronicle.h"

#include "base/log.h"
#include "gateway/state.h"
#include "history/place.h"

#include <string.h>

static void on_window(void *ctx, const struct stats_window *window)
{
        struct gateway *g = ctx;

        history_add(g->chronicle.history, g->stats, window);
}

/* Once each way, however often it is tried in between. */
static void tell(struct chronicle *c)
{
        struct history_state now;

        history_look(c->history, &now);
        if ((now.condition == HISTORY_FAILED) == c->has_failed)
                return;
        c->has_failed = !c->has_failed;
        if (c->has_failed)
                log_event(LOG_WARN, "history_failed",
                          "why=\"%s\" remark=\"requests are served on, what happens is not kept\"",
                          now.why);
        else
                log_event(LOG_INFO, "history_works", "windows_lost=%llu",
                          (unsigned long long)(now.dropped - c->dropped));
        c->dropped = now.dropped;
}

static void on_event(void *ctx, unsigned what)
{
        struct gateway *g = ctx;

        /* An eventfd is always writable. */
        if (!(what & LOOP_READ))
                return;
        history_turn(g->chronicle.history);
        tell(&g->chronicle);
}

static int begin(struct gateway *g, const char *path)
{
        const struct archive_bounds bounds = { g->settings.history.max_bytes,
                                               g->settings.history.max_age_ms };
        struct chronicle *c = &g->chronicle;
        int r = history_open(path, &bounds, &c->history);

        if (r < 0)
                return r;
        r = loop_watch(g->loop, history_fd(c->history), on_event, g, &c->watch);
        if (r < 0) {
                c->history = history_close(c->history);
                return r;
        }
        stats_on_window(g->stats, on_window, g);
        return 0;
}

void chronicle_open(struct gateway *g)
{
        char path[SETTINGS_PATH_SIZE];
        int r = history_place(g->settings.history.path, path, sizeof(path));

        if (r == 0 && path[0] == '\0')
                return;
        if (r == 0)
                r = begin(g, path);
        if (r < 0)
                log_event(LOG_WARN, "history_failed",
                          "why=\"%s; name a file with history.path\" remark=\"requests are served "
                          "on, what happens is not kept\"",
                          strerror(-r));
}

void chronicle_unwatch(struct gateway *g)
{
        g->chronicle.watch = loop_unwatch(g->chronicle.watch);
}

void chronicle_close(struct gateway *g)
{
        g->chronicle.history = history_close(g->chronicle.history);
}

const char *chronicle_word(const struct gateway *g)
{
        if (!g->chronicle.history)
                return "off";
        return g->chronicle.has_failed ? "failed" : "on";
}
