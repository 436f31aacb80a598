#include "sign/signer.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>

/* All that must not be seen, in pages of its own. */
struct vault {
        char secret[SIGNER_KEY_MAX];
        size_t n_secret;
        char file[VAULT_FILE_MAX]; /* while it is read */
};

struct signer {
        char api_key[SIGNER_KEY_MAX];
        struct vault *vault;
        EVP_PKEY *key; /* RSA or Ed25519; NULL: HMAC */
};

/* A key's or secret's text: visible characters only, so that it can stand in a header. */
static int take_text(struct str text, const char *name, char *to, char *why)
{
        if (text.n == 0)
                return vault_refuse(why, -EINVAL, "%s is empty", name);
        for (size_t i = 0; i < text.n; ++i)
                if (text.p[i] <= ' ' || text.p[i] > '~')
                        return vault_refuse(why, -EINVAL,
                                            "%s holds a blank or a character that no key has",
                                            name);
        if (!str_copy(text, to, SIGNER_KEY_MAX))
                return vault_refuse(why, -EINVAL, "%s is too long to be a key", name);
        return 0;
}

static const char *environment(const char *name)
{
        const char *value = getenv(name);

        return value && value[0] ? value : NULL;
}

/* @value, else the file, else the variable, else the file that the variable names. @what: of
 * vault_read(). */
static int find_text(struct vault *vault, const char *what, const char *value, const char *file,
                     const char *name, char *to, char *why)
{
        char file_name[64];
        struct str text = STR_NULL;
        int r = 0;

        snprintf(file_name, sizeof(file_name), "%s_FILE", name);
        if (!value && !file) {
                value = environment(name);
                file = value ? NULL : environment(file_name);
        }
        if (value)
                return take_text(str_of(value), name, to, why);
        if (!file)
                return 0;
        r = vault_read(what, file, VAULT_OWN, vault->file, &text, why);
        if (r == 0)
                r = take_text(text, file, to, why);
        OPENSSL_cleanse(vault->file, sizeof(vault->file));
        return r;
}

/* Instead of OpenSSL asking at the terminal for the passphrase. */
static int no_passphrase(char *buffer, int size, int is_writing, void *ctx)
{
        (void)buffer;
        (void)size;
        (void)is_writing;
        (void)ctx;
        return -1;
}

/* @text: PEM, out of the file @path. */
static int take_private_key(struct signer *s, struct str text, const char *path, char *why)
{
        BIO *bio = BIO_new_mem_buf(text.p, (int)text.n);
        int kind;

        s->key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
        BIO_free(bio);
        if (!s->key)
                return vault_refuse(why, -EINVAL,
                                    "the file %s holds no private key in PEM, or one with a "
                                    "passphrase; write one with openssl genpkey",
                                    path);
        kind = EVP_PKEY_get_base_id(s->key);
        if (kind != EVP_PKEY_RSA && kind != EVP_PKEY_ED25519)
                return vault_refuse(why, -EINVAL,
                                    "the key in %s is neither RSA nor Ed25519, which Binance takes",
                                    path);
        if (kind == EVP_PKEY_RSA && EVP_PKEY_get_bits(s->key) > 4096)
                return vault_refuse(why, -EINVAL, "the RSA key in %s has more than 4096 bits",
                                    path);
        return 0;
}

static int read_private_key(struct signer *s, const char *path, char *why)
{
        struct str text = STR_NULL;
        int r = vault_read("private key", path, VAULT_OWN, s->vault->file, &text, why);

        if (r == 0)
                r = take_private_key(s, text, path, why);
        OPENSSL_cleanse(s->vault->file, sizeof(s->vault->file));
        return r;
}

static int read_keys(struct signer *s, const struct signer_source *source, char *why)
{
        const char *pem = source->private_key_file;
        bool wants_secret = source->api_secret || source->api_secret_file;
        int r = find_text(s->vault, "key", source->api_key, source->api_key_file, "BINANCE_API_KEY",
                          s->api_key, why);

        if (r < 0)
                return r;
        if (pem && wants_secret)
                return vault_refuse(why, -EINVAL,
                                    "a secret and the private key %s: name one of them", pem);
        if (!pem && !wants_secret)
                pem = environment("BINANCE_PRIVATE_KEY_FILE");
        if (pem)
                r = read_private_key(s, pem, why);
        else
                r = find_text(s->vault, "secret", source->api_secret, source->api_secret_file,
                              "BINANCE_API_SECRET", s->vault->secret, why);
        s->vault->n_secret = strlen(s->vault->secret);
        if (r == 0 && !s->api_key[0] && (s->key || s->vault->n_secret > 0))
                return vault_refuse(
                        why, -EINVAL,
                        "there is something to sign with, but no API key; set %s or name its "
                        "file",
                        "BINANCE_API_KEY");
        return r;
}

static struct signer *signer_new(char *why)
{
        struct signer *s = calloc(1, sizeof(*s));

        if (s)
                s->vault = vault_new(sizeof(*s->vault));
        if (s && s->vault)
                return s;
        free(s);
        vault_refuse(why, -ENOMEM, "%s", "no memory for keys");
        return NULL;
}

int signer_open(const struct signer_source *source, struct signer **ret_signer,
                char ret_why[SIGNER_WHY_MAX])
{
        struct signer *s;
        int r;

        ret_why[0] = '\0';
        *ret_signer = NULL;
        s = signer_new(ret_why);
        if (!s)
                return -ENOMEM;
        r = read_keys(s, source, ret_why);
        if (r < 0 || !s->api_key[0]) {
                signer_close(s);
                return r;
        }
        *ret_signer = s;
        return 0;
}

static int read_key(struct signer *s, const char *path, char *why)
{
        struct str text = STR_NULL;
        int r = vault_read("key", path, VAULT_STRICT, s->vault->file, &text, why);

        return r == 0 ? take_text(text, path, s->api_key, why) : r;
}

/* A secret's text, or a private key in PEM: what the file holds says which. */
static int read_either(struct signer *s, const char *path, char *why)
{
        struct str text = STR_NULL;
        int r = vault_read("secret", path, VAULT_STRICT, s->vault->file, &text, why);

        if (r == 0 && str_has_prefix(text, STR_LITERAL("-----BEGIN")))
                r = take_private_key(s, text, path, why);
        else if (r == 0)
                r = take_text(text, path, s->vault->secret, why);
        s->vault->n_secret = strlen(s->vault->secret);
        return r;
}

int signer_open_files(const char *key_file, const char *secret_file, struct signer **ret_signer,
                      char ret_why[SIGNER_WHY_MAX])
{
        struct signer *s;
        int r;

        ret_why[0] = '\0';
        *ret_signer = NULL;
        s = signer_new(ret_why);
        if (!s)
                return -ENOMEM;
        r = read_key(s, key_file, ret_why);
        if (r == 0)
                r = read_either(s, secret_file, ret_why);
        OPENSSL_cleanse(s->vault->file, sizeof(s->vault->file));
        if (r < 0) {
                signer_close(s);
                return r;
        }
        *ret_signer = s;
        return 0;
}

int signer_try_file(const char *path, bool is_secret, char ret_why[SIGNER_WHY_MAX])
{
        struct signer *s = signer_new(ret_why);
        int r;

        if (!s)
                return -ENOMEM;
        r = is_secret ? read_either(s, path, ret_why) : read_key(s, path, ret_why);
        signer_close(s);
        return r;
}

struct signer *signer_close(struct signer *s)
{
        if (!s)
                return NULL;
        EVP_PKEY_free(s->key);
        vault_free(s->vault, sizeof(*s->vault));
        OPENSSL_cleanse(s, sizeof(*s));
        free(s);
        return NULL;
}

struct str signer_api_key(const struct signer *s)
{
        return s ? str_of(s->api_key) : STR_NULL;
}

const char *signer_kind(const struct signer *s)
{
        if (s->key)
                return EVP_PKEY_get_base_id(s->key) == EVP_PKEY_RSA ? "rsa" : "ed25519";
        return s->vault->n_secret > 0 ? "hmac" : "none";
}

static int sign_hex(const struct signer *s, struct str payload, char *to)
{
        unsigned char mac[EVP_MAX_MD_SIZE];
        unsigned n = 0;

        if (!HMAC(EVP_sha256(), s->vault->secret, (int)s->vault->n_secret,
                  (const unsigned char *)payload.p, payload.n, mac, &n))
                return -EIO;
        for (unsigned i = 0; i < n; ++i)
                snprintf(to + 2 * i, 3, "%02x", mac[i]);
        return 0;
}

/* Base64, with what a query cannot hold escaped. */
static int put_base64(const unsigned char *bytes, size_t n, char *to)
{
        unsigned char text[SIGNER_TEXT_MAX / 3 + 1];
        char *at = to;

        must(n <= 512);
        EVP_EncodeBlock(text, bytes, (int)n);
        for (size_t i = 0; text[i]; ++i) {
                const char *escaped = text[i] == '+'   ? "%2B"
                                      : text[i] == '/' ? "%2F"
                                      : text[i] == '=' ? "%3D"
                                                       : NULL;

                if (escaped) {
                        memcpy(at, escaped, 3);
                        at += 3;
                } else {
                        *at++ = (char)text[i];
                }
        }
        *at = '\0';
        return 0;
}

static int sign_base64(const struct signer *s, struct str payload, char *to)
{
        const EVP_MD *digest = EVP_PKEY_get_base_id(s->key) == EVP_PKEY_RSA ? EVP_sha256() : NULL;
        EVP_MD_CTX *ctx = EVP_MD_CTX_new();
        unsigned char bytes[512];
        size_t n = sizeof(bytes);
        bool is_done =
                ctx && EVP_DigestSignInit(ctx, NULL, digest, NULL, s->key) == 1 &&
                EVP_DigestSign(ctx, bytes, &n, (const unsigned char *)payload.p, payload.n) == 1;

        EVP_MD_CTX_free(ctx);
        return is_done ? put_base64(bytes, n, to) : -EIO;
}

int signer_sign(const struct signer *s, struct str payload, char ret_text[SIGNER_TEXT_MAX])
{
        if (s->key)
                return sign_base64(s, payload, ret_text);
        if (s->vault->n_secret == 0)
                return -ENOKEY;
        return sign_hex(s, payload, ret_text);
}
