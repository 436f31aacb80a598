/* What the tests of this room begin with: limiters, private or shared by a file, and a time. */
#ifndef API_TEST_STAGE_H
#define API_TEST_STAGE_H

#include "api/limiter.h"

#include <stdlib.h>
#include <unistd.h>

/* A second into a window of ten, in the first half of its minute. */
#define STAGE_MS 1700000001000ULL

static inline struct api_time stage_at(uint64_t after_ms)
{
        return (struct api_time){ (STAGE_MS + after_ms) * US_PER_MS, 5 };
}

static inline struct weir_limiter *stage_open(const char *region, uint32_t rate, uint32_t burst)
{
        struct weir_limiter_options options = WEIR_LIMITER_DEFAULTS;
        struct weir_limiter *l = NULL;
        struct weir_error error;

        options.region = region;
        options.max_requests_per_minute = rate;
        options.max_burst = burst;
        if (weir_limiter_open(&options, &l, &error) != 0)
                fail_msg("%s", error.text);
        return l;
}

/* A name for a region that is not there yet; to be unlinked. */
static inline void stage_path(char *path, size_t size)
{
        int fd;

        assert_true((size_t)snprintf(path, size, "/tmp/weir-test-XXXXXX") < size);
        fd = mkstemp(path);
        assert_true(fd >= 0);
        close(fd);
        assert_int_equal(unlink(path), 0);
}

#endif
