#include "sign/signer.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define SECRET "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"

static char folder[] = "/tmp/weir-signer-XXXXXX";

static const char *path_of(const char *name, char to[64])
{
        snprintf(to, 64, "%s/%s", folder, name);
        return to;
}

static void write_file(const char *path, const char *text, mode_t mode)
{
        FILE *file = fopen(path, "w");

        assert_non_null(file);
        fputs(text, file);
        fclose(file);
        assert_int_equal(chmod(path, mode), 0);
}

static void forget_environment(void)
{
        unsetenv("BINANCE_API_KEY");
        unsetenv("BINANCE_API_SECRET");
        unsetenv("BINANCE_API_KEY_FILE");
        unsetenv("BINANCE_API_SECRET_FILE");
        unsetenv("BINANCE_PRIVATE_KEY_FILE");
}

static int begin(void **state)
{
        (void)state;
        forget_environment();
        return mkdtemp(folder) ? 0 : -1;
}

static int end(void **state)
{
        static const char *const names[] = { "key", "secret", "rsa.pem", "ed.pem", "ec.pem" };
        char path[64];

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(names); ++i)
                unlink(path_of(names[i], path));
        return rmdir(folder);
}

static void the_documented_signatures_come_out(void **state)
{
        static const struct {
                const char *secret, *payload, *signature;
        } rows[] = {
                { SECRET,
                  "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&"
                  "recvWindow="
                  "5000&timestamp=1499827319559",
                  "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71" },
                { SECRET,
                  "symbol=%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96&side=BUY&type="
                  "LIMIT&"
                  "timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559",
                  "e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3" },
                { "2b5eb11e18796d12d88f13dc27dbbd02c2cc51ff7059765ed9821957d82bb4d9",
                  "symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=9000&timeInForce=GTC&"
                  "recvWindow=5000&timestamp=1591702613943",
                  "3c661234138461fcc7a7d8746c6558c9842d4e10870d2ecbedf7777cad694af9" },
        };
        char why[SIGNER_WHY_MAX], text[SIGNER_TEXT_MAX];

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                struct signer_source source = { .api_key = "key", .api_secret = rows[i].secret };
                struct signer *s;

                assert_int_equal(signer_open(&source, &s, why), 0);
                assert_string_equal(signer_kind(s), "hmac");
                assert_true(str_eq(signer_api_key(s), STR_LITERAL("key")));
                assert_int_equal(signer_sign(s, str_of(rows[i].payload), text), 0);
                assert_string_equal(text, rows[i].signature);
                assert_null(signer_close(s));
        }
}

static EVP_PKEY *make_key(const char *name, EVP_PKEY *key)
{
        char path[64];
        FILE *file = fopen(path_of(name, path), "w");

        assert_non_null(key);
        assert_non_null(file);
        assert_true(PEM_write_PKCS8PrivateKey(file, key, NULL, NULL, 0, NULL, NULL));
        fclose(file);
        assert_int_equal(chmod(path, 0600), 0);
        return key;
}

/* From a query's text back to the signature's bytes. */
static size_t unescape(const char *text, unsigned char *to)
{
        char base64[1024];
        size_t n = 0, padding = 0;
        int length;

        for (; *text; ++text) {
                if (*text == '%') {
                        char hex[] = { text[1], text[2], '\0' };

                        base64[n++] = (char)strtoul(hex, NULL, 16);
                        text += 2;
                } else {
                        assert_true(*text != '+' && *text != '/' && *text != '=');
                        base64[n++] = *text;
                }
        }
        while (padding < n && base64[n - 1 - padding] == '=')
                ++padding;
        length = EVP_DecodeBlock(to, (unsigned char *)base64, (int)n);
        assert_true(length > 0);
        return (size_t)length - padding;
}

static void check_private_key(const char *name, EVP_PKEY *key, const char *kind, const EVP_MD *md)
{
        const char *payload = "symbol=BTCUSDT&side=SELL&timestamp=1499827319559";
        char path[64], why[SIGNER_WHY_MAX], text[SIGNER_TEXT_MAX];
        struct signer_source source = { .api_key = "key", .private_key_file = path };
        unsigned char signature[1024];
        struct signer *s;

        path_of(name, path);
        assert_int_equal(signer_open(&source, &s, why), 0);
        assert_string_equal(signer_kind(s), kind);
        /* Many payloads, so that all three characters that need escaping occur. */
        for (size_t n = 0; n <= strlen(payload); ++n) {
                EVP_MD_CTX *ctx = EVP_MD_CTX_new();
                size_t bytes;

                assert_int_equal(signer_sign(s, str_from(payload, n), text), 0);
                bytes = unescape(text, signature);
                assert_int_equal(EVP_DigestVerifyInit(ctx, NULL, md, NULL, key), 1);
                assert_int_equal(EVP_DigestVerify(ctx, signature, bytes,
                                                  (const unsigned char *)payload, n),
                                 1);
                EVP_MD_CTX_free(ctx);
        }
        signer_close(s);
        EVP_PKEY_free(key);
}

static void rsa_and_ed25519_keys_sign(void **state)
{
        (void)state;
        check_private_key("rsa.pem", make_key("rsa.pem", EVP_RSA_gen(2048)), "rsa", EVP_sha256());
        check_private_key("ed.pem", make_key("ed.pem", EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")),
                          "ed25519", NULL);
}

static void keys_come_from_files_and_the_environment(void **state)
{
        char key[64], secret[64], why[SIGNER_WHY_MAX], text[SIGNER_TEXT_MAX];
        struct signer_source none = { NULL, NULL, NULL, NULL, NULL };
        struct signer_source files = { .api_key_file = key, .api_secret_file = secret };
        struct signer *s;

        (void)state;
        write_file(path_of("key", key), "filekey\n", 0600);
        write_file(path_of("secret", secret), SECRET "\r\n", 0400);
        assert_int_equal(signer_open(&files, &s, why), 0);
        assert_true(str_eq(signer_api_key(s), STR_LITERAL("filekey")));
        assert_int_equal(signer_sign(s, STR_LITERAL("a=1"), text), 0);
        signer_close(s);

        setenv("BINANCE_API_KEY", "envkey", 1);
        setenv("BINANCE_API_SECRET_FILE", secret, 1);
        assert_int_equal(signer_open(&none, &s, why), 0);
        assert_true(str_eq(signer_api_key(s), STR_LITERAL("envkey")));
        assert_string_equal(signer_kind(s), "hmac");
        signer_close(s);
        /* A member goes before the environment. */
        assert_int_equal(signer_open(&files, &s, why), 0);
        assert_true(str_eq(signer_api_key(s), STR_LITERAL("filekey")));
        signer_close(s);
        forget_environment();
}

static void without_a_key_there_is_no_signer(void **state)
{
        struct signer_source none = { NULL, NULL, NULL, NULL, NULL };
        struct signer_source key_only = { .api_key = "key" };
        char why[SIGNER_WHY_MAX], text[SIGNER_TEXT_MAX];
        struct signer *s;

        (void)state;
        assert_int_equal(signer_open(&none, &s, why), 0);
        assert_null(s);
        assert_null(signer_close(NULL));
        assert_true(signer_api_key(NULL).p == NULL);
        assert_int_equal(signer_open(&key_only, &s, why), 0);
        assert_string_equal(signer_kind(s), "none");
        assert_int_equal(signer_sign(s, STR_LITERAL("a=1"), text), -ENOKEY);
        signer_close(s);
}

static void refuses(const struct signer_source *source, int error, const char *says)
{
        char why[SIGNER_WHY_MAX];
        struct signer *s = NULL;
        int r = signer_open(source, &s, why);

        if (r != error || !strstr(why, says) || strstr(why, "NhqPtm"))
                fail_msg("%d \"%s\", want %d \"%s\"", r, why, error, says);
        assert_null(s);
}

static void bad_keys_are_refused_and_never_repeated(void **state)
{
        char secret[64], pem[64], missing[64];

        (void)state;
        write_file(path_of("secret", secret), SECRET, 0640);
        refuses(&(struct signer_source){ .api_key = "k", .api_secret_file = secret }, -EACCES,
                "chmod 600");
        write_file(secret, SECRET, 0604);
        refuses(&(struct signer_source){ .api_key = "k", .api_secret_file = secret }, -EACCES,
                "chmod 600");
        write_file(secret, SECRET " " SECRET, 0600);
        refuses(&(struct signer_source){ .api_key = "k", .api_secret_file = secret }, -EINVAL,
                "blank");
        write_file(secret, "\n", 0600);
        refuses(&(struct signer_source){ .api_key = "k", .api_secret_file = secret }, -EINVAL,
                "empty");
        refuses(&(struct signer_source){ .api_key = "k",
                                         .api_secret_file = path_of("missing", missing) },
                -ENOENT, "cannot be opened");
        refuses(&(struct signer_source){ .api_key = "k", .api_secret_file = folder }, -EINVAL,
                "is not a file");
        refuses(&(struct signer_source){ .api_secret = SECRET }, -EINVAL, "no API key");
        refuses(&(struct signer_source){ .api_key = "two\nlines", .api_secret = SECRET }, -EINVAL,
                "blank");
        refuses(&(struct signer_source){ .api_key = "k",
                                         .api_secret = SECRET,
                                         .private_key_file = secret },
                -EINVAL, "name one of them");
        write_file(secret, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", 0600);
        refuses(&(struct signer_source){ .api_key = "k", .private_key_file = secret }, -EINVAL,
                "no private key");
        EVP_PKEY_free(make_key("ec.pem", EVP_EC_gen("P-256")));
        refuses(&(struct signer_source){ .api_key = "k",
                                         .private_key_file = path_of("ec.pem", pem) },
                -EINVAL, "neither RSA nor Ed25519");
}

static void a_secret_or_a_private_key_the_file_says_which(void **state)
{
        static const struct {
                const char *secret, *kind;
                int error;
                const char *says;
        } rows[] = {
                { SECRET "\n", "hmac", 0, NULL },
                { "", NULL, -EINVAL, "is empty" },
                { "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", NULL, -EINVAL,
                  "holds no private key" },
        };
        char key[64], secret[64], why[SIGNER_WHY_MAX], text[SIGNER_TEXT_MAX];
        struct signer *s;

        (void)state;
        forget_environment();
        write_file(path_of("key", key), "filekey\n", 0600);
        path_of("secret", secret);
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                write_file(secret, rows[i].secret, 0600);
                assert_int_equal(signer_open_files(key, secret, &s, why), rows[i].error);
                if (rows[i].says)
                        assert_non_null(strstr(why, rows[i].says));
                else
                        assert_string_equal(signer_kind(s), rows[i].kind);
                signer_close(s);
        }
        EVP_PKEY_free(make_key("ed.pem", EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")));
        assert_int_equal(signer_open_files(key, path_of("ed.pem", secret), &s, why), 0);
        assert_string_equal(signer_kind(s), "ed25519");
        assert_true(str_eq(signer_api_key(s), STR_LITERAL("filekey")));
        assert_int_equal(signer_sign(s, STR_LITERAL("a=1"), text), 0);
        signer_close(s);
        assert_int_equal(chmod(key, 0620), 0);
        assert_int_equal(signer_open_files(key, secret, &s, why), -EACCES);
        assert_null(s);
        assert_int_equal(chmod(key, 0600), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_documented_signatures_come_out),
                cmocka_unit_test(rsa_and_ed25519_keys_sign),
                cmocka_unit_test(keys_come_from_files_and_the_environment),
                cmocka_unit_test(without_a_key_there_is_no_signer),
                cmocka_unit_test(bad_keys_are_refused_and_never_repeated),
                cmocka_unit_test(a_secret_or_a_private_key_the_file_says_which),
        };

        return cmocka_run_group_tests(tests, begin, end);
}
