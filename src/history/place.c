#include "history/place.h"

#include "base/folder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of contrib/systemd/weir-gateway.service. */
#define SERVICE_FOLDER "/var/lib/weir"
#define FILE_NAME      "history.db"

static int join(const char *folder, size_t n, const char *more, char *ret, size_t size)
{
        int length = snprintf(ret, size, "%.*s%s", (int)n, folder, more);

        return length > 0 && (size_t)length < size ? 0 : -ENAMETOOLONG;
}

/* Of the user, as the XDG base directory specification has it. */
static int user_folder(char *ret, size_t size)
{
        const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");

        if (state && state[0] == '/')
                return join(state, strlen(state), "/weir", ret, size);
        if (!home || home[0] != '/')
                return -ENOENT;
        return join(home, strlen(home), "/.local/state/weir", ret, size);
}

/* With the folders above it, for their owner alone. */
static int make_folder(char *path)
{
        for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
                int r;

                *slash = '\0';
                r = mkdir(path, 0700) < 0 && errno != EEXIST ? -errno : 0;
                *slash = '/';
                if (r < 0)
                        return r;
        }
        return mkdir(path, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

static int user_file(bool is_made, char *ret, size_t size)
{
        char folder[4096];
        int r = user_folder(folder, sizeof(folder));

        if (r == 0 && is_made)
                r = make_folder(folder);
        return r < 0 ? r : join(folder, strlen(folder), "/" FILE_NAME, ret, size);
}

int history_place(const char *setting, char *ret, size_t size)
{
        bool is_on = strcmp(setting, "on") == 0;
        const char *folder;
        size_t n;

        ret[0] = '\0';
        if (strcmp(setting, "off") == 0)
                return 0;
        if (setting[0] != '\0' && !is_on)
                return join(setting, strlen(setting), "", ret, size);
        folder = folder_of_service(&n);
        if (folder)
                return join(folder, n, "/" FILE_NAME, ret, size);
        return is_on ? user_file(true, ret, size) : 0;
}

int history_find(char *ret, size_t size)
{
        const char *named = getenv("WEIR_HISTORY");

        if (named && named[0] && strcmp(named, "on") != 0 && strcmp(named, "off") != 0)
                return join(named, strlen(named), "", ret, size);
        if (access(SERVICE_FOLDER "/" FILE_NAME, F_OK) == 0)
                return join(SERVICE_FOLDER, strlen(SERVICE_FOLDER), "/" FILE_NAME, ret, size);
        if (user_file(false, ret, size) == 0 && access(ret, F_OK) == 0)
                return 0;
        return -ENOENT;
}
