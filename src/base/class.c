#include "base/class.h"

#include <errno.h>

static const char *const names[CLASS_COUNT] = {
        [CLASS_CANCEL] = "cancel",   [CLASS_ORDER] = "order",   [CLASS_RECONCILE] = "reconcile",
        [CLASS_ACCOUNT] = "account", [CLASS_MARKET] = "market", [CLASS_BACKFILL] = "backfill",
};

const char *class_name(enum weir_class class)
{
        must(class < CLASS_COUNT);
        return names[class];
}

int class_from(struct str name, enum weir_class *ret_class)
{
        for (size_t i = 0; i < CLASS_COUNT; ++i) {
                if (str_eq(name, str_of(names[i]))) {
                        *ret_class = (enum weir_class)i;
                        return 0;
                }
        }
        return -EINVAL;
}
