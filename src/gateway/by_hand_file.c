/*
 * The file of by_hand.c: whole or not at all.
 */
#include "gateway/by_hand.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Beyond what all that can be decided takes. */
#define BYTES_MAX (1u << 20)

/* A rename, or a removal, is on the disk when its folder is. */
static int sync_folder(const char *path)
{
        char folder[BY_HAND_PATH_SIZE];
        char *slash;
        int fd, r;

        if (!str_copy(str_of(path), folder, sizeof(folder)))
                return -ENAMETOOLONG;
        slash = strrchr(folder, '/');
        if (slash)
                slash[slash == folder] = '\0';
        fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        r = fsync(fd) < 0 ? -errno : 0;
        close(fd);
        return r;
}

static int write_all(int fd, struct str text)
{
        while (text.n > 0) {
                ssize_t n = write(fd, text.p, text.n);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                text = str_from(text.p + n, text.n - (size_t)n);
        }
        return fsync(fd) < 0 ? -errno : 0;
}

int by_hand_write(const char *path, struct str text)
{
        char next[BY_HAND_PATH_SIZE + 8];
        int fd, r;

        snprintf(next, sizeof(next), "%s.new", path);
        /* Of one that was killed in the middle of this. */
        if (unlink(next) < 0 && errno != ENOENT)
                return -errno;
        fd = open(next, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0)
                return -errno;
        r = write_all(fd, text);
        if (close(fd) < 0 && r == 0)
                r = -errno;
        if (r == 0 && rename(next, path) < 0)
                r = -errno;
        if (r < 0) {
                unlink(next);
                return r;
        }
        return sync_folder(path);
}

int by_hand_remove(const char *path)
{
        if (unlink(path) < 0)
                return errno == ENOENT ? 0 : -errno;
        return sync_folder(path);
}

static int read_all(int fd, char *to, size_t size, size_t *ret_n)
{
        *ret_n = 0;
        while (*ret_n < size) {
                ssize_t n = read(fd, to + *ret_n, size - *ret_n);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        return 0;
                *ret_n += (size_t)n;
        }
        return -EFBIG;
}

int by_hand_read(const char *path, char **ret_text, size_t *ret_n)
{
        int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK), r;
        char *text = NULL;
        struct stat st;

        if (fd < 0)
                return -errno;
        if (fstat(fd, &st) < 0)
                r = -errno;
        else if (!S_ISREG(st.st_mode))
                r = -EINVAL;
        else if ((st.st_uid != geteuid() && st.st_uid != 0) || (st.st_mode & 0002))
                r = -EACCES;
        else if ((text = malloc(BYTES_MAX)) == NULL)
                r = -ENOMEM;
        else
                r = read_all(fd, text, BYTES_MAX, ret_n);
        close(fd);
        if (r < 0)
                free(text);
        else
                *ret_text = text;
        return r;
}
