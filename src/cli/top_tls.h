/*
 * Top, by TLS
 *
 * What weir top trusts of a gateway at an https address, and what it shows of itself.
 */
#ifndef CLI_TOP_TLS_H
#define CLI_TOP_TLS_H

#include "cli/top_source.h"
#include "net/tls.h"

/* Return: 0, or a negative errno after having said what is wrong. */
CHECKED int top_tls_open(const struct top_source_config *config, struct tls **ret_tls);
/* A certificate is shown by TLS only. Return: -EINVAL, having said so. */
CHECKED int top_tls_refuse(const struct top_source_config *config);

#endif
