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

/* Return: true when @item is a limit that we can keep. */
static bool read_entry(const json_t *item, struct budget_limit *ret)
{
        struct budget_limit_words words = {
                json_string_value(json_object_get(item, "rateLimitType")),
                json_string_value(json_object_get(item, "interval")),
                json_integer_value(json_object_get(item, "intervalNum")),
                json_integer_value(json_object_get(item, "limit")),
        };

        return budget_limit_from(&words, ret);
}

int ratelimits_entries(const struct ratelimits *r, struct budget_limit *ret_entries)
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
                if (n < BUDGET_LIMITS_MAX && read_entry(item, &ret_entries[n]))
                        ++n;
        }
        json_decref(root);
        return n > 0 ? n : -EINVAL;
}
