#include "cli/access.h"
#include "base/clock.h"
#include "base/str.h"
#include "budget/budget.h"
#include "gateway/cut_short.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int access_number(const struct access *a, const char *option, const char *value, uint64_t max,
                  uint64_t *ret)
{
        if (str_to_u64(str_of(value), ret) == 0 && *ret <= max)
                return 0;
        fprintf(stderr, "weir: %s: --%s %s: want a whole number up to %llu\n", a->command, option,
                value, (unsigned long long)max);
        return -EINVAL;
}

static int set_u32(const struct access *a, const char *option, const char *value, uint32_t max,
                   uint32_t *ret)
{
        uint64_t n = 0;
        int r = access_number(a, option, value, max, &n);

        if (r == 0)
                *ret = (uint32_t)n;
        return r;
}

int access_option(struct access *a, int option, const char *value)
{
        struct futures_config *f = &a->config;

        switch (option) {
        case ACCESS_COIN_M:
                f->market = WEIR_COINM;
                return 0;
        case ACCESS_VIA_GATEWAY:
                f->gateway = value ? value : ACCESS_GATEWAY;
                return 0;
        case ACCESS_BASE:
                f->url = value;
                return 0;
        case ACCESS_TESTNET:
                f->is_testnet = true;
                return 0;
        case ACCESS_REGION:
                a->region_path = value;
                return 0;
        case ACCESS_CA:
                f->ca_file = value;
                return 0;
        case ACCESS_KEY_FILE:
                f->keys.api_key_file = value;
                return 0;
        case ACCESS_SECRET_FILE:
                f->keys.api_secret_file = value;
                return 0;
        case ACCESS_PRIVATE_KEY_FILE:
                f->keys.private_key_file = value;
                return 0;
        case ACCESS_DEADLINE:
                return access_number(a, "deadline", value, 86400000, &a->deadline_in_ms);
        case ACCESS_TIMEOUT:
                return set_u32(a, "timeout", value, 600000, &f->timeout_ms);
        case ACCESS_RECV_WINDOW:
                return set_u32(a, "recv-window", value, 60000, &f->recv_window_ms);
        default:
                return 1;
        }
}

/* Straight to the exchange: the budgets that all processes of this machine share. */
static int open_limiter(struct access *a)
{
        const char *path = a->region_path ? a->region_path : getenv("WEIR_REGION");
        struct region_error error;
        struct region_plan plan;
        char place[512] = "";
        size_t n;
        int r = 0;

        if (!path || !path[0]) {
                r = region_default_path(place, sizeof(place), &error);
                n = strlen(place);
                /* Another exchange counts for itself, with limits of its own. */
                if (r == 0 && futures_is_elsewhere(a->config.is_testnet, a->config.url))
                        snprintf(place + n, sizeof(place) - n,
                                 a->config.is_testnet ? "-testnet" : "-other");
                path = place;
        }
        if (r == 0) {
                budget_plan(&plan, clock_wall_us() / US_PER_MS);
                r = region_open(path, &plan, &a->region, &error);
        }
        if (r < 0) {
                fprintf(stderr, "weir: %s: %s%s\n", a->command, error.why,
                        error.is_place ? " with --region" : "");
                return r;
        }
        cut_short_watch(&a->region, path);
        a->limiter.region = &a->region;
        a->config.limiter = &a->limiter;
        return 0;
}

int access_open(struct access *a)
{
        const char *gateway = getenv("WEIR_GATEWAY");
        struct futures_config *f = &a->config;
        char why[FUTURES_WHY_MAX];
        int r = 0;

        if (!f->gateway && !f->url && !f->is_testnet && gateway && gateway[0])
                f->gateway = gateway;
        if (f->gateway && (f->url || f->is_testnet)) {
                fprintf(stderr,
                        "weir: %s: --gateway goes with neither --base nor --testnet: the gateway "
                        "knows its exchange; see weir %s --help\n",
                        a->command, a->command);
                return -EINVAL;
        }
        if (!f->gateway)
                r = open_limiter(a);
        if (r == 0) {
                r = futures_open(f, &a->futures, why);
                if (r < 0)
                        fprintf(stderr, "weir: %s: %s\n", a->command, why);
        }
        return r;
}

void access_close(struct access *a)
{
        a->futures = futures_close(a->futures);
        region_close(&a->region);
}
