/*
 * A lookup is a call of getaddrinfo() in a thread that lives for this one call. It cannot be called
 * off, so it is an object of its own with two holders, its thread and us; who lets go last frees
 * it. (glibc's getaddrinfo_a() does the same with threads that sanitizers do not know, and malloc()
 * in those ends the program.)
 */
#include "net/resolve.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* RFC 1035: a name is at most 255 bytes. */
#define RESOLVE_HOST_MAX 255
/* Between lookups that are asked for because something does not work. */
#define RESOLVE_PAUSE_US US_PER_SECOND
/* After a failure, sooner than the usual refresh. */
#define RESOLVE_RETRY_US (5 * US_PER_SECOND)

struct lookup {
        /*
         * Writers: the loop's thread and the lookup's, each subtracts 1 once; set before the
         *          lookup's thread is there.
         * Order:   acq_rel, so that who frees sees all that the other wrote.
         */
        _Atomic(unsigned) holders;
        int event_fd;
        int error; /* getaddrinfo()'s; written before the event, as is @found */
        struct addrinfo *found;
        char host[RESOLVE_HOST_MAX + 1], port[8];
};

struct resolver {
        struct loop *loop;
        char host[RESOLVE_HOST_MAX + 1];
        uint16_t port;
        bool is_fixed; /* digits or localhost: nothing to look up */
        uint64_t refresh_us, ended_us;
        struct loop_timer *refresh;
        struct lookup *lookup; /* running */
        struct loop_watch *watch;
        struct address_list addresses;
        char why[512];
        resolve_fn fn;
        void *ctx;
};

static void let_go(struct lookup *lookup)
{
        if (atomic_fetch_sub_explicit(&lookup->holders, 1, memory_order_acq_rel) > 1)
                return;
        if (lookup->found)
                freeaddrinfo(lookup->found);
        close(lookup->event_fd);
        free(lookup);
}

static void *run_lookup(void *arg)
{
        const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
        struct lookup *lookup = arg;
        uint64_t one = 1;
        ssize_t n;

        lookup->error = getaddrinfo(lookup->host, lookup->port, &hints, &lookup->found);
        if (lookup->error != 0)
                lookup->found = NULL;
        n = write(lookup->event_fd, &one, sizeof(one));
        (void)n; /* cannot fail: the counter is zero and the descriptor ours */
        let_go(lookup);
        return NULL;
}

static void take_addresses(struct resolver *r, const struct addrinfo *info)
{
        struct address_list found = { .n = 0 };

        for (; info && found.n < ADDRESS_LIST_MAX; info = info->ai_next) {
                struct address *a = &found.addresses[found.n];

                if (info->ai_addrlen > sizeof(a->socket))
                        continue;
                memcpy(&a->socket, info->ai_addr, info->ai_addrlen);
                a->length = info->ai_addrlen;
                ++found.n;
        }
        if (found.n > 0) {
                r->addresses = found;
                r->why[0] = '\0';
        } else {
                snprintf(r->why, sizeof(r->why), "%s has no address", r->host);
        }
}

static void end_lookup(struct resolver *r)
{
        r->watch = loop_unwatch(r->watch);
        let_go(r->lookup);
        r->lookup = NULL;
        r->ended_us = loop_now_us(r->loop);
        if (r->refresh_us > 0) {
                uint64_t wait_us = r->refresh_us;

                if (r->why[0] && wait_us > RESOLVE_RETRY_US)
                        wait_us = RESOLVE_RETRY_US;
                loop_timer_set(r->refresh, r->ended_us + wait_us);
        }
}

static void on_event(void *ctx, unsigned what)
{
        struct resolver *r = ctx;
        const struct lookup *lookup = r->lookup;
        uint64_t count;

        /* An eventfd is always writable. */
        if (!(what & LOOP_READ) || read(lookup->event_fd, &count, sizeof(count)) < 0)
                return;
        if (lookup->error == 0)
                take_addresses(r, lookup->found);
        else
                snprintf(r->why, sizeof(r->why), "%s: %s", r->host, gai_strerror(lookup->error));
        end_lookup(r);
        r->fn(r->ctx);
}

/* Return: the lookup, ours alone until its thread runs, or NULL with errno set. */
static struct lookup *new_lookup(const struct resolver *r)
{
        struct lookup *lookup = calloc(1, sizeof(*lookup));

        if (!lookup)
                return NULL;
        atomic_init(&lookup->holders, 1);
        lookup->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        if (lookup->event_fd < 0) {
                free(lookup);
                return NULL;
        }
        memcpy(lookup->host, r->host, sizeof(lookup->host));
        snprintf(lookup->port, sizeof(lookup->port), "%u", r->port);
        return lookup;
}

/* Signals are the loop's thread's. */
static int start_thread(struct lookup *lookup)
{
        pthread_attr_t attributes;
        sigset_t all, before;
        pthread_t thread;
        int r;

        r = pthread_attr_init(&attributes);
        if (r != 0)
                return -r;
        must(pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED) == 0);
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        /* The thread's share, before it can let go; relaxed, for nobody else knows of it yet. */
        atomic_store_explicit(&lookup->holders, 2, memory_order_relaxed);
        r = pthread_create(&thread, &attributes, run_lookup, lookup);
        if (r != 0)
                atomic_store_explicit(&lookup->holders, 1, memory_order_relaxed);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        pthread_attr_destroy(&attributes);
        return -r;
}

static int begin_lookup(struct resolver *r)
{
        struct lookup *lookup = new_lookup(r);
        int error;

        if (!lookup)
                return -errno;
        error = loop_watch(r->loop, lookup->event_fd, on_event, r, &r->watch);
        if (error == 0) {
                error = start_thread(lookup);
                if (error == 0) {
                        r->lookup = lookup;
                        return 0;
                }
                r->watch = loop_unwatch(r->watch);
        }
        let_go(lookup);
        return error;
}

static void on_refresh(void *ctx)
{
        struct resolver *r = ctx;

        /* Without the means for a lookup what we know stays; later again. */
        if (!r->lookup && begin_lookup(r) < 0)
                loop_timer_set(r->refresh, loop_now_us(r->loop) + RESOLVE_RETRY_US);
}

static bool fix_addresses(struct resolver *r)
{
        struct address_list *list = &r->addresses;

        if (strcasecmp(r->host, "localhost") == 0) {
                must(address_from_digits(STR_LITERAL("127.0.0.1"), r->port, &list->addresses[0]) ==
                     0);
                must(address_from_digits(STR_LITERAL("::1"), r->port, &list->addresses[1]) == 0);
                list->n = 2;
        } else if (address_from_digits(str_of(r->host), r->port, &list->addresses[0]) == 0) {
                list->n = 1;
        }
        return list->n > 0;
}

int resolve_start(struct loop *loop, const char *host, uint16_t port, uint64_t refresh_us,
                  resolve_fn fn, void *ctx, struct resolver **ret_resolver)
{
        struct resolver *r;
        int error = 0;

        if (!*host || strlen(host) > RESOLVE_HOST_MAX)
                return -EINVAL;
        r = calloc(1, sizeof(*r));
        if (!r)
                return -ENOMEM;
        r->loop = loop;
        r->port = port;
        r->refresh_us = refresh_us;
        r->fn = fn;
        r->ctx = ctx;
        memcpy(r->host, host, strlen(host) + 1);
        r->is_fixed = fix_addresses(r);
        if (!r->is_fixed)
                error = loop_timer_new(loop, on_refresh, r, &r->refresh);
        if (error == 0 && !r->is_fixed)
                error = begin_lookup(r);
        if (error < 0) {
                resolve_stop(r);
                return error;
        }
        *ret_resolver = r;
        return 0;
}

const struct address_list *resolve_addresses(const struct resolver *r)
{
        return &r->addresses;
}

const char *resolve_why(const struct resolver *r)
{
        return r->why;
}

bool resolve_again(struct resolver *r)
{
        if (r->lookup)
                return true;
        if (r->is_fixed || loop_now_us(r->loop) - r->ended_us < RESOLVE_PAUSE_US)
                return false;
        return begin_lookup(r) == 0;
}

struct resolver *resolve_stop(struct resolver *r)
{
        if (!r)
                return NULL;
        r->refresh = loop_timer_free(r->refresh);
        if (r->lookup) {
                r->watch = loop_unwatch(r->watch);
                let_go(r->lookup);
                r->lookup = NULL;
        }
        loop_bury(r->loop, r, free);
        return NULL;
}
