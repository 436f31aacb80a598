/*
 * What may be shown
 *
 * Of what a client or the exchange wrote, for logs, reports and the page: never a key, a signature
 * or a token, also where one stands in the wrong place. Whoever logs a path, a name or a text that
 * came from outside passes it through here.
 */
#ifndef GATEWAY_SHOWN_H
#define GATEWAY_SHOWN_H

#include "base/base.h"
#include "base/str.h"
#include "http/parse.h"

#define SHOWN_HIDDEN "(hidden)"

/* Whether so many characters follow each other as in a key, a signature or a token, and in no word.
 */
bool shown_is_secretive(struct str text);

/*
 * @path up to the first part that no path of the exchange has: too long, of other characters, or of
 * letters and digits in a medley. "(hidden)" stands for that and the rest. Return: @to.
 */
const char *shown_path(struct str path, char *to, size_t size);

/* "GET"; what is no method of the exchange's is "(other)". Return: @to. */
#define SHOWN_METHOD_SIZE 8
const char *shown_method(const struct http_head *head, char to[SHOWN_METHOD_SIZE]);

/* The names of the parameters of a query or a form, "symbol,timestamp,signature"; never a value.
 * Return: @to. */
const char *shown_names(struct str query, char *to, size_t size);

/* A sentence or a name, each stretch in it that looks like a secret hidden. Return: @to. */
const char *shown_text(struct str text, char *to, size_t size);

#endif
