#include "sign/vault.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdarg.h>
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

/* Which file it is, for sentences. */
struct paper {
        const char *what; /* "key", "secret", "token", ... */
        const char *path;
        char *why;
};

/* Return: @error. */
static int refuse_paper(const struct paper *p, int error, const char *format, ...) PRINTF(3, 4);

static int refuse_paper(const struct paper *p, int error, const char *format, ...)
{
        int n = snprintf(p->why, VAULT_WHY_MAX, "the %s file %s ", p->what, p->path);
        va_list args;

        va_start(args, format);
        if (n > 0 && n < VAULT_WHY_MAX)
                vsnprintf(p->why + n, VAULT_WHY_MAX - (size_t)n, format, args);
        va_end(args);
        return error;
}

/* Nobody but its owner may read it, and the owner is us or root. */
static int check_file(int fd, const struct paper *p, enum vault_trust trust)
{
        struct stat st;

        if (fstat(fd, &st) < 0)
                return refuse_paper(p, -errno, "cannot be looked at");
        if (!S_ISREG(st.st_mode))
                return refuse_paper(p, -EINVAL, "is not a file");
        if (st.st_uid != geteuid() && st.st_uid != 0)
                return refuse_paper(p, -EACCES, "belongs to another user; use one of your own");
        if (st.st_mode & (S_IRWXG | S_IRWXO))
                return refuse_paper(
                        p, -EACCES,
                        "is open to others; chmod 600 %s, and think of what is in it as known",
                        p->path);
        if (trust == VAULT_STRICT && (st.st_mode & (S_IXUSR | S_ISUID | S_ISGID | S_ISVTX)))
                return refuse_paper(p, -EACCES, "has mode 0%o; chmod 600 %s",
                                    (unsigned)st.st_mode & 07777, p->path);
        return 0;
}

static int open_file(const struct paper *p, enum vault_trust trust)
{
        /* A fifo would have us wait for who writes into it. */
        int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
        int fd = open(p->path, trust == VAULT_STRICT ? flags | O_NOFOLLOW : flags), r = -errno;

        if (fd >= 0)
                return fd;
        if (r == -ELOOP && trust == VAULT_STRICT)
                return refuse_paper(p, r,
                                    "is a symbolic link, which somebody may turn elsewhere; name "
                                    "the file itself");
        return refuse_paper(p, r, "cannot be opened: %s", strerror(-r));
}

static int read_file(const struct paper *p, enum vault_trust trust, char *to, struct str *ret_text)
{
        int fd = open_file(p, trust), r;
        size_t n = 0;
        ssize_t got = 1;

        if (fd < 0)
                return fd;
        r = check_file(fd, p, trust);
        while (r == 0 && n < VAULT_FILE_MAX && got > 0) {
                got = read(fd, to + n, VAULT_FILE_MAX - n);
                if (got > 0)
                        n += (size_t)got;
        }
        if (r == 0 && got < 0)
                r = refuse_paper(p, -errno, "cannot be read");
        if (r == 0 && n == VAULT_FILE_MAX)
                r = refuse_paper(p, -EINVAL, "is too long to be a %s", p->what);
        close(fd);
        while (n > 0 && strchr(" \t\r\n", to[n - 1]))
                --n;
        *ret_text = str_from(to, n);
        return r;
}

int vault_read(const char *what, const char *path, enum vault_trust trust, char *to,
               struct str *ret_text, char why[VAULT_WHY_MAX])
{
        return read_file(&(struct paper){ what, path, why }, trust, to, ret_text);
}
