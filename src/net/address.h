/*
 * Addresses
 *
 * Where a socket may connect or listen: IPv4, IPv6 or a unix path, from text and to text. No
 * names are looked up here (that is resolve.h), so nothing here waits.
 */
#ifndef NET_ADDRESS_H
#define NET_ADDRESS_H

#include "base/base.h"
#include "base/str.h"

#include <sys/socket.h>

/* Room for the text of any address, unix paths included. */
#define ADDRESS_TEXT_MAX 128
/* Most addresses of one name that are kept; an exchange's edge has about 4. */
#define ADDRESS_LIST_MAX 16

struct address {
        struct sockaddr_storage socket;
        socklen_t length;
};

struct address_list {
        struct address addresses[ADDRESS_LIST_MAX];
        size_t n;
};

/**
 * address_parse() - `127.0.0.1:8900`, `[::1]:8900`, `localhost:8900`, `*:8900` or `unix:PATH`
 *
 * `localhost` is 127.0.0.1, `*` and an empty host are all IPv4 addresses of this machine.
 *
 * Return: 0, -EINVAL for another form, a name or a port beyond 65535, -ENAMETOOLONG for a path.
 */
CHECKED int address_parse(struct str text, struct address *ret_address);

/* @path as a unix socket's. Return: 0, -EINVAL when empty, -ENAMETOOLONG. */
CHECKED int address_from_path(struct str path, struct address *ret_address);

/* @host as digits, with or without brackets round IPv6. Return: 0, -EINVAL for anything else. */
CHECKED int address_from_digits(struct str host, uint16_t port, struct address *ret_address);

/* In the form that address_parse() reads. Return: @to. */
const char *address_print(const struct address *address, char to[ADDRESS_TEXT_MAX]);

/* 0 for a unix path. */
uint16_t address_port(const struct address *address);

#endif
