/*
 * Scan
 *
 * Numbers that stand in running text: codes, ban ends, statuses. For bodies that are no JSON and
 * for the error texts of client libraries, each of which words it its own way:
 *
 *      APIError(code=-1003): Too many requests; ...
 *      (429, -1003, 'Too much request weight used; ...', {...})
 *      binance {"code":-1015,"msg":"Too many new orders."}
 */
#ifndef CLASSIFY_SCAN_H
#define CLASSIFY_SCAN_H

#include "base/base.h"
#include "base/str.h"
#include "classify/classify.h"

/**
 * scan_code() - the first code of the exchange in @text
 *
 * After the word "code" any negative number of 4 to 6 digits is one; elsewhere only a number of
 * the table, since a price or a date can have a minus and four digits too.
 *
 * Return: the code, or 0.
 */
int32_t scan_code(struct str text, enum classify_product product);

/* The whole of @text as a negative code of 4 to 6 digits; else 0. */
int32_t scan_code_value(struct str text);

/* "banned until N": N of 13 digits is ms, of 16 digits us since 1970. Return: ms, 0 if none. */
uint64_t scan_ban_until_ms(struct str text);

/* "per 10 SECOND", "per TEN_SECONDS", "per minute": the window that a limit's text names. Return:
 * its length, 0 if none. */
uint64_t scan_window_ms(struct str text);

/* A moment in ms or us, told apart by its length. Return: ms, or 0 for another length. */
uint64_t scan_time_ms(uint64_t ms_or_us);

/* "Fri, 31 Dec 1999 23:59:59 GMT", the one form of a date that HTTP writes. Return: ms since 1970,
 * 0 for anything else. */
uint64_t scan_date_ms(struct str text);

/* The HTTP error status that @text names: "HTTP 418", "status: 503", "(429, ..."; else 0. */
int scan_status(struct str text);

/* Deepest nesting of braces and brackets outside of quotes, however broken the text is. */
size_t scan_depth(struct str text);

#endif
