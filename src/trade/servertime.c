#include "trade/servertime.h"

#include <errno.h>
#include <jansson.h>

void servertime_init(struct servertime *s, word_t *word, uint64_t mono_us, uint64_t wall_us)
{
        word_t none = 0;

        s->word = word;
        exclock_init(&s->clock, word ? word : &none, mono_us, wall_us);
}

bool servertime_is_fresh(const struct servertime *s, uint64_t mono_us)
{
        return s->clock.is_measured && mono_us - s->clock.measured_us < SERVERTIME_FRESH_US;
}

int servertime_take(struct servertime *s, struct str body, uint64_t sent_us, uint64_t received_us,
                    uint64_t wall_us)
{
        json_t *root = body.n > 0 ? json_loadb(body.p, body.n, 0, NULL) : NULL;
        json_int_t server_ms = json_integer_value(json_object_get(root, "serverTime"));

        json_decref(root);
        if (server_ms <= 0)
                return -EBADMSG;
        if (exclock_sample(&s->clock, (uint64_t)server_ms, sent_us, received_us) && s->word)
                exclock_publish(&s->clock, s->word, received_us, wall_us);
        return 0;
}
