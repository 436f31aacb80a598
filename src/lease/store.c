/*
 * The life of the way: paused -> asking sentinels who is master -> connecting (both links,
 * greeting)
 * -> up -> paused again. Whatever goes wrong ends in store_fall(), which closes everything.
 */
#include "lease/store_inside.h"

#include "sign/vault.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* While something is being waited for without an end of its own. */
#define TICK_US (20 * US_PER_MS)
/* How often it is asked whether the news' connection lives, and how long that may take. */
#define PING_US (1000 * US_PER_MS)
#define PONG_US (500 * US_PER_MS)
/* From a connection's opening to what it greets with. */
#define GREETING_US (1000 * US_PER_MS)

void store_arm(struct store *s)
{
        uint64_t at = loop_now_us(s->loop) + TICK_US;

        if (s->phase == STORE_PAUSED)
                at = s->due_us;
        else if (s->phase == STORE_UP && s->is_busy)
                at = s->op_due_us < s->news_due_us ? s->op_due_us : s->news_due_us;
        else if (s->phase == STORE_UP)
                at = s->news_due_us;
        loop_timer_set(s->timer, at);
}

void store_close_links(struct store *s)
{
        s->asker = store_link_stop(s->asker);
        s->main = store_link_stop(s->main);
        s->news = store_link_stop(s->news);
        s->main_ready = s->news_ready = false;
        s->n_expected = 0;
        s->is_busy = false;
        free(s->answer);
        s->answer = NULL;
}

void store_fall(struct store *s, const char *format, ...)
{
        bool was_up = s->phase == STORE_UP, is_news = !s->is_told_down;
        char why[STORE_WHY_SIZE]; /* what is said may be in @s->why */
        va_list args;

        va_start(args, format);
        vsnprintf(why, sizeof(why), format, args);
        va_end(args);
        memcpy(s->why, why, sizeof(why));
        store_close_links(s);
        if (was_up)
                s->pause_us = STORE_RETRY_MIN_MS * US_PER_MS;
        /* Whoever it was that a cluster pointed at: it knows better when asked again. */
        s->has_redirect = false;
        s->phase = STORE_PAUSED;
        s->due_us = loop_now_us(s->loop) + s->pause_us;
        s->pause_us *= 2;
        if (s->pause_us > STORE_RETRY_MAX_MS * US_PER_MS)
                s->pause_us = STORE_RETRY_MAX_MS * US_PER_MS;
        store_arm(s);
        s->is_told_down = true;
        if (is_news)
                s->on.on_down(s->ctx, s->why);
        else if (s->on.on_still_down)
                s->on.on_still_down(s->ctx, s->why);
}

/* MOVED: the key is on another node of the cluster; nothing was executed. */
void store_follow(struct store *s)
{
        if (++s->n_redirects > STORE_REDIRECTS_MAX) {
                s->n_redirects = 0;
                store_fall(s, "the nodes of its cluster point at each other");
                return;
        }
        if (s->phase == STORE_UP)
                store_fall(s, "its cluster has moved the key to %s:%u, which is asked now",
                           s->moved.name, s->moved.port);
        if (s->is_dead)
                return;
        store_close_links(s);
        s->has_redirect = true;
        store_connect(s);
}

/* In @file, or the URL's. Return: NULL with @s->why. */
static const char *password_of(struct store *s, char *file)
{
        char why[VAULT_WHY_MAX];
        struct str text;

        if (!s->password_file)
                return s->url->password;
        if (vault_read("password", s->password_file, VAULT_OWN, file, &text, why) < 0) {
                snprintf(s->why, sizeof(s->why), "%s", why);
                return NULL;
        }
        /* A view into @file, which has room for a NUL. */
        file[text.p - file + (ptrdiff_t)text.n] = '\0';
        return text.p;
}

int store_authenticate(struct store *s, struct store_link *link)
{
        char *file = vault_new(VAULT_FILE_MAX + 1);
        const char *password;
        int r = 0;

        if (!file)
                snprintf(s->why, sizeof(s->why), "out of memory");
        password = file ? password_of(s, file) : NULL;
        if (!password) {
                r = -EINVAL;
        } else if (password[0] && s->url->user[0]) {
                r = store_link_send(link, 3, (const char *[]){ "AUTH", s->url->user, password },
                                    NULL);
        } else if (password[0]) {
                r = store_link_send(link, 2, (const char *[]){ "AUTH", password }, NULL);
        }
        if (r < 0 && password)
                snprintf(s->why, sizeof(s->why), "%s", strerror(-r));
        else if (r == 0)
                r = password[0] ? 1 : 0;
        vault_free(file, VAULT_FILE_MAX + 1);
        return r;
}

static const struct store_host *target(const struct store *s)
{
        if (s->has_redirect)
                return &s->moved;
        return s->url->is_sentinel ? &s->master : &s->url->hosts[0];
}

void store_connect(struct store *s)
{
        const char *path = s->url->is_unix && !s->has_redirect ? s->url->path : NULL;
        const struct store_host *host = path ? NULL : target(s);
        int r;

        s->phase = STORE_CONNECTING;
        s->due_us = loop_now_us(s->loop) + STORE_CONNECT_US + GREETING_US;
        r = store_link_start(s->loop, host, path, s->tls, &store_main_callbacks, s, &s->main);
        if (r == 0)
                r = store_link_start(s->loop, host, path, s->tls, &store_news_callbacks, s,
                                     &s->news);
        if (r < 0) {
                store_fall(s, "cannot connect: %s", strerror(-r));
                return;
        }
        store_arm(s);
}

void store_rise(struct store *s)
{
        if (!s->main_ready || !s->news_ready || s->phase == STORE_UP)
                return;
        s->phase = STORE_UP;
        s->why[0] = '\0';
        s->is_told_down = false;
        s->n_redirects = 0;
        s->pause_us = STORE_RETRY_MIN_MS * US_PER_MS;
        s->news_due_us = loop_now_us(s->loop) + PING_US;
        s->is_pinging = false;
        store_arm(s);
        s->on.on_up(s->ctx);
}

/* Anything that the news' connection says shows that it lives. */
void store_heard(struct store *s)
{
        s->is_pinging = false;
        s->news_due_us = loop_now_us(s->loop) + PING_US;
}

static void ping(struct store *s)
{
        s->is_pinging = true;
        s->news_due_us = loop_now_us(s->loop) + PONG_US;
        if (store_link_send(s->news, 1, (const char *[]){ "PING" }, NULL) < 0)
                store_fall(s, "out of memory");
}

static void look_at_deadlines(struct store *s, uint64_t now_us)
{
        if (s->is_busy && now_us >= s->op_due_us)
                store_fall(s, "no answer within %u ms", STORE_ANSWER_MS);
        else if (now_us >= s->news_due_us && s->is_pinging)
                store_fall(s, "the connection for its news is dead");
        else if (now_us >= s->news_due_us)
                ping(s);
}

void store_on_timer(void *ctx)
{
        struct store *s = ctx;
        uint64_t now_us = loop_now_us(s->loop);

        switch (s->phase) {
        case STORE_PAUSED:
                if (now_us >= s->due_us) {
                        if (s->url->is_sentinel)
                                store_ask_sentinels(s);
                        else
                                store_connect(s);
                }
                break;
        case STORE_ASKING:
        case STORE_CONNECTING:
                if (s->asker)
                        store_link_tick(s->asker);
                if (!s->is_dead && s->main)
                        store_link_tick(s->main);
                if (!s->is_dead && s->news)
                        store_link_tick(s->news);
                if (!s->is_dead && s->phase == STORE_ASKING && now_us >= s->due_us)
                        store_next_sentinel(s, "no answer in time");
                else if (!s->is_dead && s->phase == STORE_CONNECTING && now_us >= s->due_us)
                        store_fall(s, "it accepts a connection but does not answer");
                break;
        case STORE_UP:
                look_at_deadlines(s, now_us);
                break;
        }
        if (!s->is_dead)
                store_arm(s);
}

bool store_is_up(const struct store *s)
{
        return s->phase == STORE_UP;
}

bool store_is_busy(const struct store *s)
{
        return s->is_busy;
}

const char *store_place(const struct store *s)
{
        return s->place;
}

const char *store_name(const struct store *s)
{
        return s->name;
}

void store_try_now(struct store *s)
{
        if (s->phase != STORE_PAUSED)
                return;
        s->due_us = 0;
        store_arm(s);
}
