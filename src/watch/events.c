#include "watch/events.h"

#define IDS_PER_MS 1000

void events_init(struct events *e, uint64_t wall_ms)
{
        e->n = 0;
        e->next_id = wall_ms * IDS_PER_MS + 1;
}

/* Cut to @size, but not in the middle of a character. */
static void copy_text(struct str text, char *to, size_t size)
{
        size_t n = text.n < size ? text.n : size - 1;

        if (n < text.n)
                while (n > 0 && ((unsigned char)text.p[n] & 0xc0) == 0x80)
                        --n;
        str_copy(str_from(text.p, n), to, size);
}

void events_add(struct events *e, uint64_t at_ms, const char *level, struct str event,
                struct str text, struct str request)
{
        struct event *to = &e->all[e->next_id % EVENTS_MAX];

        to->id = e->next_id++;
        to->at_ms = at_ms;
        to->level = level;
        copy_text(event, to->event, sizeof(to->event));
        copy_text(text, to->text, sizeof(to->text));
        copy_text(request, to->request, sizeof(to->request));
        if (e->n < EVENTS_MAX)
                ++e->n;
}

const struct event *events_next(const struct events *e, uint64_t after)
{
        uint64_t first = e->next_id - e->n;

        /* A number that is still to come was given by a process whose clock was ahead. */
        if (after < first || after >= e->next_id)
                after = first - 1;
        return after + 1 < e->next_id ? &e->all[(after + 1) % EVENTS_MAX] : NULL;
}

json_t *event_json(const struct event *e)
{
        json_t *root = json_pack("{s:I, s:I, s:s, s:s, s:s}", "id", (json_int_t)e->id, "at_ms",
                                 (json_int_t)e->at_ms, "level", e->level, "event", e->event, "text",
                                 e->text);

        if (root && e->request[0])
                json_object_set_new(root, "request_id", json_string(e->request));
        return root;
}
