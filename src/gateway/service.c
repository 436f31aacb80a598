#include "gateway/service.h"
#include "base/clock.h"
#include "base/log.h"
#include "gateway/gateway.h"
#include "settings/value.h"
#include "gateway/state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

/* A state that changes more often is told this often: each telling wakes who watches the unit. */
#define TELL_EVERY_US US_PER_SECOND

/* Sockets. */

static void free_names(char **names)
{
        for (char **name = names; name && *name; ++name)
                free(*name);
        free(names);
}

static int adopt(struct gateway *g, int i, const char *name)
{
        int r = http_server_listen_at(g->server, SD_LISTEN_FDS_START + i);

        if (r == -ENOSPC)
                log_say(LOG_ERROR,
                        "the service manager handed over more than %d sockets "
                        "(LISTEN_FDS); name fewer in the .socket unit",
                        HTTP_LISTENERS_MAX);
        else if (r == -EINVAL || r == -ENOTSOCK)
                log_say(LOG_ERROR,
                        "what the service manager handed over as \"%s\" (LISTEN_FDS, number "
                        "%d) is no listening stream socket; write ListenStream= and Accept=no in "
                        "the .socket unit",
                        name, i + 1);
        else if (r < 0)
                log_say(LOG_ERROR, "cannot listen at the socket \"%s\" of the service manager: %s",
                        name, strerror(-r));
        return r;
}

/* The setting names places of its own, which nobody listens at now. */
static void warn_unused(struct gateway *g)
{
        struct settings *plain = malloc(sizeof(*plain));

        if (!plain)
                return;
        settings_init(plain);
        if (g->settings.n_listen != plain->n_listen ||
            !address_is_equal(&g->settings.listen[0], &plain->listen[0]))
                log_event(LOG_WARN, "listen_unused",
                          "why=\"the sockets of the service manager take the place of the setting "
                          "listen; name places in the .socket unit\"");
        free(plain);
}

static void say_places(struct gateway *g, int n, char *const *names)
{
        char text[ADDRESS_TEXT_MAX];

        for (int i = 0; i < n && !g->options->is_quiet; ++i)
                log_say(LOG_INFO,
                        "gateway listening on %s, the socket \"%s\" of the service "
                        "manager",
                        address_print(http_server_address(g->server, (size_t)i), text), names[i]);
        warn_unused(g);
}

int service_listen(struct gateway *g)
{
        char **names = NULL;
        int n = sd_listen_fds_with_names(1, &names), r = 0;

        if (n < 0)
                log_say(LOG_ERROR,
                        "cannot make out the sockets of the service manager (LISTEN_FDS): "
                        "%s",
                        strerror(-n));
        if (n <= 0)
                return n;
        for (int i = 0; r == 0 && i < n; ++i)
                r = adopt(g, i, names[i]);
        if (r == 0) {
                g->service.has_sockets = true;
                say_places(g, n, names);
        }
        free_names(names);
        return r < 0 ? r : n;
}

/* What is told. */

/* Who listens to it may be gone: nothing depends on it. */
static void tell(const char *state)
{
        (void)sd_notify(0, state);
}

static void tell_state(struct gateway *g, const char *first)
{
        struct service *s = &g->service;
        char message[SERVICE_WORDS_SIZE + 96];

        service_words(g, s->words);
        s->told_us = loop_now_us(g->loop);
        snprintf(message, sizeof(message), "%s%sSTATUS=%s", first, first[0] ? "\n" : "", s->words);
        tell(message);
}

void service_ready(struct gateway *g)
{
        struct service *s = &g->service;

        if (!s->is_ready && sd_watchdog_enabled(1, &s->watchdog_us) > 0)
                s->watchdog_us /= 3; /* it may be late twice */
        s->is_ready = true;
        tell_state(g, "READY=1");
}

void service_reloading(struct gateway *g)
{
        char message[64];

        (void)g;
        snprintf(message, sizeof(message), "RELOADING=1\nMONOTONIC_USEC=%llu",
                 (unsigned long long)clock_mono_us());
        tell(message);
}

void service_stopping(struct gateway *g)
{
        g->service.is_stopping = true;
        tell("STOPPING=1");
}

void service_failed(int error)
{
        char message[96];

        snprintf(message, sizeof(message), "STATUS=did not start: %s; its log says why\nERRNO=%d",
                 strerror(-error), -error);
        tell(message);
}

void service_keep(struct gateway *g)
{
        struct service *s = &g->service;
        uint64_t now_us = loop_now_us(g->loop);
        char words[SERVICE_WORDS_SIZE];

        if (s->watchdog_us > 0 && now_us - s->alive_us >= s->watchdog_us) {
                s->alive_us = now_us;
                tell("WATCHDOG=1");
        }
        if (!s->is_ready || (now_us - s->told_us < TELL_EVERY_US && !s->is_stopping))
                return;
        if (strcmp(service_words(g, words), s->words) != 0)
                tell_state(g, "");
        else
                s->told_us = now_us;
}
