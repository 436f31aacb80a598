#include "sign/vault.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int vault_refuse(char why[VAULT_WHY_MAX], int error, const char *format, const char *what)
{
        /* The formats are the literals of this room. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(why, VAULT_WHY_MAX, format, what);
#pragma GCC diagnostic pop
        return error;
}

void *vault_new(size_t bytes)
{
        void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (p == MAP_FAILED)
                return NULL;
        /* Both are precautions that a small limit or an old kernel may deny: then it works as
         * well, and is only less hidden from swap and core dumps. */
        (void)!mlock(p, bytes);
        (void)!madvise(p, bytes, MADV_DONTDUMP);
        return p;
}

void vault_free(void *vault, size_t bytes)
{
        if (!vault)
                return;
        OPENSSL_cleanse(vault, bytes);
        munmap(vault, bytes);
}

/* Nobody but its owner may read it, and the owner is us or root. */
static int check_file(int fd, const char *path, enum vault_trust trust, char *why)
{
        struct stat st;

        if (fstat(fd, &st) < 0)
                return vault_refuse(why, -errno, "the key file %s cannot be looked at", path);
        if (!S_ISREG(st.st_mode))
                return vault_refuse(why, -EINVAL, "the key file %s is not a file", path);
        if (st.st_uid != geteuid() && st.st_uid != 0)
                return vault_refuse(why, -EACCES,
                                    "the key file %s belongs to another user; use one of your own",
                                    path);
        if (st.st_mode & (S_IRWXG | S_IRWXO)) {
                snprintf(why, VAULT_WHY_MAX,
                         "the key file %s is open to others; chmod 600 %s, and think of the key as "
                         "known",
                         path, path);
                return -EACCES;
        }
        if (trust == VAULT_STRICT && (st.st_mode & (S_IXUSR | S_ISUID | S_ISGID | S_ISVTX))) {
                snprintf(why, VAULT_WHY_MAX, "the key file %s has mode 0%o; chmod 600 %s", path,
                         (unsigned)st.st_mode & 07777, path);
                return -EACCES;
        }
        return 0;
}

static int open_file(const char *path, enum vault_trust trust, char *why)
{
        /* A fifo would have us wait for who writes into it. */
        int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
        int fd = open(path, trust == VAULT_STRICT ? flags | O_NOFOLLOW : flags), r = -errno;

        if (fd >= 0)
                return fd;
        if (r == -ELOOP && trust == VAULT_STRICT)
                return vault_refuse(why, r,
                                    "the key file %s is a symbolic link, which somebody may turn "
                                    "elsewhere; name the file itself",
                                    path);
        snprintf(why, VAULT_WHY_MAX, "the key file %s cannot be opened: %s", path, strerror(-r));
        return r;
}

int vault_read(const char *path, enum vault_trust trust, char *to, struct str *ret_text,
               char why[VAULT_WHY_MAX])
{
        int fd = open_file(path, trust, why), r;
        size_t n = 0;
        ssize_t got = 1;

        if (fd < 0)
                return fd;
        r = check_file(fd, path, trust, why);
        while (r == 0 && n < VAULT_FILE_MAX && got > 0) {
                got = read(fd, to + n, VAULT_FILE_MAX - n);
                if (got > 0)
                        n += (size_t)got;
        }
        if (r == 0 && got < 0)
                r = vault_refuse(why, -errno, "the key file %s cannot be read", path);
        if (r == 0 && n == VAULT_FILE_MAX)
                r = vault_refuse(why, -EINVAL, "the key file %s is too long to be a key", path);
        close(fd);
        while (n > 0 && strchr(" \t\r\n", to[n - 1]))
                --n;
        *ret_text = str_from(to, n);
        return r;
}
