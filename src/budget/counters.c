#include "budget/counters.h"

static const struct {
        const char *name, *help;
} table[COUNTERS] = {
#define COUNTER(id, text) [COUNTER_##id] = { #id, text },
#include "budget/counters.def"
#undef COUNTER
};

const char *counter_name(enum counter counter)
{
        must(counter < COUNTERS);
        return table[counter].name;
}

const char *counter_help(enum counter counter)
{
        must(counter < COUNTERS);
        return table[counter].help;
}
