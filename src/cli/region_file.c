#include "cli/region_file.h"

#include "cli/look.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/*
 * Word by word, so that each is the old one or the new one, as its readers have it: read() does not
 * promise that. Programs never shorten a file that is finished.
 */
static void copy_words(void *to, const void *from, size_t bytes)
{
        uint64_t *words = to;
        const word_t *seen = from;
        size_t n = bytes / sizeof(*words);

        for (size_t i = 0; i < n; ++i)
                words[i] = atomic_load_explicit(&seen[i], memory_order_relaxed);
        memcpy((char *)to + n * sizeof(*words), (const char *)from + n * sizeof(*words),
               bytes % sizeof(*words));
}

static int copy(struct region_file *f, int fd, const char *path)
{
        void *base;

        memset(f->region.header, 0, REGION_BYTES);
        f->bytes = f->stat.st_size < (off_t)REGION_BYTES ? (size_t)f->stat.st_size : REGION_BYTES;
        if (f->bytes == 0)
                return 0;
        base = mmap(NULL, f->bytes, PROT_READ, MAP_SHARED, fd, 0);
        if (base == MAP_FAILED) {
                fprintf(stderr, "weir: region %s: cannot map it: %s\n", path, strerror(errno));
                return -errno;
        }
        copy_words(f->region.header, base, f->bytes);
        munmap(base, f->bytes);
        return 0;
}

/* Whoever has a region mapped holds a file lock; the kernel lists them all. */
static void find_users(struct region_file *f)
{
        FILE *locks = fopen("/proc/locks", "re");
        char line[256];

        f->n_users = 0;
        while (locks && f->n_users < REGION_USERS_MAX && fgets(line, sizeof(line), locks)) {
                unsigned major, minor;
                unsigned long long inode;
                int pid;

                /* NOLINTNEXTLINE(cert-err34-c): what does not fit is another line */
                if (sscanf(line, "%*d: FLOCK %*s %*s %d %x:%x:%llu", &pid, &major, &minor,
                           &inode) == 4 &&
                    inode == f->stat.st_ino && makedev(major, minor) == f->stat.st_dev)
                        f->users[f->n_users++] = pid > 0 ? pid : 0;
        }
        if (locks)
                (void)fclose(locks);
}

static enum region_state state_of(const struct region_file *f)
{
        const struct region_header *h = f->region.header;
        uint64_t magic = atomic_load_explicit(&f->region.header->magic, memory_order_relaxed);
        bool is_ours = h->version == REGION_VERSION && h->header_bytes == REGION_HEADER_BYTES &&
                       h->slot_bytes == sizeof(struct slot) && h->n_slots == REGION_SLOTS &&
                       h->total_bytes == REGION_BYTES;

        if (f->bytes == 0 || (magic == 0 && f->bytes >= sizeof(magic) && !is_ours))
                return REGION_UNFINISHED;
        if (!is_ours)
                return magic == REGION_MAGIC ? REGION_VERSION_OTHER : REGION_FOREIGN;
        if (magic == 0)
                return REGION_UNFINISHED;
        if (f->stat.st_size != (off_t)REGION_BYTES)
                return f->stat.st_size < (off_t)REGION_BYTES ? REGION_CUT : REGION_LONG;
        return REGION_GOOD;
}

int region_file_renew(struct region_file *f, const char *path)
{
        struct region_error error;
        int fd = region_open_file(path, O_RDONLY, &f->stat, &error), r;

        if (fd < 0) {
                look_complain(fd, &error);
                return fd;
        }
        r = copy(f, fd, path);
        close(fd);
        if (r < 0)
                return r;
        f->has_magic = atomic_load_explicit(&f->region.header->magic, memory_order_relaxed) ==
                       REGION_MAGIC;
        f->state = state_of(f);
        find_users(f);
        return 0;
}

int region_file_read(struct region_file *f, const char *path)
{
        char *memory = calloc(1, REGION_BYTES);
        int r;

        must(memory);
        region_lay(&f->region, memory);
        r = region_file_renew(f, path);
        if (r < 0)
                region_file_deinit(f);
        return r;
}

void region_file_deinit(struct region_file *f)
{
        free(f->region.header);
        *f = REGION_FILE_NULL;
}

size_t region_file_slots(const struct region_file *f)
{
        size_t n = f->bytes > REGION_HEADER_BYTES ? f->bytes - REGION_HEADER_BYTES : 0;

        n /= sizeof(struct slot);
        return n < REGION_SLOTS ? n : REGION_SLOTS;
}

const char *region_state_name(enum region_state state)
{
        static const char *const names[] = {
                [REGION_GOOD] = "good",       [REGION_UNFINISHED] = "unfinished",
                [REGION_FOREIGN] = "foreign", [REGION_VERSION_OTHER] = "other version",
                [REGION_CUT] = "cut short",   [REGION_LONG] = "too long",
        };

        must((unsigned)state < ARRAY_SIZE(names));
        return names[state];
}

void region_file_say(const struct region_file *f, char *to, size_t size)
{
        const struct region_header *h = f->region.header;

        to[0] = '\0';
        switch (f->state) {
        case REGION_GOOD:
                if (!f->has_magic)
                        snprintf(to, size,
                                 "the magic is damaged, the certificate behind it is ours: every "
                                 "program refuses it; stop them all, move it away, and wait until "
                                 "the longest window has turned before you start them");
                break;
        case REGION_UNFINISHED:
                snprintf(to, size,
                         "%s: its creator is at it, or died; the next program that opens it builds "
                         "it, and nothing in it counts",
                         f->bytes == 0 ? "is empty" : "has no magic");
                break;
        case REGION_FOREIGN:
                snprintf(to, size,
                         "is no region of weir, or its first bytes are damaged: every program "
                         "refuses it and leaves it alone; move it away or name another region");
                break;
        case REGION_VERSION_OTHER:
                snprintf(to, size,
                         "is of version %u (header %u, slots %u of %u, %llu bytes), this weir "
                         "reads version %u (%zu bytes): stop the programs that use it and delete "
                         "it, or look with the weir that made it",
                         h->version, h->header_bytes, h->n_slots, h->slot_bytes,
                         (unsigned long long)h->total_bytes, REGION_VERSION, REGION_BYTES);
                break;
        case REGION_CUT:
                snprintf(to, size,
                         "is cut short: %lld bytes of %zu, slots from %zu on are missing: every "
                         "program refuses it; stop them all, delete it, and wait until the longest "
                         "window has turned before you start them",
                         (long long)f->stat.st_size, REGION_BYTES, region_file_slots(f));
                break;
        case REGION_LONG:
                snprintf(to, size,
                         "has %lld bytes more than the %zu of a region: every program refuses it; "
                         "nothing that weir does makes it longer",
                         (long long)f->stat.st_size - (long long)REGION_BYTES, REGION_BYTES);
                break;
        }
}
