#include "core/region_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

static int refuse_unfinished(const char *path, struct region_error *e)
{
        return region_refuse(e, -EUCLEAN, path,
                             "is not finished: its creator is at it, or died; there is nothing in "
                             "it yet, and the next program that uses it builds it");
}

/* Whether there is a region of this version to map, in the order in which region_open() asks. */
static int check_bytes(int fd, const struct stat *st, const char *path, struct region_error *e)
{
        uint64_t first = 0;

        if (st->st_size == 0)
                return refuse_unfinished(path, e);
        if (!region_first_word(fd, &first))
                return region_refuse_foreign(path, e);
        if (first == 0)
                return refuse_unfinished(path, e);
        if (first != REGION_MAGIC)
                return region_refuse_foreign(path, e);
        return region_judge_size(st, path, e);
}

/* Of what is there to be looked at: whether anybody would work with it. */
static int check_use(const struct region *region, const struct stat *st,
                     const struct region_plan *plan, const char *path, struct region_error *e)
{
        int r = region_judge_mode(st, path, e);

        if (r == 0 && plan)
                r = region_judge_certificate(region->header, &plan->table_hash, path, e);
        /* Who only looks holds no lock: a slot may have been swept and taken anew under its eyes.
         */
        if (r == 0 && region_judge_slots(region, path, e) < 0)
                r = region_judge_slots(region, path, e);
        return r < 0 ? REGION_DOUBTED : 0;
}

int region_open_readonly(const char *path, const struct region_plan *plan,
                         struct region *ret_region, struct region_error *ret_error)
{
        struct region r = REGION_NULL;
        struct stat st;
        int fd, error;

        fd = region_open_file(path, O_RDONLY, &st, ret_error);
        if (fd < 0)
                return fd;
        error = check_bytes(fd, &st, path, ret_error);
        if (error == 0) {
                error = region_map(fd, PROT_READ, &r);
                if (error < 0)
                        (void)region_refuse_errno(ret_error, error, path, "map it");
        }
        if (error < 0) {
                close(fd);
                return error;
        }
        error = region_judge_certificate(r.header, NULL, path, ret_error);
        if (error < 0) {
                region_close(&r);
                return error;
        }
        error = check_use(&r, &st, plan, path, ret_error);
        *ret_region = r;
        return error;
}
