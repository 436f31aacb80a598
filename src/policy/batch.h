/*
 * Batches
 *
 * Whether every order of a batch only closes. The list is JSON in a form parameter; it is read in
 * place, percent-decoded as it goes by, and only in the form that clients send: objects of names
 * with strings, numbers and literals. What is anything else, or says something twice, does not only
 * close: then it keeps the class of an order, which is never wrong.
 */
#ifndef POLICY_BATCH_H
#define POLICY_BATCH_H

#include "base/base.h"
#include "base/str.h"

/* @value: as sent. */
bool batch_only_closes(struct str value);

#endif
