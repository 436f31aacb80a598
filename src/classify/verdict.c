#include "classify/verdict.h"

#include <errno.h>

static const struct {
        const char *name, *sentence;
} kinds[] = {
#define X(enumerator, name, sentence) { name, sentence },
        VERDICT_KINDS(X)
#undef X
};

static const char *const fates[] = {
        [EXECUTED_NA] = "na",         [EXECUTED_NO] = "no",           [EXECUTED_YES] = "yes",
        [EXECUTED_PARTLY] = "partly", [EXECUTED_UNKNOWN] = "unknown",
};

_Static_assert(ARRAY_SIZE(kinds) == VERDICT_KIND_COUNT, "one row per kind");
_Static_assert(ARRAY_SIZE(fates) == EXECUTED_COUNT, "one name per fate");

const char *verdict_kind_name(enum verdict_kind kind)
{
        must(kind < VERDICT_KIND_COUNT);
        return kinds[kind].name;
}

const char *verdict_kind_sentence(enum verdict_kind kind)
{
        must(kind < VERDICT_KIND_COUNT);
        return kinds[kind].sentence;
}

const char *verdict_executed_name(enum verdict_executed executed)
{
        must(executed < EXECUTED_COUNT);
        return fates[executed];
}

int verdict_kind_from(struct str name, enum verdict_kind *ret_kind)
{
        for (size_t i = 0; i < ARRAY_SIZE(kinds); ++i) {
                if (str_eq(name, str_of(kinds[i].name))) {
                        *ret_kind = (enum verdict_kind)i;
                        return 0;
                }
        }
        return -EINVAL;
}

int verdict_executed_from(struct str name, enum verdict_executed *ret_executed)
{
        for (size_t i = 0; i < ARRAY_SIZE(fates); ++i) {
                if (str_eq(name, str_of(fates[i]))) {
                        *ret_executed = (enum verdict_executed)i;
                        return 0;
                }
        }
        return -EINVAL;
}
