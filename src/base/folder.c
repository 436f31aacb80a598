#include "base/folder.h"

#include "base/str.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *folder_of_service(size_t *ret_length)
{
        const char *all = getenv("STATE_DIRECTORY"), *whose = getenv("SYSTEMD_EXEC_PID");
        uint64_t pid;

        if (whose && (str_to_u64(str_of(whose), &pid) < 0 || pid != (uint64_t)getpid()))
                all = NULL;
        if (!all || all[0] != '/')
                all = NULL;
        *ret_length = all ? strcspn(all, ":") : 0;
        return all;
}
