#include "core/region_inside.h"

#include "core/sound.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int region_refuse(struct region_error *e, int error, const char *path, const char *why)
{
        /* A path too long to name is cut: the sentence still says what is wrong. */
        (void)!snprintf(e->why, sizeof(e->why), "region %.200s: %s", path, why);
        e->is_place = false;
        return error;
}

int region_refuse_errno(struct region_error *e, int error, const char *path, const char *what)
{
        (void)!snprintf(e->why, sizeof(e->why), "region %.200s: cannot %s: %s", path, what,
                        strerror(-error));
        e->is_place = false;
        return error;
}

int region_refuse_place(struct region_error *e, int error, const char *path, const char *why)
{
        (void)region_refuse(e, error, path, why);
        e->is_place = true;
        return error;
}

static int refuse_open(struct region_error *e, int error, const char *path)
{
        const char *why = strerror(-error), *file = "";

        if (error == -ELOOP) {
                why = "it is a symbolic link";
                file = "name the file it leads to, or ";
        }
        (void)!snprintf(e->why, sizeof(e->why),
                        "region %.200s: cannot open it: %s; %sname another region", path, why,
                        file);
        e->is_place = true;
        return error;
}

static int refuse_kind(struct region_error *e, const char *path)
{
        return region_refuse_place(e, -EPERM, path, "is not a file; name another region");
}

int region_open_file(const char *path, int flags, struct stat *ret_stat, struct region_error *e)
{
        /* Who opens a pipe would wait for its other end. */
        int fd = open(path, flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0600);
        int r = 0;

        /* A socket is not even opened. */
        if (fd < 0 && errno == ENXIO)
                return refuse_kind(e, path);
        /* Not made yet, perhaps: who only looks is told more by its face. */
        if (fd < 0 && errno == ENOENT && !(flags & O_CREAT))
                return region_refuse_errno(e, -ENOENT, path, "open it");
        if (fd < 0)
                return refuse_open(e, -errno, path);
        if (fstat(fd, ret_stat) < 0)
                r = region_refuse_errno(e, -errno, path, "look at it");
        else if (S_ISDIR(ret_stat->st_mode))
                r = refuse_open(e, -EISDIR, path);
        else if (!S_ISREG(ret_stat->st_mode))
                r = refuse_kind(e, path);
        if (r == 0)
                return fd;
        close(fd);
        return r;
}

int region_judge_owner(const struct stat *st, const char *path, struct region_error *e)
{
        if (st->st_uid != geteuid() && geteuid() != 0)
                return region_refuse_place(
                        e, -EPERM, path,
                        "belongs to another user; run as that user or name another region");
        return 0;
}

int region_judge_mode(const struct stat *st, const char *path, struct region_error *e)
{
        if (st->st_mode & S_IWOTH)
                return region_refuse(e, -EPERM, path, "may be written by everybody; chmod 600 it");
        if (st->st_mode & S_IWGRP)
                return region_refuse(e, -EPERM, path, "may be written by its group; chmod 600 it");
        return 0;
}

bool region_first_word(int fd, uint64_t *ret)
{
        return pread(fd, ret, sizeof(*ret), 0) == (ssize_t)sizeof(*ret);
}

int region_refuse_foreign(const char *path, struct region_error *e)
{
        return region_refuse_place(e, -EUCLEAN, path,
                                   "is not a region of weir, or is damaged: if it was one, "
                                   "move it away; else name another region");
}

int region_judge_size(const struct stat *st, const char *path, struct region_error *e)
{
        if (st->st_size != (off_t)REGION_BYTES)
                return region_refuse_place(
                        e, -EUCLEAN, path,
                        "is cut short or of another version; stop the programs that use it and "
                        "delete it, or name another region");
        return 0;
}

int region_judge_certificate(const struct region_header *h, const uint64_t *table_hash,
                             const char *path, struct region_error *e)
{
        must(h);
        if (h->version != REGION_VERSION || h->header_bytes != REGION_HEADER_BYTES ||
            h->slot_bytes != sizeof(struct slot) || h->n_slots != REGION_SLOTS ||
            h->total_bytes != REGION_BYTES)
                return region_refuse_place(
                        e, -ESTALE, path,
                        "was made by another version of weir; stop the programs that use it and "
                        "delete it, or name another region");
        if (table_hash && h->table_hash != *table_hash)
                return region_refuse_place(
                        e, -ESTALE, path,
                        "was made for other endpoint tables; stop the programs that use it and "
                        "delete it, or name another region");
        return 0;
}

int region_judge_slots(const struct region *region, const char *path, struct region_error *e)
{
        size_t slot = sound_slots(region);

        if (slot == REGION_SLOTS)
                return 0;
        (void)snprintf(
                e->why, sizeof(e->why),
                "region %.200s: is damaged: slot %zu is not what its key says, or counts "
                "what cannot be; what was spent is not known from it: stop the programs that "
                "use it and look with weir region check; delete it when the longest window "
                "has turned, or name another region",
                path, slot);
        e->is_place = true;
        return -EUCLEAN;
}
