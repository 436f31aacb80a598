/*
 * Record
 *
 * The last requests as they were received, byte for byte, for tests of what a gateway forwards.
 */
#ifndef SIM_RECORD_H
#define SIM_RECORD_H

#include "base/base.h"
#include "base/buf.h"
#include "base/str.h"
#include "http/parse.h"

#include <jansson.h>

#define RECORD_DEFAULT 1000
#define RECORD_MAX     100000
/* Of one request: head and body; what is longer is cut, and says so. */
#define RECORD_BYTES 131072

struct record_entry {
        uint64_t number, arrived_us;
        struct buf bytes; /* method, target, body, then names and values */
        size_t method_n, target_n, body_n;
        uint32_t field_n[HTTP_FIELDS_MAX][2];
        size_t n_fields;
        bool is_cut;
        unsigned status; /* 0: not answered (yet) */
        char peer[64];
};

struct record {
        struct record_entry *entries;
        size_t size;
        uint64_t n; /* ever */
};

void record_init(struct record *record, size_t size);
void record_deinit(struct record *record);
void record_clear(struct record *record);

/* Return: its number, for record_status(). */
uint64_t record_add(struct record *record, const struct http_head *head, struct str body,
                    const char *peer, uint64_t now_us);
void record_status(struct record *record, uint64_t number, unsigned status);

/* The last @n, oldest first. Bytes are code points U+0000 to U+00FF: encode as latin-1 to get them.
 */
json_t *record_json(const struct record *record, uint64_t n);

#endif
