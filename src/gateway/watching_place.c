#include "base/log.h"
#include "gateway/gateway.h"
#include "gateway/watching_inside.h"
#include "net/listen.h"

#include <errno.h>

/* Those who look on, and a few more. */
#define CONNECTIONS_MAX 256
/* Larger than what any action takes. */
#define BODY_MAX 16384

static int complain_tls(const char *what, const char *path, int error)
{
        log_say(LOG_ERROR, "%s: %s: %s", what, path,
                error == -EINVAL ? "no certificate and key that belong together"
                                 : strerror(-error));
        return error;
}

static int open_tls(struct gateway *g)
{
        const struct settings *s = &g->settings;
        int r;

        if (!s->watch.tls_cert[0])
                return 0;
        r = tls_server_new(s->watch.tls_cert, s->watch.tls_key, &g->watching->tls);
        if (r < 0)
                return complain_tls("watch.tls_cert", s->watch.tls_cert, r);
        if (!s->watch.client_ca[0])
                return 0;
        r = tls_server_trust(g->watching->tls, s->watch.client_ca);
        if (r == -EINVAL)
                log_say(LOG_ERROR, "watch.client_ca: %s holds no certificate", s->watch.client_ca);
        return r < 0 && r != -EINVAL ? complain_tls("watch.client_ca", s->watch.client_ca, r) : r;
}

void watching_place_follow(struct gateway *g)
{
        const struct settings *s = &g->settings;
        int r;

        if (!g->watching->tls)
                return;
        r = tls_server_renew(g->watching->tls, s->watch.tls_cert, s->watch.tls_key,
                             s->watch.client_ca[0] ? s->watch.client_ca : NULL);
        if (r < 0)
                log_event(LOG_ERROR, "certificate_kept",
                          "path=%s why=\"%s; the one before is shown on\"", s->watch.tls_cert,
                          r == -EINVAL ? "certificate, key and client_ca do not belong together"
                                       : strerror(-r));
}

static void on_request(void *ctx, struct http_exchange *exchange)
{
        struct gateway *g = ctx;

        request_id_give(&g->request_ids, exchange);
        watch_begin(g->watching->watch, exchange);
}

static void on_gone(void *ctx, struct http_exchange *exchange)
{
        struct gateway *g = ctx;

        watch_gone(g->watching->watch, exchange);
}

static void on_drained(void *ctx, struct http_exchange *exchange)
{
        struct gateway *g = ctx;

        watch_drained(g->watching->watch, exchange);
}

static const struct http_server_ops ops = {
        .request = on_request,
        .gone = on_gone,
        .drained = on_drained,
        .malformed = access_log_malformed,
};

static int listen_at(struct gateway *g, const struct settings_address *a)
{
        char text[SETTINGS_HOST_SIZE + 16];
        int r;

        settings_address_text(a, false, text, sizeof(text));
        r = http_server_listen(g->watching->server, str_of(text), LISTEN_UNIX_MODE);
        if (r < 0)
                log_say(LOG_ERROR, "cannot listen on %s: %s; name another place in watch.listen",
                        text, strerror(-r));
        return r;
}

static void say_places(struct gateway *g)
{
        const struct settings *s = &g->settings;
        char text[ADDRESS_TEXT_MAX];

        for (size_t i = 0; i < s->watch.listen.n && !g->options->is_quiet; ++i)
                log_say(LOG_INFO, "/weir/ alone at %s%s", g->watching->tls ? "https://" : "",
                        address_print(http_server_address(g->watching->server, i), text));
}

int watching_place_open(struct gateway *g)
{
        const struct settings *s = &g->settings;
        struct http_server_config config = HTTP_SERVER_CONFIG_DEFAULT;
        int r;

        if (s->watch.listen.n == 0)
                return 0;
        r = open_tls(g);
        if (r < 0)
                return r;
        config.connections_max = CONNECTIONS_MAX;
        config.idle_timeout_us = s->timeouts.idle_ms * US_PER_MS;
        config.head_timeout_us = s->timeouts.head_ms * US_PER_MS;
        config.body_timeout_us = s->timeouts.body_ms * US_PER_MS;
        config.write_timeout_us = s->timeouts.write_ms * US_PER_MS;
        config.body_max = BODY_MAX;
        config.tls = g->watching->tls;
        config.label_field = STR_LITERAL(REQUEST_ID_FIELD);
        r = http_server_new(g->loop, &config, &ops, g, &g->watching->server);
        for (size_t i = 0; r == 0 && i < s->watch.listen.n; ++i)
                r = listen_at(g, &s->watch.listen.all[i]);
        if (r == 0)
                say_places(g);
        return r;
}

void watching_place_close(struct gateway *g)
{
        g->watching->server = http_server_free(g->watching->server);
        g->watching->tls = tls_free(g->watching->tls);
}
