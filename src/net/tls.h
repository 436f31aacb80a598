/*
 * TLS
 *
 * One context per side: for the client with verification of chain and name, TLS 1.2 or newer,
 * session tickets; for a server (the simulator) with certificate and key.
 */
#ifndef NET_TLS_H
#define NET_TLS_H

#include "base/base.h"

struct tls;

/* @ca_file: PEM bundle to trust instead of the system's; NULL for the system's. Return: 0, -ENOENT,
 * -EINVAL... */
CHECKED int tls_client_new(const char *ca_file, struct tls **ret_tls);
CHECKED int tls_server_new(const char *cert_file, const char *key_file, struct tls **ret_tls);
/* Accepts NULL. Return: NULL. */
struct tls *tls_free(struct tls *tls);

#endif
