/*
 * Check, TLS
 *
 * Whether a gateway could start with the certificates that the settings name, in its words.
 */
#ifndef CLI_CHECK_TLS_H
#define CLI_CHECK_TLS_H

#include "settings/settings.h"

/* Return: an enum settings_answer, or -ENOMEM. */
CHECKED int check_tls(const struct settings *s, struct settings_report *report);

#endif
