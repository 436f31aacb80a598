/*
 * What an operator does to a running gateway. Each is in the log with who did it, and each says how
 * to take it back, or that it cannot be.
 */
#include "base/log.h"
#include "gateway/by_hand.h"
#include "gateway/request_id.h"
#include "gateway/watching_inside.h"
#include "gateway/shown.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

static void PRINTF(3, 4) say(struct watch_result *r, unsigned status, const char *format, ...)
{
        va_list args;

        r->status = status;
        va_start(args, format);
        vsnprintf(r->text, sizeof(r->text), format, args);
        va_end(args);
}

/* Takes @body over. */
static json_t *undo_by(const char *path, json_t *body)
{
        return json_pack("{s:s, s:o?}", "path", path, "body", body);
}

static const char *plural(size_t n)
{
        return n == 1 ? "" : "s";
}

/* Return: whether this gateway holds anything back at all. */
static bool may_hold(const struct gateway *g, struct watch_result *r)
{
        if (g->settings.limits && !g->shadow)
                return true;
        say(r, 409,
            "this gateway holds nothing back (%s), so nothing can be paused; nothing was done",
            g->shadow ? "shadow" : "limits: off");
        return false;
}

static const char *held(size_t n)
{
        return n == 1 ? "is held" : "are held";
}

static const char *let_go(size_t n)
{
        return n == 1 ? "is let go" : "are let go";
}

static void pause_class(struct gateway *g, const struct watch_action *a, bool is_paused,
                        struct watch_result *r)
{
        enum weir_class class;
        size_t n;

        if (class_from(str_of(a->class), &class) < 0) {
                say(r, 400,
                    "there is no such class; there are cancel, order, reconcile, account, "
                    "market and backfill; nothing was done");
                return;
        }
        if (pauses_class_is(&g->pauses, class) == is_paused) {
                say(r, 409, "the class %s is %s; nothing was done", a->class,
                    is_paused ? "paused already" : "not paused");
                return;
        }
        pauses_class(&g->pauses, class, is_paused);
        n = flow_review_pauses(g);
        log_event(LOG_WARN, is_paused ? "paused" : "resumed",
                  "class=%s requests=%zu peer=%s by=%s token=%zu", a->class, n, a->peer, a->by,
                  a->token);
        say(r, 200, "the class %s %s; %zu request%s that waited %s", a->class,
            is_paused ? "is paused: what has been sent goes on" : "goes on", n, plural(n),
            is_paused ? held(n) : let_go(n));
        r->undo = undo_by(is_paused ? "/weir/api/resume" : "/weir/api/pause",
                          json_pack("{s:s}", "class", a->class));
}

struct seen {
        const char *name;
        bool is_seen;
};

static void compare_name(void *ctx, const char *name, const struct stats_figures *figures)
{
        struct seen *s = ctx;

        (void)figures;
        /* Who has no row of his own may be any. */
        s->is_seen |= strcmp(name, s->name) == 0 || strcmp(name, STATS_OTHERS) == 0;
}

/* Return: false when no request of a client of that name has ended or is under way: it may be a
 * slip of the pen. */
static bool is_seen_client(const struct gateway *g, const char *name)
{
        struct seen s = { .name = name };
        struct list *it, *after;

        stats_each(g->stats, STATS_BY_CLIENT, compare_name, &s);
        list_for_each_safe(it, after, &g->flows)
        {
                s.is_seen |= strcmp(container_of(it, struct flow, link)->tally.client, name) == 0;
        }
        return s.is_seen;
}

static void pause_client(struct gateway *g, const struct watch_action *a, struct watch_result *r)
{
        bool was_paused = pauses_client_find(&g->pauses, a->client) != NULL;
        char client[TALLY_CLIENT_SIZE];
        int error = pauses_client(&g->pauses, a->client, a->with_cancels);
        size_t n;

        if (error == -ENOSPC) {
                say(r, 409,
                    "%d clients are paused, which is as many as can be; resume one, or pause "
                    "a class; nothing was done",
                    PAUSES_CLIENTS_MAX);
                return;
        }
        if (error < 0) {
                say(r, 400, "a client's name has 1 to %d bytes; nothing was done",
                    PAUSES_NAME_SIZE - 1);
                return;
        }
        n = flow_review_pauses(g);
        log_event(LOG_WARN, "paused", "client=%s cancels=%s requests=%zu peer=%s by=%s token=%zu",
                  shown_text(str_of(a->client), client, sizeof(client)),
                  a->with_cancels ? "yes" : "no", n, a->peer, a->by, a->token);
        say(r, 200,
            "the client %s %s%s: what has been sent goes on; %zu request%s that "
            "waited %s%s",
            a->client, was_paused ? "was paused already, and is" : "is paused",
            a->with_cancels ? (was_paused ? " with its cancels" : "") : ", but for its cancels", n,
            plural(n), held(n),
            is_seen_client(g, a->client) ? "" : "; no client of that name has been seen");
        r->undo = undo_by("/weir/api/resume", json_pack("{s:s}", "client", a->client));
}

static void resume_client(struct gateway *g, const struct watch_action *a, struct watch_result *r)
{
        char client[TALLY_CLIENT_SIZE];
        size_t n;

        if (pauses_client_over(&g->pauses, a->client) < 0) {
                say(r, 409, "that client is not paused; nothing was done");
                return;
        }
        n = flow_review_pauses(g);
        log_event(LOG_WARN, "resumed", "client=%s requests=%zu peer=%s by=%s token=%zu",
                  shown_text(str_of(a->client), client, sizeof(client)), n, a->peer, a->by,
                  a->token);
        say(r, 200, "the client %s goes on; %zu request%s that waited %s", a->client, n, plural(n),
            let_go(n));
        r->undo = undo_by("/weir/api/pause", json_pack("{s:s}", "client", a->client));
}

/* Those of it that wait have asked for their share already. */
static void follow_share(struct gateway *g, struct str client, uint32_t share)
{
        struct list *it, *after;

        list_for_each_safe(it, after, &g->flows)
        {
                struct flow *f = container_of(it, struct flow, link);

                if (f->client_id != 0 && str_eq(str_of(f->tally.client), client))
                        f->client_share = share;
        }
}

static void set_share(struct gateway *g, const struct watch_action *a, struct watch_result *r)
{
        struct str name = str_of(a->client);
        char client[TALLY_CLIENT_SIZE];
        uint32_t before;

        if (!settings_is_client_name(name)) {
                say(r, 400,
                    "a client's name is 1 to %d printable characters of ASCII, as in "
                    "X-Weir-Client; nothing was done",
                    SETTINGS_CLIENT_SIZE - 1);
                return;
        }
        if (a->share < 1 || a->share > SETTINGS_SHARE_MAX) {
                say(r, 400, "a share is a number from 1 to %d; nothing was done",
                    SETTINGS_SHARE_MAX);
                return;
        }
        before = settings_client_share(&g->settings, name);
        if (settings_set_client_share(&g->settings, name, (uint32_t)a->share) < 0) {
                say(r, 409,
                    "%d clients have shares that were set by hand, which is as many as can be; "
                    "nothing was done",
                    SETTINGS_CLIENTS_MAX);
                return;
        }
        follow_share(g, name, (uint32_t)a->share);
        log_event(LOG_WARN, "share_set", "client=%s share=%lld was=%u peer=%s by=%s token=%zu",
                  shown_text(str_of(a->client), client, sizeof(client)), (long long)a->share,
                  before, a->peer, a->by, a->token);
        say(r, 200,
            "the client %s has a share of %lld, until the settings name another for it; to keep it "
            "for good, write it there (clients)",
            a->client, (long long)a->share);
        r->undo = undo_by("/weir/api/share",
                          json_pack("{s:s, s:i}", "client", a->client, "share", (int)before));
}

/* Clients may give several requests one id: which is meant, only the queue's own ids say. */
static void refuse_to_choose(const struct gateway *g, const char *request_id, size_t n,
                             struct watch_result *r)
{
        char ids[3 * WATCHING_ID_SIZE];

        say(r, 409,
            "%zu requests have that request_id; name one by its id of /weir/api/queue: %s; "
            "nothing was done",
            n, watching_ids(g, request_id, ids, sizeof(ids)));
}

void watching_tell_lapse(struct gateway *g, struct str client, uint32_t share)
{
        uint32_t said = settings_client_share_said(&g->settings, client);
        char shown[TALLY_CLIENT_SIZE];

        if (share == said)
                return;
        follow_share(g, client, said);
        log_event(
                LOG_WARN, "share_lapsed",
                "client=%s share=%u was=%u why=\"set by hand, and the settings have another for it "
                "now\"",
                shown_text(client, shown, sizeof(shown)), said, share);
}

void watching_shares_lapse(struct gateway *g, const struct settings_clients *before)
{
        for (size_t i = 0; i < before->n; ++i)
                if (!settings_leaves_share(&g->settings, &before->all[i]))
                        watching_tell_lapse(g, str_of(before->all[i].name), before->all[i].share);
}

void watching_let_go(struct gateway *g)
{
        if ((g->settings.limits && !g->shadow) || pauses_are_none(&g->pauses))
                return;
        g->pauses = (struct pauses){ 0 };
        log_event(LOG_WARN, "resumed", "requests=%zu why=\"%s\"", flow_review_pauses(g),
                  g->shadow ? "shadow mode holds nothing back" : "limits are off");
}

static void drop(struct gateway *g, const struct watch_action *a, struct watch_result *r)
{
        size_t n;
        struct flow *f = watching_find(g, a->request, &n);
        char client[TALLY_CLIENT_SIZE], request[REQUEST_ID_SIZE];
        enum weir_class class;

        if (n > 1) {
                refuse_to_choose(g, a->request, n, r);
                return;
        }
        if (!f) {
                say(r, 404,
                    "no request of that id is under way: it was answered meanwhile, or "
                    "belongs to another gateway; nothing was done");
                return;
        }
        str_copy(str_of(f->tally.client), client, sizeof(client));
        str_copy(str_of(http_exchange_label(f->exchange)), request, sizeof(request));
        class = f->request.class;
        if (!flow_drop_queued(f)) {
                say(r, 409,
                    "this request is on its way to the exchange, and what may have been sent "
                    "cannot be taken back; nothing was done");
                return;
        }
        log_event(LOG_WARN, "dropped", "request=%s class=%s client=%s peer=%s by=%s token=%zu",
                  request, class_name(class), client, a->peer, a->by, a->token);
        say(r, 200,
            "the request was refused, and its client told so; nothing of it was executed; "
            "this cannot be undone");
}

/* What is acknowledged. */

static const struct acknowledged *find_acknowledged(const struct watching *w, const char *variant)
{
        for (size_t i = 0; i < w->n_acknowledged; ++i)
                if (strcmp(w->acknowledged[i].variant, variant) == 0)
                        return &w->acknowledged[i];
        return NULL;
}

bool watching_is_acknowledged(const struct watching *w, const struct weights_row *row)
{
        const struct acknowledged *one = find_acknowledged(w, row->name);

        return one && one->charged == row->used && one->shown == row->view.learnt;
}

size_t watching_acknowledged(struct gateway *g)
{
        struct watching *w = g->watching;
        size_t n = 0;

        if (w->n_acknowledged == 0)
                return 0;
        weights_list(&g->region, w->weights);
        for (size_t i = 0; i < w->weights->n && w->weights->rows[i].is_disagreement; ++i)
                n += watching_is_acknowledged(w, &w->weights->rows[i]);
        return n;
}

static const struct weights_row *find_disagreement(struct gateway *g, const char *variant)
{
        struct weights_list *list = g->watching->weights;

        weights_list(&g->region, list);
        for (size_t i = 0; i < list->n; ++i)
                if (list->rows[i].is_disagreement && strcmp(list->rows[i].name, variant) == 0)
                        return &list->rows[i];
        return NULL;
}

static void forget_acknowledged(struct watching *w, const char *variant)
{
        const struct acknowledged *one = find_acknowledged(w, variant);

        if (one)
                w->acknowledged[one - w->acknowledged] = w->acknowledged[--w->n_acknowledged];
}

static void acknowledge(struct gateway *g, const struct watch_action *a, struct watch_result *r)
{
        const struct weights_row *row = find_disagreement(g, a->variant);
        struct watching *w = g->watching;
        struct acknowledged *one;

        if (!row) {
                say(r, 404,
                    "no cost of that name is other than charged; those that are stand in "
                    "\"weights\" of /weir/api/now; nothing was done");
                return;
        }
        forget_acknowledged(w, row->name);
        if (!a->is_taken_back && w->n_acknowledged == ACKNOWLEDGED_MAX) {
                say(r, 409,
                    "%d are acknowledged, which is as many as can be: correct the costs "
                    "(weights), or take one back; nothing was done",
                    ACKNOWLEDGED_MAX);
                return;
        }
        if (!a->is_taken_back) {
                one = &w->acknowledged[w->n_acknowledged++];
                *one = (struct acknowledged){ .charged = row->used, .shown = row->view.learnt };
                str_copy(str_of(row->name), one->variant, sizeof(one->variant));
        }
        log_event(LOG_WARN, a->is_taken_back ? "weight_reopened" : "weight_acknowledged",
                  "what=%s charged=%u learnt=%u peer=%s by=%s token=%zu", row->name, row->used,
                  row->view.learnt, a->peer, a->by, a->token);
        say(r, 200,
            a->is_taken_back ? "it counts as an alarm again"
                             : "it stays in the list and is no alarm, until a number of it "
                               "changes; to settle "
                               "it, write it into weights");
        r->undo = undo_by("/weir/api/acknowledge", json_pack("{s:s, s:b}", "variant", row->name,
                                                             "acknowledged", a->is_taken_back));
}

static void act(struct gateway *g, const struct watch_action *a, struct watch_result *r)
{
        switch (a->verb) {
        case WATCH_PAUSE:
        case WATCH_RESUME:
                if (!may_hold(g, r))
                        return;
                if (a->class)
                        pause_class(g, a, a->verb == WATCH_PAUSE, r);
                else if (a->verb == WATCH_PAUSE)
                        pause_client(g, a, r);
                else
                        resume_client(g, a, r);
                return;
        case WATCH_SHARE:
                set_share(g, a, r);
                return;
        case WATCH_DROP:
                drop(g, a, r);
                return;
        case WATCH_ACKNOWLEDGE:
                acknowledge(g, a, r);
                return;
        }
}

void watching_act(void *ctx, const struct watch_action *a, struct watch_result *r)
{
        struct gateway *g = ctx;
        const char *why;
        size_t n;

        if (g->is_draining || g->ending.is_handing_over) {
                say(r, 503, "this gateway ends; ask the next one; nothing was done");
                return;
        }
        act(g, a, r);
        if (r->status != 200 || a->verb == WATCH_DROP)
                return;
        why = by_hand_store(g, g->watching->by_hand);
        n = strlen(r->text);
        if (why)
                snprintf(r->text + n, sizeof(r->text) - n,
                         "; it ends with the gateway and is not taken up by the next one: %s", why);
}
