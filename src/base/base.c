#include "base/base.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void must_failed(const char *condition, const char *file, int line, const char *function)
{
        fprintf(stderr, "weir: broken invariant: %s (%s:%d, %s); please report this\n", condition,
                file, line, function);
        abort();
}
