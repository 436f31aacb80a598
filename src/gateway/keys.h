/*
 * Keys
 *
 * The accounts whose API key and secret this gateway holds, read from their files at the start and
 * at each reload, and kept in memory only. While there are any, the process leaves no core dump
 * and lets no other process of the user look into it.
 */
#ifndef GATEWAY_KEYS_H
#define GATEWAY_KEYS_H

#include "base/base.h"
#include "gateway/proof.h"
#include "settings/settings.h"
#include "sign/signer.h"

struct credential {
        char name[SETTINGS_NAME_SIZE]; /* the account's, as clients name it */
        struct signer *signer;
        struct proof_clients clients;
};

struct keys {
        size_t n;
        struct credential all[SETTINGS_CREDENTIALS_MAX];
};

/**
 * keys_open() - read the files that @settings names
 *
 * Every mistake is told on stderr, with the file and what to do; nothing is kept then.
 *
 * Return: 0 with *ret_keys, which is NULL when no account has keys here; -EINVAL after a mistake;
 *         -ENOMEM.
 */
CHECKED int keys_open(const struct settings *settings, struct keys **ret_keys);
/* Wipes. Accepts NULL. Return: NULL. */
struct keys *keys_close(struct keys *keys);

/* Return: NULL when none of that name is held. @keys may be NULL. */
const struct credential *keys_find(const struct keys *keys, struct str name);

/* Hides the process for as long as @keys is not NULL. */
void keys_hide(const struct keys *keys);

/* Says in the log what is held: names and kinds. */
void keys_tell(const struct keys *keys);

#endif
