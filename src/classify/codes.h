/*
 * Codes
 *
 * The table of codes.def to look things up in. Rows are few and asked only for errors, so a walk
 * from the top is enough and keeps "the first row that fits" true.
 */
#ifndef CLASSIFY_CODES_H
#define CLASSIFY_CODES_H

#include "base/base.h"
#include "base/str.h"
#include "classify/classify.h"
#include "classify/verdict.h"

struct code_row {
        int32_t first, last; /* equal for a single code */
        unsigned products;   /* a bit per enum classify_product */
        int status, other_status;
        enum verdict_kind kind;
        enum verdict_executed executed;
        const char *reason;
};

/* Return: the row, or NULL for a code that means nothing to us on this product. */
const struct code_row *code_find(enum classify_product product, int32_t code);

/* Row @i in the order of the file, or NULL behind the last. */
const struct code_row *code_at(size_t i);

/* Return: the code whose phrase stands in @text, or 0. */
int32_t code_from_phrase(struct str text);

/* A futures 503 with this text was documented as not executed. */
bool code_is_not_done(struct str text);

#endif
