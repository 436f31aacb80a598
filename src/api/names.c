#include "base/class.h"
#include "policy/policy.h"

#include <weir.h>

const char *weir_version(void)
{
        return WEIR_VERSION;
}

const char *weir_class_name(enum weir_request_class request_class)
{
        return (unsigned)request_class < WEIR_CLASS_COUNT
                       ? class_name((enum weir_class)request_class)
                       : "by_endpoint";
}

const char *weir_group_name(enum weir_group group)
{
        return (unsigned)group < WEIR_GROUP_COUNT ? policy_group_name((enum policy_group)group)
                                                  : "unknown";
}

const char *weir_answer_name(int answer)
{
        static const char *const names[] = {
                [WEIR_GO] = "go",     [WEIR_WAIT] = "wait", [WEIR_NEVER] = "never",
                [WEIR_LATE] = "late", [WEIR_SHUT] = "shut", [WEIR_CROWDED] = "crowded",
                [WEIR_LOST] = "lost",
        };

        if (answer < 0)
                return "error";
        return (size_t)answer < ARRAY_SIZE(names) ? names[answer] : "unknown";
}
