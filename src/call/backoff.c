#include "call/backoff.h"

uint64_t backoff_delay_ms(const struct backoff_config *config, uint32_t attempt, uint64_t random)
{
        uint64_t delay_ms = config->base_ms ? config->base_ms : 1;
        uint64_t spread_ms;

        /* Doubling step by step cannot overflow: the ceiling has 32 bits. */
        for (; attempt > 0 && delay_ms < config->ceiling_ms; --attempt)
                delay_ms *= 2;
        if (config->ceiling_ms > 0 && delay_ms > config->ceiling_ms)
                delay_ms = config->ceiling_ms;

        spread_ms = delay_ms * config->jitter_pct / 100;
        return delay_ms + (spread_ms > 0 ? random % spread_ms : 0);
}
