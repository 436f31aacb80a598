/*
 * A configuration becomes a way, or a sentence on what is wrong with it.
 */
#include "lease/store_inside.h"

#include "sign/vault.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_given(const char *text)
{
        return text && text[0];
}

static int take_name(struct store *s, const struct store_config *config, char why[OP_WHY_SIZE])
{
        const char *name = s->url->name[0]          ? s->url->name
                           : is_given(config->name) ? config->name
                                                    : "weir";

        if (!store_is_name(str_of(name))) {
                snprintf(why, OP_WHY_SIZE, "store.name takes letters, digits and \". _ -\"");
                return -EINVAL;
        }
        snprintf(s->name, sizeof(s->name), "%s", name);
        snprintf(s->key, sizeof(s->key), "weir:{%s}", s->name);
        snprintf(s->channel, sizeof(s->channel), "weir:{%s}:news", s->name);
        return 0;
}

/* It is read for each connection; that it can be read is seen now. */
static int take_password_file(struct store *s, const char *path, char why[OP_WHY_SIZE])
{
        char words[VAULT_WHY_MAX], *text = vault_new(VAULT_FILE_MAX);
        struct str ignored;
        int r = text ? vault_read("password", path, VAULT_OWN, text, &ignored, words) : -ENOMEM;

        vault_free(text, VAULT_FILE_MAX);
        if (r < 0) {
                snprintf(why, OP_WHY_SIZE, "%.*s", OP_WHY_SIZE - 1, text ? words : "out of memory");
                return text ? -EINVAL : r;
        }
        s->password_file = strdup(path);
        return s->password_file ? 0 : -ENOMEM;
}

static int take_tls(struct store *s, const char *ca_file, char why[OP_WHY_SIZE])
{
        int r = tls_client_new(is_given(ca_file) ? ca_file : NULL, &s->tls);

        if (r == -ENOMEM)
                return r;
        if (r < 0)
                snprintf(why, OP_WHY_SIZE, "no certificates can be read from %.150s: %s",
                         is_given(ca_file) ? ca_file : "the system", strerror(-r));
        return r < 0 ? -EINVAL : 0;
}

static int open_it(struct store *s, const struct store_config *config, char why[OP_WHY_SIZE])
{
        int r;

        s->url = vault_new(sizeof(*s->url));
        if (!s->url)
                return -ENOMEM;
        r = store_url_parse(str_of(config->url ? config->url : ""), s->url, why);
        if (r == 0)
                r = take_name(s, config, why);
        if (r == 0 && is_given(config->password_file))
                r = take_password_file(s, config->password_file, why);
        if (r == 0 && s->url->is_tls)
                r = take_tls(s, config->ca_file, why);
        return r;
}

static void destroy(void *dead)
{
        struct store *s = dead;

        vault_free(s->url, sizeof(*s->url));
        free(s->password_file);
        free(s->answer);
        buf_deinit(&s->op);
        free(s);
}

int store_new(struct loop *loop, const struct store_config *config,
              const struct store_callbacks *callbacks, void *ctx, struct store **ret_store,
              char why[OP_WHY_SIZE])
{
        struct store *s = calloc(1, sizeof(*s));
        int r;

        snprintf(why, OP_WHY_SIZE, "out of memory");
        if (!s)
                return -ENOMEM;
        s->loop = loop;
        s->on = *callbacks;
        s->ctx = ctx;
        s->pause_us = STORE_RETRY_MIN_MS * US_PER_MS;
        buf_init(&s->op, OP_TEXT_MAX);
        r = open_it(s, config, why);
        if (r == 0)
                r = loop_timer_new(loop, store_on_timer, s, &s->timer);
        if (r < 0) {
                s->tls = tls_free(s->tls);
                destroy(s);
                return r;
        }
        store_url_text(s->url, s->place);
        /* The first try: from the loop, at once. */
        store_arm(s);
        *ret_store = s;
        return 0;
}

struct store *store_free(struct store *s)
{
        if (!s)
                return NULL;
        s->is_dead = true;
        store_close_links(s);
        s->timer = loop_timer_free(s->timer);
        s->tls = tls_free(s->tls);
        loop_bury(s->loop, s, destroy);
        return NULL;
}
