/*
 * Signer
 *
 * The account's keys, and signatures with them: HMAC-SHA256 with a secret, RSA (PKCS#1 v1.5 with
 * SHA-256) or Ed25519 with a private key. A secret lives in one locked page that no core dump
 * shows and that is wiped; private keys are OpenSSL's, which wipes its own. Neither is ever
 * printed, nor named in an error.
 */
#ifndef SIGN_SIGNER_H
#define SIGN_SIGNER_H

#include "base/base.h"
#include "base/str.h"
#include "sign/vault.h"

struct signer;

/* Where the keys are. A missing member is looked for in the environment. */
struct signer_source {
        const char *api_key, *api_key_file;       /* else BINANCE_API_KEY, BINANCE_API_KEY_FILE */
        const char *api_secret, *api_secret_file; /* else BINANCE_API_SECRET, ..._FILE */
        const char *private_key_file;             /* PEM; else BINANCE_PRIVATE_KEY_FILE */
};

/* Longest key and secret: Binance's have 64 characters. */
#define SIGNER_KEY_MAX 256
/* Room for any signature as it goes into a query: that of RSA with 4096 bits, escaped. */
#define SIGNER_TEXT_MAX 2304
#define SIGNER_WHY_MAX  VAULT_WHY_MAX

/**
 * signer_open() - read the keys
 * @ret_signer: NULL when there is no key at all: only public requests are possible then
 * @ret_why:    what is wrong with which file or variable, and what to do; never the key
 *
 * Return: 0; -EACCES: a file that others may read; -EINVAL: not a key, half a pair, or two ways
 *         to sign; or another errno.
 */
CHECKED int signer_open(const struct signer_source *source, struct signer **ret_signer,
                        char ret_why[SIGNER_WHY_MAX]);

/**
 * signer_open_files() - the same from two files, and from nowhere else
 * @key_file:    the API key
 * @secret_file: the secret's text, or a private key in PEM (RSA, Ed25519)
 *
 * Stricter: no file may be a symbolic link.
 *
 * Return: as signer_open(); -ELOOP: a link.
 */
CHECKED int signer_open_files(const char *key_file, const char *secret_file,
                              struct signer **ret_signer, char ret_why[SIGNER_WHY_MAX]);

/**
 * signer_try_file() - is one of those two files good, whatever the other is?
 * @is_secret: it is the secret_file, else the key_file
 *
 * Return: as signer_open_files().
 */
CHECKED int signer_try_file(const char *path, bool is_secret, char ret_why[SIGNER_WHY_MAX]);

/* Wipes. Accepts NULL. Return: NULL. */
struct signer *signer_close(struct signer *signer);

struct str signer_api_key(const struct signer *signer);

/* "hmac", "rsa", "ed25519", or "none" for a key without a secret */
const char *signer_kind(const struct signer *signer);

/**
 * signer_sign() - the signature of @payload, escaped for a query
 *
 * Return: 0; -ENOKEY: there is an API key but nothing to sign with; or a negative errno.
 */
CHECKED int signer_sign(const struct signer *signer, struct str payload,
                        char ret_text[SIGNER_TEXT_MAX]);

#endif
