/*
 * URLs of stores
 *
 *      redis://[USER:PASSWORD@]HOST[:PORT][/DB]          rediss:// with TLS
 *      unix:///PATH
 *      redis+sentinel://[USER:PASSWORD@]HOST[:PORT][,HOST[:PORT]...]/MASTER     rediss+sentinel://
 *
 * and behind a '?', joined by '&': name= (of the books), replicas= (that must have what is
 * granted), db=. User and password may be percent-encoded. What is wrong is said without showing
 * either.
 */
#ifndef LEASE_STORE_URL_H
#define LEASE_STORE_URL_H

#include "base/base.h"
#include "base/str.h"
#include "lease/op.h"

#define STORE_HOST_SIZE   254
#define STORE_PATH_SIZE   108 /* what fits into sockaddr_un.sun_path */
#define STORE_WORD_SIZE   64  /* of users, names of books and of masters */
#define STORE_SECRET_SIZE 512
#define STORE_HOSTS_MAX   16
#define STORE_URL_MAX     4096
/* The longest text of store_url_text(). */
#define STORE_TEXT_SIZE 512
/* More are no store for this. */
#define STORE_REPLICAS_MAX 8
#define STORE_DB_MAX       1023

struct store_host {
        char name[STORE_HOST_SIZE]; /* or digits; IPv6 without brackets */
        uint16_t port;
};

struct store_url {
        bool is_tls, is_unix, is_sentinel;
        struct store_host hosts[STORE_HOSTS_MAX]; /* one, or the sentinels; none for unix */
        size_t n_hosts;
        char path[STORE_PATH_SIZE];
        char master[STORE_WORD_SIZE];
        char user[STORE_WORD_SIZE];       /* "": Redis's default user */
        char password[STORE_SECRET_SIZE]; /* wipe it when it is no longer needed */
        char name[STORE_WORD_SIZE];       /* "": not said */
        uint32_t db;
        uint32_t replicas; /* with a sentinel 1, unless said */
};

/* Return: 0, or -EINVAL with @why. */
CHECKED int store_url_parse(struct str text, struct store_url *ret, char why[OP_WHY_SIZE]);

/* Without user and password; cut to STORE_TEXT_SIZE. Return: @to. */
const char *store_url_text(const struct store_url *url, char to[STORE_TEXT_SIZE]);

/* What books, hosts and addresses may be called: letters, digits and ". _ -", 63 at most. */
CHECKED bool store_is_name(struct str text);

#endif
