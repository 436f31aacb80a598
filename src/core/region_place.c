#include "core/region_inside.h"

#include "base/folder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Where a region is when nobody names one. */
struct place {
        char folder[256];
        bool is_given; /* made by the service manager, with the mode that its unit says */
};

static int name_it(struct place *place, int n, char *path, size_t size, struct region_error *e)
{
        if (n < 0 || (size_t)n >= sizeof(place->folder) ||
            (size_t)snprintf(path, size, "%s/region", place->folder) >= size)
                return region_refuse_place(e, -ENAMETOOLONG, place->folder,
                                           "has too long a name; name another region");
        return 0;
}

static int user_place(struct place *place, char *path, size_t size, struct region_error *e)
{
        const char *runtime = getenv("XDG_RUNTIME_DIR");
        int n;

        place->is_given = false;
        if (runtime && runtime[0] == '/')
                n = snprintf(place->folder, sizeof(place->folder), "%s/weir", runtime);
        else
                n = snprintf(place->folder, sizeof(place->folder), "/dev/shm/weir-%u",
                             (unsigned)geteuid());
        return name_it(place, n, path, size, e);
}

static int default_place(struct place *place, char *path, size_t size, struct region_error *e)
{
        size_t length;
        const char *state = folder_of_service(&length);
        int n;

        if (!state)
                return user_place(place, path, size, e);
        place->is_given = true;
        n = snprintf(place->folder, sizeof(place->folder), "%.*s", (int)length, state);
        return name_it(place, n, path, size, e);
}

/* /dev/shm is everybody's: a folder that somebody else made there first is not ours. */
static int check_folder(const struct place *place, struct region_error *e)
{
        const char *folder = place->folder;
        struct stat st;

        /* That of a service with DynamicUser= may be reached through a link, which is root's. */
        if ((place->is_given ? stat(folder, &st) : lstat(folder, &st)) < 0)
                return region_refuse_errno(e, -errno, folder, "look at the folder");
        if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & (S_IWGRP | S_IWOTH)))
                return region_refuse_place(e, -EPERM, folder,
                                           "is not a folder of this user alone; name another "
                                           "region");
        return 0;
}

static int make(const struct place *place, struct region_error *e)
{
        if (!place->is_given && mkdir(place->folder, 0700) < 0 && errno != EEXIST)
                return region_refuse_errno(e, -errno, place->folder, "make the folder");
        return check_folder(place, e);
}

int region_default_path(char *path, size_t size, struct region_error *ret_error)
{
        struct place place;
        int r = default_place(&place, path, size, ret_error);

        return r < 0 ? r : make(&place, ret_error);
}

int region_user_path(char *path, size_t size, struct region_error *ret_error)
{
        struct place place;
        int r = user_place(&place, path, size, ret_error);

        return r < 0 ? r : make(&place, ret_error);
}

int region_default_path_readonly(char *path, size_t size, struct region_error *ret_error)
{
        struct place place;
        int r = default_place(&place, path, size, ret_error);

        if (r == 0)
                r = check_folder(&place, ret_error);
        /* No folder, no region: who opens it is told. */
        return r == -ENOENT ? 0 : r;
}
