#include "sign/signer.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Largest file that is taken for a key. */
#define FILE_MAX 16384

/* All that must not be seen, in pages of its own. */
struct vault {
        char secret[SIGNER_KEY_MAX];
        size_t n_secret;
        char file[FILE_MAX]; /* while it is read */
};

struct signer {
        char api_key[SIGNER_KEY_MAX];
        struct vault *vault;
        EVP_PKEY *key; /* RSA or Ed25519; NULL: HMAC */
};

static int refuse(char *why, int error, const char *format, const char *what)
{
        /* The formats are the literals of this file. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(why, SIGNER_WHY_MAX, format, what);
#pragma GCC diagnostic pop
        return error;
}

static struct vault *vault_new(void)
{
        void *p = mmap(NULL, sizeof(struct vault), PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (p == MAP_FAILED)
                return NULL;
        /* Both are precautions that a small limit or an old kernel may deny: then it works as
         * well, and is only less hidden from swap and core dumps. */
        (void)!mlock(p, sizeof(struct vault));
        (void)!madvise(p, sizeof(struct vault), MADV_DONTDUMP);
        return p;
}

static void vault_free(struct vault *vault)
{
        if (!vault)
                return;
        OPENSSL_cleanse(vault, sizeof(*vault));
        munmap(vault, sizeof(*vault));
}

/* Nobody but its owner may read it, and the owner is us or root. */
static int check_file(int fd, const char *path, char *why)
{
        struct stat st;

        if (fstat(fd, &st) < 0)
                return refuse(why, -errno, "the key file %s cannot be looked at", path);
        if (!S_ISREG(st.st_mode))
                return refuse(why, -EINVAL, "the key file %s is not a file", path);
        if (st.st_uid != geteuid() && st.st_uid != 0)
                return refuse(why, -EACCES,
                              "the key file %s belongs to another user; use one of your own", path);
        if (st.st_mode & (S_IRWXG | S_IRWXO))
                return refuse(why, -EACCES,
                              "the key file %s is open to others; chmod 600 it, and think of the "
                              "key as known",
                              path);
        return 0;
}

/* The whole of it into the vault, as a view without blanks at its end. */
static int read_file(struct vault *vault, const char *path, char *why, struct str *ret_text)
{
        int fd = open(path, O_RDONLY | O_CLOEXEC), r;
        size_t n = 0;
        ssize_t got = 1;

        if (fd < 0) {
                r = -errno;
                snprintf(why, SIGNER_WHY_MAX, "the key file %s cannot be opened: %s", path,
                         strerror(-r));
                return r;
        }
        r = check_file(fd, path, why);
        while (r == 0 && n < FILE_MAX && got > 0) {
                got = read(fd, vault->file + n, FILE_MAX - n);
                if (got > 0)
                        n += (size_t)got;
        }
        if (r == 0 && got < 0)
                r = refuse(why, -errno, "the key file %s cannot be read", path);
        if (r == 0 && n == FILE_MAX)
                r = refuse(why, -EINVAL, "the key file %s is too long to be a key", path);
        close(fd);
        while (n > 0 && strchr(" \t\r\n", vault->file[n - 1]))
                --n;
        *ret_text = str_from(vault->file, n);
        return r;
}

/* A key's or secret's text: visible characters only, so that it can stand in a header. */
static int take_text(struct str text, const char *name, char *to, char *why)
{
        if (text.n == 0)
                return refuse(why, -EINVAL, "%s is empty", name);
        for (size_t i = 0; i < text.n; ++i)
                if (text.p[i] <= ' ' || text.p[i] > '~')
                        return refuse(why, -EINVAL,
                                      "%s holds a blank or a character that no key has", name);
        if (!str_copy(text, to, SIGNER_KEY_MAX))
                return refuse(why, -EINVAL, "%s is too long to be a key", name);
        return 0;
}

static const char *environment(const char *name)
{
        const char *value = getenv(name);

        return value && value[0] ? value : NULL;
}

/* @value, else the file, else the variable, else the file that the variable names. */
static int find_text(struct vault *vault, const char *value, const char *file, const char *name,
                     char *to, char *why)
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
        r = read_file(vault, file, why, &text);
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

static int read_private_key(struct signer *s, const char *path, char *why)
{
        struct str text = STR_NULL;
        BIO *bio;
        int r = read_file(s->vault, path, why, &text), kind;

        if (r < 0)
                return r;
        bio = BIO_new_mem_buf(text.p, (int)text.n);
        s->key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
        BIO_free(bio);
        OPENSSL_cleanse(s->vault->file, sizeof(s->vault->file));
        if (!s->key)
                return refuse(why, -EINVAL,
                              "the key file %s holds no private key in PEM, or one with a "
                              "passphrase; write one with openssl genpkey",
                              path);
        kind = EVP_PKEY_get_base_id(s->key);
        if (kind != EVP_PKEY_RSA && kind != EVP_PKEY_ED25519)
                return refuse(why, -EINVAL,
                              "the key in %s is neither RSA nor Ed25519, which Binance takes",
                              path);
        if (kind == EVP_PKEY_RSA && EVP_PKEY_get_bits(s->key) > 4096)
                return refuse(why, -EINVAL, "the RSA key in %s has more than 4096 bits", path);
        return 0;
}

static int read_keys(struct signer *s, const struct signer_source *source, char *why)
{
        const char *pem = source->private_key_file;
        bool wants_secret = source->api_secret || source->api_secret_file;
        int r = find_text(s->vault, source->api_key, source->api_key_file, "BINANCE_API_KEY",
                          s->api_key, why);

        if (r < 0)
                return r;
        if (pem && wants_secret)
                return refuse(why, -EINVAL, "a secret and the private key %s: name one of them",
                              pem);
        if (!pem && !wants_secret)
                pem = environment("BINANCE_PRIVATE_KEY_FILE");
        if (pem)
                r = read_private_key(s, pem, why);
        else
                r = find_text(s->vault, source->api_secret, source->api_secret_file,
                              "BINANCE_API_SECRET", s->vault->secret, why);
        s->vault->n_secret = strlen(s->vault->secret);
        if (r == 0 && !s->api_key[0] && (s->key || s->vault->n_secret > 0))
                return refuse(why, -EINVAL,
                              "there is something to sign with, but no API key; set %s or name its "
                              "file",
                              "BINANCE_API_KEY");
        return r;
}

int signer_open(const struct signer_source *source, struct signer **ret_signer,
                char ret_why[SIGNER_WHY_MAX])
{
        struct signer *s = calloc(1, sizeof(*s));
        int r;

        ret_why[0] = '\0';
        *ret_signer = NULL;
        if (!s)
                return refuse(ret_why, -ENOMEM, "%s", "out of memory");
        s->vault = vault_new();
        if (!s->vault) {
                free(s);
                return refuse(ret_why, -ENOMEM, "%s", "no memory for keys");
        }
        r = read_keys(s, source, ret_why);
        if (r < 0 || !s->api_key[0]) {
                signer_close(s);
                return r;
        }
        *ret_signer = s;
        return 0;
}

struct signer *signer_close(struct signer *s)
{
        if (!s)
                return NULL;
        EVP_PKEY_free(s->key);
        vault_free(s->vault);
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
