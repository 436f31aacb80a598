/*
 * The simplest use: wait for room, then do whatever is to be done. Every program that names the
 * same rate and burst on the same region takes from the same bucket.
 *
 *      cc limiter.c $(pkg-config --cflags --libs weir)
 */
#include <weir.h>

#include <stdio.h>

int main(void)
{
        struct weir_limiter_stats stats = WEIR_LIMITER_STATS_DEFAULTS;
        struct weir_limiter *limiter;
        struct weir_error error;

        /* Settings from BINANCE_RATE_LIMIT_RPM, BINANCE_RATE_LIMIT_BURST and WEIR_REGION. */
        if (weir_limiter_default(&limiter, &error) < 0) {
                fprintf(stderr, "%s\n", error.text);
                return 1;
        }
        for (int i = 0; i < 5; ++i) {
                uint64_t deadline_ms = weir_now_ms(limiter, WEIR_GROUP_FAPI) + 30000;
                int r = weir_acquire(limiter, 2, deadline_ms);

                if (r < 0) {
                        fprintf(stderr, "no room within 30 s (%d)\n", r);
                        return 1;
                }
                /* Send within two seconds. */
        }
        weir_limiter_stats(limiter, &stats);
        printf("done, %.1f of %.0f tokens left\n", stats.tokens, stats.max_tokens);
        return 0;
}
