#include "net/tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Names whose sessions are remembered: the exchange's groups and some alternatives. */
#define TLS_SESSIONS_MAX 16

struct remembered {
        char *name;
        SSL_SESSION *session;
};

struct tls {
        SSL_CTX *ctx;
        bool is_server;
        struct remembered sessions[TLS_SESSIONS_MAX];
        size_t n_sessions;
};

/* The name that a client connection was begun for, owned by the connection. */
static int name_index = -1;

static void free_name(void *parent, void *name, CRYPTO_EX_DATA *data, int index, long argl,
                      void *argp)
{
        (void)parent;
        (void)data;
        (void)index;
        (void)argl;
        (void)argp;
        free(name);
}

static struct remembered *find_session(struct tls *tls, const char *name)
{
        for (size_t i = 0; i < tls->n_sessions; ++i)
                if (strcmp(tls->sessions[i].name, name) == 0)
                        return &tls->sessions[i];
        return NULL;
}

/* A ticket arrived, with TLS 1.3 some time after the handshake. Return: 1 to keep the reference. */
static int on_session(SSL *ssl, SSL_SESSION *session)
{
        struct tls *tls = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
        const char *name = SSL_get_ex_data(ssl, name_index);
        struct remembered *r;

        if (!name)
                return 0;
        r = find_session(tls, name);
        if (!r) {
                char *copy;

                if (tls->n_sessions == TLS_SESSIONS_MAX)
                        return 0;
                copy = strdup(name);
                if (!copy)
                        return 0;
                r = &tls->sessions[tls->n_sessions++];
                *r = (struct remembered){ .name = copy };
        }
        SSL_SESSION_free(r->session);
        r->session = session;
        return 1;
}

static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_n,
                   const unsigned char *in, unsigned in_n, void *ctx)
{
        static const unsigned char ours[] = "\x08http/1.1";
        unsigned char *chosen;

        (void)ssl;
        (void)ctx;
        if (SSL_select_next_proto(&chosen, out_n, ours, sizeof(ours) - 1, in, in_n) !=
            OPENSSL_NPN_NEGOTIATED)
                return SSL_TLSEXT_ERR_NOACK;
        *out = chosen;
        return SSL_TLSEXT_ERR_OK;
}

static int new_context(bool is_server, struct tls **ret_tls)
{
        struct tls *tls = calloc(1, sizeof(*tls));

        if (!tls)
                return -ENOMEM;
        if (name_index < 0)
                name_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, free_name);
        tls->is_server = is_server;
        tls->ctx = SSL_CTX_new(is_server ? TLS_server_method() : TLS_client_method());
        if (!tls->ctx || name_index < 0) {
                tls_free(tls);
                return -ENOMEM;
        }
        SSL_CTX_set_app_data(tls->ctx, tls);
        must(SSL_CTX_set_min_proto_version(tls->ctx, TLS1_2_VERSION) == 1);
        /* Neither side may make a write wait for a read in the middle of a request. */
        SSL_CTX_set_options(tls->ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
        SSL_CTX_set_mode(tls->ctx,
                         SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
        /* One read per record's head and another per body otherwise. */
        SSL_CTX_set_read_ahead(tls->ctx, 1);
        *ret_tls = tls;
        return 0;
}

static int trust(SSL_CTX *ctx, const char *ca_file)
{
        if (!ca_file)
                return SSL_CTX_set_default_verify_paths(ctx) == 1 ? 0 : -ENOENT;
        if (access(ca_file, R_OK) < 0)
                return -errno;
        return SSL_CTX_load_verify_file(ctx, ca_file) == 1 ? 0 : -EINVAL;
}

int tls_client_new(const char *ca_file, struct tls **ret_tls)
{
        static const unsigned char alpn[] = "\x08http/1.1";
        struct tls *tls;
        int r;

        r = new_context(false, &tls);
        if (r < 0)
                return r;
        ERR_clear_error();
        r = trust(tls->ctx, ca_file);
        ERR_clear_error();
        if (r < 0) {
                tls_free(tls);
                return r;
        }
        SSL_CTX_set_verify(tls->ctx, SSL_VERIFY_PEER, NULL);
        SSL_CTX_set_session_cache_mode(tls->ctx,
                                       SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
        SSL_CTX_sess_set_new_cb(tls->ctx, on_session);
        if (SSL_CTX_set_alpn_protos(tls->ctx, alpn, sizeof(alpn) - 1) !=
            0) { /* 0 is success here */
                tls_free(tls);
                return -ENOMEM;
        }
        *ret_tls = tls;
        return 0;
}

/* A key that is locked is refused: OpenSSL would ask whoever sits at the terminal. */
static int no_passphrase(char *to, int size, int is_written, void *ctx)
{
        (void)to;
        (void)size;
        (void)is_written;
        (void)ctx;
        return -1;
}

static int show(SSL_CTX *ctx, const char *cert_file, const char *key_file)
{
        bool is_good;

        if (access(cert_file, R_OK) < 0 || access(key_file, R_OK) < 0)
                return -errno;
        ERR_clear_error();
        SSL_CTX_set_default_passwd_cb(ctx, no_passphrase);
        is_good = SSL_CTX_use_certificate_chain_file(ctx, cert_file) == 1 &&
                  SSL_CTX_use_PrivateKey_file(ctx, key_file, SSL_FILETYPE_PEM) == 1 &&
                  SSL_CTX_check_private_key(ctx) == 1;
        ERR_clear_error();
        return is_good ? 0 : -EINVAL;
}

int tls_client_show(struct tls *tls, const char *cert_file, const char *key_file)
{
        must(!tls->is_server);
        return show(tls->ctx, cert_file, key_file);
}

int tls_server_new(const char *cert_file, const char *key_file, struct tls **ret_tls)
{
        static const unsigned char id[] = "weir";
        struct tls *tls;
        int r;

        r = new_context(true, &tls);
        if (r < 0)
                return r;
        r = show(tls->ctx, cert_file, key_file);
        if (r < 0) {
                tls_free(tls);
                return r;
        }
        SSL_CTX_set_alpn_select_cb(tls->ctx, on_alpn, NULL);
        must(SSL_CTX_set_session_id_context(tls->ctx, id, sizeof(id) - 1) == 1);
        *ret_tls = tls;
        return 0;
}

int tls_server_trust(struct tls *tls, const char *ca_file)
{
        STACK_OF(X509_NAME) * names;
        int r;

        must(tls->is_server);
        ERR_clear_error();
        r = trust(tls->ctx, ca_file);
        names = r == 0 ? SSL_load_client_CA_file(ca_file) : NULL;
        if (r == 0 && !names)
                r = -EINVAL;
        ERR_clear_error();
        if (r < 0)
                return r;
        /* What a client chooses its certificate by. */
        SSL_CTX_set_client_CA_list(tls->ctx, names);
        SSL_CTX_set_verify(tls->ctx, SSL_VERIFY_PEER, NULL);
        return 0;
}

int tls_server_renew(struct tls *tls, const char *cert_file, const char *key_file,
                     const char *ca_file)
{
        struct tls *next = NULL;
        SSL_CTX *before = tls->ctx;
        int r = tls_server_new(cert_file, key_file, &next);

        if (r < 0)
                return r;
        must(next);
        if (ca_file)
                r = tls_server_trust(next, ca_file);
        if (r == 0) {
                /* A connection that is open keeps the context that it began with. */
                tls->ctx = next->ctx;
                next->ctx = before;
                SSL_CTX_set_app_data(tls->ctx, tls);
        }
        tls_free(next);
        return r;
}

struct tls *tls_free(struct tls *tls)
{
        if (!tls)
                return NULL;
        SSL_CTX_free(tls->ctx);
        for (size_t i = 0; i < tls->n_sessions; ++i) {
                free(tls->sessions[i].name);
                SSL_SESSION_free(tls->sessions[i].session);
        }
        free(tls);
        return NULL;
}

/* Return: 0, -ENOMEM. */
static int expect_name(SSL *ssl, const char *name)
{
        unsigned char digits[sizeof(struct in6_addr)];

        if (inet_pton(AF_INET, name, digits) == 1 || inet_pton(AF_INET6, name, digits) == 1)
                return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1 ? 0 : -ENOMEM;
        SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
        if (SSL_set1_host(ssl, name) != 1)
                return -ENOMEM;
        /* SSL_set_tlsext_host_name() without its cast, which forgets the const. */
        return SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                        (void *)(uintptr_t)name) == 1
                       ? 0
                       : -ENOMEM;
}

static int begin_client(struct tls *tls, SSL *ssl, const char *name)
{
        struct remembered *r;
        char *copy;

        if (expect_name(ssl, name) < 0)
                return -ENOMEM;
        copy = strdup(name);
        if (!copy || SSL_set_ex_data(ssl, name_index, copy) != 1) {
                free(copy);
                return -ENOMEM;
        }
        r = find_session(tls, name);
        if (r && SSL_SESSION_is_resumable(r->session))
                (void)SSL_set_session(ssl, r->session); /* without it the handshake is a full one */
        SSL_set_connect_state(ssl);
        return 0;
}

int tls_begin(struct tls *tls, const char *name, struct ssl_st **ret_ssl)
{
        SSL *ssl;

        if (!tls->is_server && (!name || !*name))
                return -EINVAL;
        ERR_clear_error();
        ssl = SSL_new(tls->ctx);
        if (!ssl)
                return -ENOMEM;
        if (tls->is_server) {
                SSL_set_accept_state(ssl);
        } else if (begin_client(tls, ssl, name) < 0) {
                ERR_clear_error();
                SSL_free(ssl);
                return -ENOMEM;
        }
        *ret_ssl = ssl;
        return 0;
}

void tls_explain(struct ssl_st *ssl, int ssl_error, char *to, size_t size)
{
        const char *name = SSL_get_ex_data(ssl, name_index);
        unsigned long error = ERR_peek_error();
        const char *reason = ERR_reason_error_string(error);
        long verified = SSL_get_verify_result(ssl);

        if (name && verified != X509_V_OK)
                snprintf(to, size, "TLS: the certificate of %s is refused: %s", name,
                         X509_verify_cert_error_string(verified));
        else if (ERR_GET_REASON(error) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
                snprintf(to, size, "TLS: the connection was cut off, without a close_notify");
        else if (ERR_GET_REASON(error) == SSL_R_WRONG_VERSION_NUMBER)
                snprintf(to, size, "TLS: %s: does it speak TLS?", reason);
        else if (reason)
                snprintf(to, size, "TLS: %s", reason);
        else
                snprintf(to, size, "TLS: failed, error %d", ssl_error);
}
