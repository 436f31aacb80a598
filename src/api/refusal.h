/*
 * Refusal
 *
 * Why a request was not sent, for people and for programs: when to come back, and a sentence.
 */
#ifndef API_REFUSAL_H
#define API_REFUSAL_H

#include "api/reserve.h"
#include "classify/verdict.h"

/* @answer of the reservation @r, which holds nothing: @verdict's retry_at_ms and msg. The rest of
 * it stays: what the last attempt, if there was one, was told. */
void refusal_explain(const struct region *region, const struct reservation *r, int answer,
                     struct verdict *verdict);

#endif
