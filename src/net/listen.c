#include "net/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* The kernel cuts it to net.core.somaxconn. */
#define LISTEN_BACKLOG 4096
/* Most connections taken in one turn, so that a flood of them does not starve those who are in. */
#define LISTEN_TURN 64
/* Without free descriptors the callers wait in the backlog; how soon to look again. */
#define LISTEN_PAUSE_US (100 * US_PER_MS)

struct listener {
        struct loop *loop;
        struct loop_watch *watch;
        struct loop_timer *again;
        struct address address;
        int fd;
        bool has_path; /* bound; dev and ino are the socket's */
        dev_t dev;
        ino_t ino;
        listen_fn fn;
        void *ctx;
};

static const char *path_of(const struct address *address)
{
        return ((const struct sockaddr_un *)&address->socket)->sun_path;
}

static void accept_some(struct listener *l)
{
        for (unsigned i = 0; i < LISTEN_TURN; ++i) {
                int fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

                if (fd >= 0) {
                        l->fn(l->ctx, fd);
                        if (l->fd < 0)
                                return; /* closed by the callback */
                        continue;
                }
                if (errno == EAGAIN)
                        return;
                if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
                        loop_timer_set(l->again, loop_now_us(l->loop) + LISTEN_PAUSE_US);
                        return;
                }
                /* What is left concerns the one connection that was to be accepted: it is gone. */
        }
        loop_timer_set(l->again,
                       loop_now_us(l->loop)); /* the edge is used up: come back by oneself */
}

static void on_edge(void *ctx, unsigned what)
{
        (void)what;
        accept_some(ctx);
}

static void on_again(void *ctx)
{
        accept_some(ctx);
}

/* Return: 0 when nothing is in the way any more. */
static int clear_path(const struct address *address)
{
        const char *path = path_of(address);
        struct stat st;
        int fd, r;

        if (lstat(path, &st) < 0)
                return errno == ENOENT ? 0 : -errno;
        if (!S_ISSOCK(st.st_mode))
                return -ENOTSOCK;
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -errno;
        r = connect(fd, (const struct sockaddr *)&address->socket, address->length);
        r = r == 0 ? 0 : -errno;
        close(fd);
        if (r == 0 || r == -EAGAIN) /* -EAGAIN: alive, with a full backlog */
                return -EADDRINUSE;
        if (r != -ECONNREFUSED)
                return r;
        return unlink(path) == 0 || errno == ENOENT ? 0 : -errno;
}

static int bind_path(struct listener *l, unsigned mode)
{
        struct stat st;
        mode_t mask;
        int r;

        r = clear_path(&l->address);
        if (r < 0)
                return r;
        /* By the mask, since a chmod() afterwards would leave a moment for others. */
        mask = umask(~mode & 0777);
        r = bind(l->fd, (const struct sockaddr *)&l->address.socket, l->address.length);
        r = r == 0 ? 0 : -errno;
        umask(mask);
        if (r < 0)
                return r;
        if (lstat(path_of(&l->address), &st) == 0) {
                l->has_path = true;
                l->dev = st.st_dev;
                l->ino = st.st_ino;
        }
        return 0;
}

static int bind_tcp(struct listener *l)
{
        int one = 1;

        if (setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
            bind(l->fd, (const struct sockaddr *)&l->address.socket, l->address.length) < 0)
                return -errno;
        l->address.length = sizeof(l->address.socket);
        if (getsockname(l->fd, (struct sockaddr *)&l->address.socket, &l->address.length) < 0)
                return -errno;
        return 0;
}

static int open_socket(struct listener *l, unsigned unix_mode)
{
        int family = l->address.socket.ss_family, r;

        l->fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (l->fd < 0)
                return -errno;
        r = family == AF_UNIX ? bind_path(l, unix_mode) : bind_tcp(l);
        if (r < 0)
                return r;
        return listen(l->fd, LISTEN_BACKLOG) == 0 ? 0 : -errno;
}

static int option_of(int fd, int option, int *ret)
{
        socklen_t length = sizeof(*ret);

        return getsockopt(fd, SOL_SOCKET, option, ret, &length) == 0 ? 0 : -errno;
}

/* Whatever another program handed over may be anything. */
static int take_socket(struct listener *l)
{
        int type = 0, is_listening = 0, flags, r;

        r = option_of(l->fd, SO_TYPE, &type);
        if (r == 0)
                r = option_of(l->fd, SO_ACCEPTCONN, &is_listening);
        if (r < 0)
                return r;
        l->address.length = sizeof(l->address.socket);
        if (getsockname(l->fd, (struct sockaddr *)&l->address.socket, &l->address.length) < 0)
                return -errno;
        if (type != SOCK_STREAM || !is_listening ||
            (l->address.socket.ss_family != AF_INET && l->address.socket.ss_family != AF_INET6 &&
             l->address.socket.ss_family != AF_UNIX))
                return -EINVAL;
        flags = fcntl(l->fd, F_GETFL);
        if (flags < 0 || fcntl(l->fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
            fcntl(l->fd, F_SETFD, FD_CLOEXEC) < 0)
                return -errno;
        return 0;
}

static struct listener *listener_new(struct loop *loop, int fd, listen_fn fn, void *ctx)
{
        struct listener *l = calloc(1, sizeof(*l));

        if (!l)
                return NULL;
        l->fd = fd;
        l->loop = loop;
        l->fn = fn;
        l->ctx = ctx;
        return l;
}

/* @r: how its socket was had. */
static int listener_start(struct listener *l, int r, struct listener **ret_listener)
{
        if (r == 0)
                r = loop_timer_new(l->loop, on_again, l, &l->again);
        if (r == 0)
                r = loop_watch(l->loop, l->fd, on_edge, l, &l->watch);
        if (r < 0) {
                listen_close(l);
                return r;
        }
        *ret_listener = l;
        return 0;
}

int listen_open(struct loop *loop, struct str where, unsigned unix_mode, listen_fn fn, void *ctx,
                struct listener **ret_listener)
{
        struct listener *l = listener_new(loop, -1, fn, ctx);
        int r;

        if (!l)
                return -ENOMEM;
        r = address_parse(where, &l->address);
        if (r == 0)
                r = open_socket(l, unix_mode);
        return listener_start(l, r, ret_listener);
}

int listen_adopt(struct loop *loop, int fd, listen_fn fn, void *ctx, struct listener **ret_listener)
{
        struct listener *l = listener_new(loop, fd, fn, ctx);

        if (!l) {
                close(fd);
                return -ENOMEM;
        }
        return listener_start(l, take_socket(l), ret_listener);
}

const struct address *listen_address(const struct listener *l)
{
        return &l->address;
}

struct listener *listen_close(struct listener *l)
{
        struct stat st;

        if (!l)
                return NULL;
        l->watch = loop_unwatch(l->watch);
        l->again = loop_timer_free(l->again);
        if (l->has_path && lstat(path_of(&l->address), &st) == 0 && st.st_dev == l->dev &&
            st.st_ino == l->ino)
                unlink(path_of(&l->address));
        if (l->fd >= 0)
                close(l->fd);
        l->fd = -1;
        loop_bury(l->loop, l, free);
        return NULL;
}
