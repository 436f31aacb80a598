#include "api/limiter.h"
#include "base/clock.h"
#include "budget/holder.h"

#include <errno.h>

int weir_limiter_name_key(struct weir_limiter *limiter, const char *account, const char *api_key)
{
        int r;

        if (!account || !api_key)
                return -EINVAL;
        r = holder_name(&limiter->limiter, str_of(account), str_of(api_key), clock_wall_us());
        return r < 0 ? r : 0;
}
