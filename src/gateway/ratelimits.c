#include "gateway/ratelimits.h"

#include <errno.h>
#include <jansson.h>

static const char array_name[] = "\"rateLimits\":[";

/* True when the array's name has just ended. Blanks inside it are passed over. */
static bool match(struct ratelimits *r, char c)
{
        if (c == ' ' || c == '\n' || c == '\r' || c == '\t')
                return false;
        if (c == array_name[r->matched]) {
                if (array_name[++r->matched] == '\0')
                        return true;
        } else {
                r->matched = c == array_name[0] ? 1 : 0;
        }
        return false;
}

bool ratelimits_feed(struct ratelimits *r, struct str piece)
{
        for (size_t i = 0; i < piece.n && !r->is_ended && !r->is_bad; ++i) {
                char c = piece.p[i];

                if (!r->is_found) {
                        r->is_found = match(r, c);
                        if (r->is_found)
                                r->text[r->n_text++] = '[';
                        continue;
                }
                /* The entries are flat objects: the first closing bracket is the array's. */
                r->text[r->n_text++] = c;
                r->is_ended = c == ']';
                r->is_bad = !r->is_ended && r->n_text == sizeof(r->text);
        }
        return r->is_ended;
}

static uint64_t interval_ms(const char *interval)
{
        static const struct {
                const char *name;
                uint64_t ms;
        } intervals[] = {
                { "SECOND", 1000 },
                { "MINUTE", 60000 },
                { "HOUR", 3600000 },
                { "DAY", 86400000 },
        };

        for (size_t i = 0; interval && i < ARRAY_SIZE(intervals); ++i)
                if (strcmp(interval, intervals[i].name) == 0)
                        return intervals[i].ms;
        return 0;
}

static int unit_from(const char *type, enum ratelimits_unit *ret_unit)
{
        static const char *const types[] = {
                [RATELIMITS_WEIGHT] = "REQUEST_WEIGHT",
                [RATELIMITS_ORDERS] = "ORDERS",
                [RATELIMITS_RAW] = "RAW_REQUESTS",
        };

        for (size_t i = 0; type && i < ARRAY_SIZE(types); ++i) {
                if (strcmp(type, types[i]) == 0) {
                        *ret_unit = (enum ratelimits_unit)i;
                        return 0;
                }
        }
        return -EINVAL;
}

/* Return: true when @item is a limit that we can keep. */
static bool read_entry(const json_t *item, struct ratelimits_entry *ret)
{
        uint64_t each_ms = interval_ms(json_string_value(json_object_get(item, "interval")));
        json_int_t number = json_integer_value(json_object_get(item, "intervalNum"));
        json_int_t limit = json_integer_value(json_object_get(item, "limit"));

        if (unit_from(json_string_value(json_object_get(item, "rateLimitType")), &ret->unit) < 0)
                return false;
        if (each_ms == 0 || number < 1 || number > 100000 || limit < 1 || limit > UINT32_MAX)
                return false;
        if (each_ms * (uint64_t)number > UINT32_MAX)
                return false;
        ret->span_ms = (uint32_t)(each_ms * (uint64_t)number);
        ret->limit = (uint32_t)limit;
        return true;
}

int ratelimits_entries(const struct ratelimits *r, struct ratelimits_entry *ret_entries)
{
        json_t *root, *item;
        size_t i;
        int n = 0;

        if (!r->is_ended)
                return -EINVAL;
        root = json_loadb(r->text, r->n_text, 0, NULL);
        if (!json_is_array(root)) {
                json_decref(root);
                return -EINVAL;
        }
        json_array_foreach(root, i, item)
        {
                if (n < RATELIMITS_MAX && read_entry(item, &ret_entries[n]))
                        ++n;
        }
        json_decref(root);
        return n > 0 ? n : -EINVAL;
}
