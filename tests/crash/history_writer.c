/*
 * Writes windows into a history as fast as it can, until it is killed.
 *
 *      history_writer FILE FIRST BYTES
 *
 * From number FIRST on, one a minute of the exchange; a line with the number behind each that is
 * in.
 */
#include "history/archive.h"
#include "history/blob.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* 2026-11-26T00:00:00Z */
#define BEGIN_MS  UINT64_C(1795651200000)
#define MINUTE_MS UINT64_C(60000)
#define NAMES     12

struct minute {
        struct archive_row rows[3 + 2 * NAMES];
        char names[NAMES][32], blobs[NAMES][BLOB_BYTES_MAX];
        struct archive_window window;
};

/* Figures that differ from row to row and from minute to minute. */
static void count(struct archive_row *row, uint64_t n)
{
        for (unsigned i = 0; i < HISTORY_COUNTS; ++i)
                row->counts[i] = n % (5 + i);
}

static void fill(struct minute *m, uint64_t n)
{
        struct archive_row *row = m->rows;

        memset(m->rows, 0, sizeof(m->rows));
        count(row++, n);
        row->by = HISTORY_REASON;
        row->name = STR_LITERAL("late");
        count(row++, n + 1);
        row->by = HISTORY_CLASS;
        row->name = STR_LITERAL("order");
        count(row++, n + 2);
        for (unsigned i = 0; i < 2 * NAMES; ++i, ++row) {
                unsigned k = i % NAMES;
                struct waits waits = { 0 };

                snprintf(m->names[k], sizeof(m->names[k]), "name-%u", k);
                waits_add(&waits, n * 37 % 100000);
                waits_add(&waits, k * 1000);
                row->by = i < NAMES ? HISTORY_CLIENT : HISTORY_ENDPOINT;
                row->name = str_of(m->names[k]);
                row->waits = str_from(m->blobs[k], blob_pack(&waits, m->blobs[k]));
                count(row, n + i);
        }
        m->window = (struct archive_window){ "spot-weight", BEGIN_MS + n * MINUTE_MS, 60000,  6000,
                                             n % 11,        (size_t)(row - m->rows),  m->rows };
}

static void check(int r, const char *why)
{
        if (r == 0)
                return;
        fprintf(stderr, "weir: history_writer: %s\n", why);
        exit(1);
}

int main(int argc, char **argv)
{
        struct archive_bounds bounds = { 0, UINT64_C(3650) * 86400 * MS_PER_SECOND };
        char why[ARCHIVE_WHY_SIZE], line[32];
        struct archive *archive = NULL;
        static struct minute minute;

        if (argc != 4)
                return 2;
        bounds.bytes = strtoull(argv[3], NULL, 10);
        check(archive_open(argv[1], &bounds, &archive, why), why);
        for (uint64_t n = strtoull(argv[2], NULL, 10);; ++n) {
                fill(&minute, n);
                check(archive_add(archive, &minute.window, why), why);
                if (n % 16 == 0)
                        check(archive_trim(archive, minute.window.start_ms, why), why);
                snprintf(line, sizeof(line), "%llu\n", (unsigned long long)n);
                if (write(STDOUT_FILENO, line, strlen(line)) < 0)
                        return 1;
        }
}
