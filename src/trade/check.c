#include "trade/changes.h"
#include "trade/episode.h"
#include "trade/monitor_inside.h"
#include "trade/percent.h"
#include "trade/protection.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static const enum weir_class class_account = CLASS_ACCOUNT;

/* Understanding. */

static const struct weir_watched *find_position(const struct draft *d,
                                                const struct weir_order_state *order)
{
        for (size_t i = 0; i < d->positions.n; ++i)
                if (protection_is_of(&draft_position(d, i)->position, order))
                        return draft_position(d, i);
        return NULL;
}

static void understand(struct check *c)
{
        const struct draft *before = &c->m->known;
        struct draft *d = &c->draft;
        struct amount distance;

        for (size_t i = 0; i < d->positions.n; ++i) {
                struct weir_watched *w = draft_position(d, i);
                const struct weir_watched *was =
                        changes_find(rows_all(&before->positions), before->positions.n, w);

                w->since_ms = was && (was->position.quantity[0] == '-') ==
                                                      (w->position.quantity[0] == '-')
                                      ? was->since_ms
                                      : d->now_ms;
                protection_judge(w, rows_all(&d->orders), d->orders.n);
                if (percent_liquidation(&w->position, &distance) == 0)
                        amount_print(distance, w->liquidation_percent);
        }
        for (size_t i = 0; i < d->orders.n; ++i) {
                struct weir_watched_order *o = draft_order(d, i);
                const struct weir_watched *w = find_position(d, &o->order);

                o->role = protection_role(w ? &w->position : NULL, &o->order);
        }
}

/* Telling. */

static void tell(struct check *c, struct weir_event *event)
{
        event->at_ms = c->draft.now_ms;
        if (!event->why)
                event->why = "";
        if (c->fn)
                c->fn(c->ctx, event);
}

/* What the trades of a position that closed or turned came to; leaves out what is not known. */
static void add_trades(struct check *c, struct weir_event *event)
{
        const struct weir_position *was = &event->before->position;
        struct amount held = AMOUNT_ZERO;
        struct episode episode;

        c->why[0] = '\0';
        event->why = c->why;
        if (event->now && amount_parse(str_of(event->now->position.quantity), &held) < 0)
                return;
        if (draft_read_trades(c, was->symbol) != 0)
                return;
        if (episode_find(rows_all(&c->trades), c->trades.n, was->side, held, c->draft.now_ms,
                         c->episode, &episode) < 0 ||
            episode.n == 0) {
                snprintf(c->why, sizeof(c->why), "the exchange does not tell its trades yet");
                return;
        }
        event->has_trades = true;
        event->is_whole = episode.is_whole;
        event->trades = c->episode;
        event->n_trades = episode.n;
        amount_print(episode.realized, event->realized);
        if (episode.commission_asset[0] || amount_is_zero(episode.commission))
                amount_print(episode.commission, event->commission);
        str_copy(str_of(episode.commission_asset), event->commission_asset,
                 sizeof(event->commission_asset));
}

static void tell_position(void *ctx, enum weir_event_kind kind, const struct weir_watched *before,
                          const struct weir_watched *now)
{
        struct weir_event event = { .kind = kind, .before = before, .now = now };
        struct check *c = ctx;

        if (kind == WEIR_EVENT_CLOSED || kind == WEIR_EVENT_FLIPPED)
                add_trades(c, &event);
        tell(c, &event);
}

static const struct weir_watched_balance *find_balance(const struct draft *d, const char *asset)
{
        for (size_t i = 0; i < d->balances.n; ++i)
                if (strcmp(draft_balance(d, i)->balance.asset, asset) == 0)
                        return draft_balance(d, i);
        return NULL;
}

/* An asset that is no longer held (COIN-M) has fallen to nothing. */
static void add_vanished(struct check *c)
{
        const struct draft *before = &c->m->known;

        for (size_t i = 0; i < before->balances.n; ++i) {
                const struct weir_balance *was = &draft_balance(before, i)->balance;
                struct weir_watched_balance *row;

                if (find_balance(&c->draft, was->asset) || text_is_zero(was->equity))
                        continue;
                row = rows_add(&c->draft.balances);
                if (!row)
                        return;
                row->balance =
                        (struct weir_balance){ .wallet = "0", .unrealized = "0", .equity = "0" };
                str_copy(str_of(was->asset), row->balance.asset, sizeof(row->balance.asset));
        }
}

static void tell_equity(struct check *c)
{
        add_vanished(c);
        for (size_t i = 0; i < c->draft.balances.n; ++i) {
                struct weir_watched_balance *now = draft_balance(&c->draft, i);
                struct weir_event event = { .kind = WEIR_EVENT_EQUITY, .balance = now };

                if (changes_equity(find_balance(&c->m->known, now->balance.asset), now,
                                   c->m->fall_percent))
                        tell(c, &event);
        }
}

/* The check. */

static void note_failure(struct check *c, int r)
{
        struct monitor *m = c->m;
        const struct verdict *v = &m->futures->reply.verdict;
        struct weir_event event = { .kind = WEIR_EVENT_STALE, .why = m->state.why };
        bool was_fresh = m->state.stale_since_ms == 0;
        const char *why = futures_why(m->futures);

        if (c->draft.now_ms == 0)
                c->draft.now_ms = courier_now_ms(m->futures->courier);
        ++m->state.failures;
        m->state.retry_at_ms = v->ban_until_ms ? v->ban_until_ms : v->retry_at_ms;
        if (r == -EOVERFLOW)
                why = "there are more positions or orders than can be kept";
        snprintf(m->state.why, sizeof(m->state.why), "%s",
                 why[0] ? why : strerror(r < 0 ? -r : EAGAIN));
        if (!was_fresh)
                return;
        m->state.stale_since_ms = c->draft.now_ms;
        tell(c, &event);
}

static void tell_changes(struct check *c)
{
        const struct draft *before = &c->m->known, *now = &c->draft;

        changes_positions(rows_all(&before->positions), before->positions.n,
                          rows_all(&now->positions), now->positions.n, tell_position, c);
}

static void note_success(struct check *c)
{
        struct monitor *m = c->m;
        struct weir_event event = { .kind = WEIR_EVENT_FRESH };
        bool was_stale = m->state.stale_since_ms > 0, is_first = m->state.checked_ms == 0;

        m->state.checked_ms = c->draft.now_ms;
        m->state.stale_since_ms = m->state.retry_at_ms = 0;
        m->state.why[0] = '\0';
        if (c->draft.is_full_look)
                m->state.full_look_ms = c->draft.now_ms;
        understand(c);
        if (was_stale)
                tell(c, &event);
        if (!is_first)
                tell_changes(c);
        tell_equity(c);
        draft_deinit(&m->known);
        m->known = c->draft;
        draft_init(&c->draft);
}

int monitor_check(struct monitor *m, uint64_t deadline_ms, weir_event_fn fn, void *ctx)
{
        struct check c = {
                .m = m,
                .deadline_ms = deadline_ms,
                .fn = fn,
                .ctx = ctx,
                .trades = rows_of(sizeof(struct weir_trade), TRADES_MAX),
                .episode = calloc(TRADES_MAX, sizeof(const struct weir_trade *)),
        };
        uint64_t before = m->futures->spent;
        int r = c.episode ? 0 : -ENOMEM;

        draft_init(&c.draft);
        ++m->state.checks;
        m->futures->class = &class_account;
        futures_begin(m->futures);
        if (r == 0)
                r = draft_read(&c);
        if (r == 0)
                note_success(&c);
        else
                note_failure(&c, r);
        m->futures->class = NULL;
        m->state.weight = (uint32_t)(m->futures->spent - before);
        free(c.episode);
        rows_deinit(&c.trades);
        draft_deinit(&c.draft);
        return r;
}
