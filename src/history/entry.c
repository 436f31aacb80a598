#include "history/history_inside.h"

#include "history/blob.h"

#include <stdlib.h>
#include <string.h>

/* A number of 32 bits, seven a byte; and the step to its bucket. */
#define BUCKET_BYTES 7

_Static_assert(STATS_NAME_SIZE <= HISTORY_NAME_SIZE, "names are kept whole");

static enum history_by by_of(enum stats_by by)
{
        static const enum history_by all[STATS_BY_COUNT] = {
                [STATS_BY_CLASS] = HISTORY_CLASS,
                [STATS_BY_CLIENT] = HISTORY_CLIENT,
                [STATS_BY_ACCOUNT] = HISTORY_ACCOUNT,
                [STATS_BY_ENDPOINT] = HISTORY_ENDPOINT,
        };

        return all[by];
}

/* Rows, and bytes of names and histograms, at most. */
static void measure(const struct stats *stats, const struct stats_window *w, size_t *ret_rows,
                    size_t *ret_bytes)
{
        size_t rows = 1 + w->n_rows, bytes = strlen(w->pool) + 1;

        bytes += (w->waits.n + 1) * BUCKET_BYTES;
        for (size_t i = 0; i < w->n_rows; ++i)
                bytes += strlen(w->rows[i].name) + (w->rows[i].waits.n + 1) * BUCKET_BYTES;
        for (size_t i = 0; i < STATS_REASONS_MAX; ++i) {
                const char *reason = w->refused[i] ? stats_reason(stats, i) : NULL;

                if (!reason)
                        continue;
                ++rows;
                bytes += strlen(reason);
        }
        *ret_rows = rows;
        *ret_bytes = bytes;
}

static struct str keep(struct str text, char **to)
{
        struct str kept = str_from(*to, text.n);

        if (text.n > 0)
                memcpy(*to, text.p, text.n);
        *to += text.n;
        return kept;
}

static struct str keep_waits(const struct waits_packed *packed, char **to)
{
        char blob[BLOB_BYTES_MAX];
        struct waits waits = { 0 };

        waits_merge(&waits, packed);
        return keep(str_from(blob, blob_pack(&waits, blob)), to);
}

static void fill(struct archive_row *row, enum history_by by, struct str name,
                 const struct stats_figures *f)
{
        row->by = by;
        row->name = name;
#define X(count) row->counts[HISTORY_COUNT_##count] = f->count;
        HISTORY_COUNT_NAMES(X)
#undef X
}

struct entry *entry_new(const struct stats *stats, const struct stats_window *w)
{
        struct archive_row *row;
        size_t rows, bytes, size;
        struct entry *entry;
        char *text;

        measure(stats, w, &rows, &bytes);
        size = sizeof(*entry) + rows * sizeof(*row) + bytes;
        entry = calloc(1, size);
        if (!entry)
                return NULL;
        row = (struct archive_row *)(entry + 1);
        text = (char *)(row + rows);
        entry->bytes = size;
        entry->window = (struct archive_window){
                .pool = text,
                .start_ms = w->start_ms,
                .span_ms = (uint32_t)w->span_ms,
                .limit = (uint32_t)w->limit,
                .foreign = w->foreign,
                .n = rows,
                .rows = row,
        };
        keep(str_from(w->pool, strlen(w->pool) + 1), &text);
        fill(row, HISTORY_ALL, STR_NULL, &w->all);
        row++->waits = keep_waits(&w->waits, &text);
        for (size_t i = 0; i < w->n_rows; ++i) {
                fill(row, by_of(w->rows[i].by), keep(str_of(w->rows[i].name), &text),
                     &w->rows[i].figures);
                row++->waits = keep_waits(&w->rows[i].waits, &text);
        }
        for (size_t i = 0; i < STATS_REASONS_MAX; ++i) {
                const char *reason = w->refused[i] ? stats_reason(stats, i) : NULL;
                const struct stats_figures refused = { .refused = w->refused[i] };

                if (reason)
                        fill(row++, HISTORY_REASON, keep(str_of(reason), &text), &refused);
        }
        return entry;
}
