/*
 * Parameters
 *
 * The parameters of one request: of the query, then of a form body, percent-decoded. The query
 * comes first, so it wins where a name is in both, as the exchange has it.
 */
#ifndef SIM_FORM_H
#define SIM_FORM_H

#include "base/base.h"
#include "base/str.h"

/* Real requests have up to about 20. */
#define FORM_MAX 96
/* Decoded bytes of all of them: batchOrders of five long orders takes about 3 KiB. */
#define FORM_BYTES 32768

struct form_field {
        struct str name, value;
};

struct form {
        struct form_field list[FORM_MAX];
        size_t n;
        size_t used;
        char bytes[FORM_BYTES];
};

/**
 * form_parse() - read @query and @body; a body that does not look like a form is skipped
 *
 * Return: 0, -E2BIG beyond a ceiling.
 */
CHECKED int form_parse(struct form *form, struct str query, struct str body);

/* The first of that name; a NULL view when there is none or it is empty. */
struct str form_get(const struct form *form, const char *name);
/* The same, also when it is empty. */
const struct form_field *form_find(const struct form *form, const char *name);
bool form_has(const struct form *form, const char *name);
bool form_is(const struct form *form, const char *name, const char *value);

/* Whole numbers. Return: @fallback when it is not sent or is no number. */
uint64_t form_u64(const struct form *form, const char *name, uint64_t fallback);

/* Elements of a list like ["A","B"]; 0 when not sent. Counted by commas. */
size_t form_elements(const struct form *form, const char *name);

#endif
