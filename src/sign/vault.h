/*
 * Vault
 *
 * Where what must not be seen is kept, and the files that it is read from. A vault is pages of
 * their own: locked, left out of core dumps, wiped when they go.
 */
#ifndef SIGN_VAULT_H
#define SIGN_VAULT_H

#include "base/base.h"
#include "base/str.h"

/* Room for a sentence on what is wrong with a file, and what to do. */
#define VAULT_WHY_MAX 512
/* Largest file that is taken for a key. */
#define VAULT_FILE_MAX 16384

/* Zeroed. Return: NULL without memory. */
void *vault_new(size_t bytes);
/* Wipes. Accepts NULL. */
void vault_free(void *vault, size_t bytes);

enum vault_trust {
        VAULT_OWN,    /* the file is ours or root's, and nobody else may read it */
        VAULT_STRICT, /* the same; it is no symbolic link, and may be run by nobody either */
};

/**
 * vault_read() - the whole of a file
 * @what:     what is in it, for @ret_why: "key", "secret", "token", ...
 * @to:       VAULT_FILE_MAX bytes, in a vault
 * @ret_text: a view into @to, without blanks and line ends at its end
 * @ret_why:  which file, what is wrong with it, and what to do; never a part of what is in it
 *
 * Return: 0; -EACCES: open to others, or another's; -EINVAL: no file, or too long to be a key;
 *         -ELOOP: a link; or another errno.
 */
CHECKED int vault_read(const char *what, const char *path, enum vault_trust trust, char *to,
                       struct str *ret_text, char ret_why[VAULT_WHY_MAX]);

/* Writes @format, a literal with one %s, into @why. Return: @error. */
int vault_refuse(char why[VAULT_WHY_MAX], int error, const char *format, const char *what);

#endif
