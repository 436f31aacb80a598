/*
 * What a server of the store refuses, in words that say what to do.
 */
#ifndef LEASE_STORE_WORDS_H
#define LEASE_STORE_WORDS_H

#include "base/base.h"
#include "base/str.h"

/**
 * store_words() - a sentence on the error @reply of a server
 * @command: what was asked: "AUTH", ...
 *
 * Secrets are in none: of an answer to AUTH nothing is repeated, since a server may repeat ours.
 *
 * Return: @to.
 */
const char *store_words(struct str reply, const char *command, char *to, size_t size);

/* Where "MOVED 866 10.0.0.3:6380" points. Return: 0, -EINVAL for anything else. */
CHECKED int store_moved(struct str reply, char *host, size_t size, uint16_t *ret_port);

#endif
