/*
 * Blob
 *
 * A histogram of waits as it stands in the file: numbers of seven bits a byte, the lowest first.
 *
 *      longest wait in us | buckets to go, count | buckets to go, count | ...
 *
 * Only buckets that hold something are there, so 40 requests that did not wait are three bytes.
 * Sums of such are exact: hours and days have the percentiles of their requests, and no averages of
 * averages. The buckets are those of stats/waits.h; other buckets would be another format of the
 * file.
 */
#ifndef HISTORY_BLOB_H
#define HISTORY_BLOB_H

#include "base/base.h"
#include "base/str.h"
#include "stats/waits.h"

/* Room for any histogram. */
#define BLOB_BYTES_MAX (10 + WAITS_FINE * 12)

/* Return: bytes written to @to, which has BLOB_BYTES_MAX; 0 for nobody's waits. */
size_t blob_pack(const struct waits *waits, char *to);

/* Adds what is in @blob to @waits, of which steps and sum are not known. Return: 0, or -EINVAL for
 * bytes that are no histogram, with nothing added. */
CHECKED int blob_add(struct str blob, struct waits *waits);

#endif
