/*
 * Tokens
 *
 * What programs prove themselves with: a file with one token a line, at least 32 characters each.
 * Only their hashes are kept, and comparing takes the same time whatever is offered, so that
 * neither memory nor the clock gives one away.
 */
#ifndef SIGN_TOKENS_H
#define SIGN_TOKENS_H

#include "base/base.h"
#include "base/str.h"
#include "sign/vault.h"

struct tokens;

/* More programs than one account has; each may have its own, so that one can be taken away. */
#define TOKENS_MAX      64
#define TOKEN_BYTES_MIN 32
#define TOKEN_BYTES_MAX 256

/**
 * tokens_open() - read a file of tokens
 *
 * Empty lines and lines that begin with '#' are passed over.
 *
 * Return: 0, or a negative errno with *ret_why written; it never holds a token.
 */
CHECKED int tokens_open(const char *path, struct tokens **ret_tokens, char ret_why[VAULT_WHY_MAX]);
/* Accepts NULL. Return: NULL. */
struct tokens *tokens_close(struct tokens *tokens);

size_t tokens_count(const struct tokens *tokens);
bool tokens_have(const struct tokens *tokens, struct str token);
/* Which one it is, from 1 in the order of the file; 0: none. */
size_t tokens_find(const struct tokens *tokens, struct str token);
/* The same ones in the same order. Each may be NULL. */
bool tokens_are_equal(const struct tokens *a, const struct tokens *b);
/* Which one of @now number @number of @before is; 0: it is not there any more. */
size_t tokens_moved(const struct tokens *before, size_t number, const struct tokens *now);

#endif
