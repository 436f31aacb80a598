/*
 * TLS
 *
 * One context per side: for the client with verification of chain and name, TLS 1.2 or newer,
 * session tickets; for a server (the simulator, the watch) with certificate and key.
 */
#ifndef NET_TLS_H
#define NET_TLS_H

#include "base/base.h"

struct tls;
struct ssl_st; /* OpenSSL's SSL */

/* @ca_file: PEM bundle to trust instead of the system's; NULL for the system's. Return: 0, -ENOENT,
 * -EACCES, -EINVAL for a file without certificates... */
CHECKED int tls_client_new(const char *ca_file, struct tls **ret_tls);
/* A client's: what it shows to a server that asks for a certificate; PEM, the chain with it.
 * Return: as above; -EINVAL also for a key that is locked by a passphrase or is not the
 * certificate's. */
CHECKED int tls_client_show(struct tls *tls, const char *cert_file, const char *key_file);
/* Return: as above; -EINVAL likewise. */
CHECKED int tls_server_new(const char *cert_file, const char *key_file, struct tls **ret_tls);
/* A server's: clients may show certificates that @ca_file vouches for; one of somebody else's ends
 * the handshake, and none is none. Return: as tls_client_new(). */
CHECKED int tls_server_trust(struct tls *tls, const char *ca_file);
/* The same files, or others: for the connections that come. @ca_file: NULL for none. Return: as
 * above; then it stays as it is. */
CHECKED int tls_server_renew(struct tls *tls, const char *cert_file, const char *key_file,
                             const char *ca_file);
/* Every stream of it must be closed. Accepts NULL. Return: NULL. */
struct tls *tls_free(struct tls *tls);

/*
 * For stream.c.
 */

/**
 * tls_begin() - a new connection's TLS, without a socket yet
 * @name: client: the name or address to verify, and to send if it is a name
 *
 * A client offers the session last seen under @name. The result is SSL_free()'s.
 *
 * Return: 0, -ENOMEM, -EINVAL for a client without a name.
 */
CHECKED int tls_begin(struct tls *tls, const char *name, struct ssl_st **ret_ssl);

/* Writes a sentence on why the last function on @ssl failed with @ssl_error, SSL_get_error()'s. */
void tls_explain(struct ssl_st *ssl, int ssl_error, char *to, size_t size);

#endif
