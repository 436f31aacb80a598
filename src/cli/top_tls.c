#include "cli/top_tls.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Return: as tls_client_show(), after having said what is wrong. */
static int show(struct tls *tls, const struct top_source_config *c)
{
        /* As curl has it: the key may stand below the certificate. */
        const char *key = c->key_file ? c->key_file : c->cert_file;
        int r = tls_client_show(tls, c->cert_file, key);

        if (r == -EINVAL)
                fprintf(stderr,
                        "weir: top: --cert %s, --key %s: want PEM files, a certificate and its own "
                        "private key without a passphrase\n",
                        c->cert_file, key);
        else if (r < 0)
                fprintf(stderr, "weir: top: --cert %s, --key %s: cannot be read: %s\n",
                        c->cert_file, key, strerror(-r));
        return r;
}

int top_tls_open(const struct top_source_config *c, struct tls **ret_tls)
{
        struct tls *tls = NULL;
        int r = tls_client_new(c->ca_file, &tls);

        if (r < 0) {
                fprintf(stderr, "weir: top: the certificates to trust cannot be read (%s): %s\n",
                        c->ca_file ? c->ca_file : "the system's", strerror(-r));
                return r;
        }
        if (c->cert_file)
                r = show(tls, c);
        if (r < 0)
                tls_free(tls);
        else
                *ret_tls = tls;
        return r;
}

int top_tls_refuse(const struct top_source_config *c)
{
        fprintf(stderr,
                "weir: top: --cert %s: a certificate is shown at an https address only, and "
                "--gateway %s is none\n",
                c->cert_file, c->gateway);
        return -EINVAL;
}
