#include "stats/inside.h"

#include <errno.h>
#include <string.h>

static const uint16_t firsts[STATS_BY_COUNT + 1] = {
        [STATS_BY_CLASS] = 0,
        [STATS_BY_ACCOUNT] = FIXED_NAMES + CLASS_COUNT,
        [STATS_BY_ENDPOINT] = 2 * FIXED_NAMES + CLASS_COUNT + STATS_ACCOUNTS_MAX,
        [STATS_BY_CLIENT] =
                3 * FIXED_NAMES + CLASS_COUNT + STATS_ACCOUNTS_MAX + STATS_ENDPOINTS_MAX,
        [STATS_BY_COUNT] = NAMES,
};

enum {
        OTHERS = 0,
        NONE = 1
};

uint16_t names_first(enum stats_by by)
{
        return firsts[by];
}

uint16_t names_class(enum weir_class class)
{
        return (uint16_t)(class < CLASS_COUNT ? FIXED_NAMES + class : NONE);
}

/* Return: NULL without memory. */
static struct name *make(struct stats *s, enum stats_by by, uint16_t number, struct str text)
{
        struct name **piece = &s->names.pieces[number / NAMES_IN_PIECE];
        struct name *name;

        if (!*piece)
                *piece = stats_take(s, sizeof(struct name) * NAMES_IN_PIECE);
        if (!*piece)
                return NULL;
        name = names_at(s, number);
        name->by = by;
        str_copy(text, name->text, sizeof(name->text));
        return name;
}

int names_open(struct stats *s, uint64_t seed)
{
        s->names.seed = seed;
        for (unsigned by = 0; by < STATS_BY_COUNT; ++by) {
                if (!make(s, by, (uint16_t)(firsts[by] + OTHERS), STR_LITERAL(STATS_OTHERS)) ||
                    !make(s, by, (uint16_t)(firsts[by] + NONE), STR_LITERAL(STATS_NONE)))
                        return -ENOMEM;
                s->names.n[by] = FIXED_NAMES;
        }
        for (unsigned class = 0; class < CLASS_COUNT; ++class)
                if (!make(s, STATS_BY_CLASS, names_class(class), str_of(class_name(class))))
                        return -ENOMEM;
        s->names.n[STATS_BY_CLASS] += CLASS_COUNT;
        return 0;
}

void names_close(struct stats *s)
{
        for (size_t i = 0; i < NAME_PIECES; ++i)
                stats_give(s, s->names.pieces[i], sizeof(struct name) * NAMES_IN_PIECE);
}

/* What comes from clients may be any bytes. */
static void make_printable(char *text)
{
        for (; *text != '\0'; ++text)
                if (*text < ' ' || *text > '~')
                        *text = '?';
}

/* A name that is new, or, when there is no room for it, those that are without. */
static uint16_t enter(struct stats *s, enum stats_by by, const struct stats_name *name,
                      const struct stats_request *request, uint64_t now_ms)
{
        uint16_t number = (uint16_t)(firsts[by] + s->names.n[by]);
        bool is_full = number >= firsts[by + 1];
        struct name *made;
        size_t at;

        if (is_full)
                number = evict_one(s, by, now_ms);
        made = number > 0 ? make(s, by, number, name->text) : NULL;
        if (!made)
                return (uint16_t)(firsts[by] + OTHERS);
        made->key = name->key;
        made->seen_ms = now_ms;
        if (!name->text.p && request->spell)
                request->spell(request, by, made->text);
        make_printable(made->text);
        s->names.n[by] = (uint16_t)(s->names.n[by] + !is_full);
        /* One that made room may have left a place nearer to where it belongs. */
        for (at = names_home(s, by, name->key); s->names.slots[at] != 0;)
                at = (at + 1) % NAME_SLOTS;
        s->names.slots[at] = (uint16_t)(number + 1);
        return number;
}

size_t names_home(const struct stats *s, enum stats_by by, uint64_t key)
{
        uint64_t at = key ^ s->names.seed ^ (uint64_t)by << 56;

        return at * UINT64_C(0x9e3779b97f4a7c15) >> (64 - 15);
}

uint16_t names_number(struct stats *s, enum stats_by by, const struct stats_name *name,
                      const struct stats_request *request, uint64_t now_ms)
{
        if (name->key == 0)
                return (uint16_t)(firsts[by] + NONE);
        for (size_t at = names_home(s, by, name->key);; at = (at + 1) % NAME_SLOTS) {
                uint16_t slot = s->names.slots[at];
                struct name *there;

                if (slot == 0)
                        return enter(s, by, name, request, now_ms);
                there = names_at(s, (uint16_t)(slot - 1));
                if (there->key != name->key || there->by != by)
                        continue;
                there->seen_ms = now_ms;
                there->is_idle = false;
                return (uint16_t)(slot - 1);
        }
}
