#include "lease/store_words.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct {
        const char *prefix, *words;
} refusals[] = {
        { "NOAUTH", "it wants a password: name a file with it (store.password_file)" },
        { "WRONGPASS",
          "user or password is wrong: see store.password_file and the user in the URL" },
        { "ERR invalid password", "the password is wrong: see store.password_file" },
        { "ERR Client sent AUTH", "it has no password, but one is configured: leave it out" },
        { "ERR AUTH", "it has no password, but one is configured: leave it out" },
        { "NOPERM", "its user may not do that: allow the commands, the key and the channel that "
                    "docs/hosts.md lists (ACL SETUSER)" },
        { "READONLY",
          "it is a replica, where nothing can be written: name the master, or sentinels" },
        { "LOADING", "it is still loading its data" },
        { "MASTERDOWN", "it is a replica whose master is down: name the master, or sentinels" },
        { "NOREPLICAS", "too few replicas are connected for it to write (min-replicas-to-write)" },
        { "OOM",
          "its memory is full (maxmemory): raise it, or give the books a store of their own" },
        { "MISCONF", "it does not write, for it cannot save to its disk" },
        { "CLUSTERDOWN", "its cluster is down" },
        { "TRYAGAIN", "its cluster is moving the key just now" },
        { "ASK", "its cluster is moving the key just now" },
        { "BUSY", "it is busy with somebody's script that does not end" },
        { "WRONGTYPE", "the key is there and is not ours: choose another store.name" },
        { "DENIED",
          "it is in protected mode: give it a password, or bind it to a private address" },
        { "ERR max number of clients", "it has as many clients as it takes (maxclients)" },
        { "ERR DB index", "it has no database of that number" },
        { "ERR SELECT is not allowed", "a cluster has one database only: leave db out" },
        { "ERR unknown command", "it does not know a command that is needed: Redis 6, Valkey or "
                                 "newer; renamed commands do not work" },
        { "ERR No such master", "the sentinel does not know a master of that name" },
};

/* The first @n characters of what a server said, harmless on a terminal. */
static void copy_harmless(struct str reply, char *to, size_t n)
{
        size_t i = 0;

        for (; i < reply.n && i + 1 < n; ++i)
                to[i] = reply.p[i] >= ' ' && reply.p[i] <= '~' ? reply.p[i] : '?';
        to[i] = '\0';
}

const char *store_words(struct str reply, const char *command, char *to, size_t size)
{
        bool is_secret = strcmp(command, "AUTH") == 0;
        char said[120];

        copy_harmless(reply, said, sizeof(said));
        for (size_t i = 0; i < ARRAY_SIZE(refusals); ++i) {
                if (!str_has_prefix_nocase(reply, str_of(refusals[i].prefix)))
                        continue;
                if (is_secret)
                        snprintf(to, size, "%s", refusals[i].words);
                else
                        snprintf(to, size, "%s (%s: %s)", refusals[i].words, command, said);
                return to;
        }
        if (is_secret)
                snprintf(to, size, "it refused user and password");
        else
                snprintf(to, size, "it refused %s: %s", command, said);
        return to;
}

int store_moved(struct str reply, char *host, size_t size, uint16_t *ret_port)
{
        struct str rest = reply, word, place;
        const char *colon;
        uint64_t port;

        if (!str_split(&rest, ' ', &word) || !str_eq(word, STR_LITERAL("MOVED")) ||
            !str_split(&rest, ' ', &word) || !str_split(&rest, ' ', &place))
                return -EINVAL;
        colon = memrchr(place.p, ':', place.n);
        if (!colon || colon == place.p)
                return -EINVAL;
        if (str_to_u64(str_from(colon + 1, place.n - (size_t)(colon - place.p) - 1), &port) < 0 ||
            port == 0 || port > UINT16_MAX ||
            !str_copy(str_from(place.p, (size_t)(colon - place.p)), host, size))
                return -EINVAL;
        *ret_port = (uint16_t)port;
        return 0;
}
