/*
 * Certificates for tests
 *
 * A certificate authority made on the spot and a server's certificate by it, for the names
 * "localhost" and "exchange.test" and for 127.0.0.1, as files in a directory of their own.
 */
#ifndef NET_TEST_CERTS_H
#define NET_TEST_CERTS_H

#include "base/base.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct certs {
        char dir[32];
        char ca[64], other_ca[64], cert[64], key[64];
};

static inline X509 *certs_make(const char *subject, EVP_PKEY *key, const char *extension, int nid,
                               X509 *issuer, EVP_PKEY *issuer_key)
{
        static long serial = 1;
        X509 *x = X509_new();
        X509_NAME *name = X509_get_subject_name(x);
        X509_EXTENSION *e;

        must(X509_set_version(x, 2) && ASN1_INTEGER_set(X509_get_serialNumber(x), serial++));
        must(X509_gmtime_adj(X509_getm_notBefore(x), -3600));
        must(X509_gmtime_adj(X509_getm_notAfter(x), 86400));
        must(X509_set_pubkey(x, key));
        must(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)subject,
                                        -1, -1, 0));
        must(X509_set_issuer_name(x, issuer ? X509_get_subject_name(issuer) : name));
        e = X509V3_EXT_conf_nid(NULL, NULL, nid, extension);
        must(e && X509_add_ext(x, e, -1));
        X509_EXTENSION_free(e);
        must(X509_sign(x, issuer_key, EVP_sha256()));
        return x;
}

static inline void certs_write(const char *path, X509 *x, EVP_PKEY *key)
{
        FILE *file = fopen(path, "w");

        must(file);
        must(x ? PEM_write_X509(file, x)
               : PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL));
        must(fclose(file) == 0);
}

static inline void certs_init(struct certs *c)
{
        EVP_PKEY *ca_key = EVP_EC_gen("P-256"), *key = EVP_EC_gen("P-256");
        X509 *ca, *other, *cert;

        snprintf(c->dir, sizeof(c->dir), "/tmp/weir-certs-XXXXXX");
        must(mkdtemp(c->dir));
        snprintf(c->ca, sizeof(c->ca), "%s/ca.pem", c->dir);
        snprintf(c->other_ca, sizeof(c->other_ca), "%s/other-ca.pem", c->dir);
        snprintf(c->cert, sizeof(c->cert), "%s/cert.pem", c->dir);
        snprintf(c->key, sizeof(c->key), "%s/key.pem", c->dir);

        ca = certs_make("a test's authority", ca_key, "critical,CA:TRUE", NID_basic_constraints,
                        NULL, ca_key);
        other = certs_make("another authority", key, "critical,CA:TRUE", NID_basic_constraints,
                           NULL, key);
        cert = certs_make("a test's server", key, "DNS:localhost,DNS:exchange.test,IP:127.0.0.1",
                          NID_subject_alt_name, ca, ca_key);
        certs_write(c->ca, ca, NULL);
        certs_write(c->other_ca, other, NULL);
        certs_write(c->cert, cert, NULL);
        certs_write(c->key, NULL, key);
        X509_free(ca);
        X509_free(other);
        X509_free(cert);
        EVP_PKEY_free(ca_key);
        EVP_PKEY_free(key);
}

static inline void certs_deinit(struct certs *c)
{
        unlink(c->ca);
        unlink(c->other_ca);
        unlink(c->cert);
        unlink(c->key);
        rmdir(c->dir);
}

#endif
