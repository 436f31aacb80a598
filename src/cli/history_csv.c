#include "cli/history_picture.h"
#include "cli/history_time.h"

#include <stdio.h>
#include <string.h>

/* As RFC 4180 has it. */
static void put_text(const char *text)
{
        if (!strpbrk(text, ",\"\r\n")) {
                fputs(text, stdout);
                return;
        }
        putchar('"');
        for (; *text; ++text) {
                if (*text == '"')
                        putchar('"');
                putchar(*text);
        }
        putchar('"');
}

static void put_start(const struct history_table *t, size_t i)
{
        char text[HISTORY_TIME_SIZE];

        fputs(history_time_iso(t->first_ms + i * t->step_ms, text), stdout);
        putchar(',');
        put_text(t->pool);
}

static void put_number(uint64_t n)
{
        printf(",%llu", (unsigned long long)n);
}

/* Nothing where nobody waited. */
static void put_wait(uint64_t us)
{
        if (us == HISTORY_NO_WAIT)
                putchar(',');
        else
                printf(",%.3f", (double)us / 1000);
}

static void put_all(const struct history_table *t)
{
        fputs("start,pool,limit,foreign", stdout);
        for (unsigned k = 0; k < HISTORY_COUNTS; ++k)
                printf(",%s", history_count_name((enum history_count)k));
        puts(",wait_p50_ms,wait_p99_ms,wait_max_ms");
        for (size_t i = 0; i < t->n; ++i) {
                if (!t->is_there[i])
                        continue;
                put_start(t, i);
                put_number(t->limits[i]);
                put_number(t->foreign[i]);
                for (unsigned k = 0; k < HISTORY_COUNTS; ++k)
                        put_number(t->counts[k][i]);
                put_wait(t->wait_p50_us[i]);
                put_wait(t->wait_p99_us[i]);
                put_wait(t->wait_max_us[i]);
                putchar('\n');
        }
}

static void put_series(const struct history_table *t, const struct history_series *s, size_t i)
{
        if (s->requests[i] == 0 && s->weight[i] == 0 && s->orders[i] == 0)
                return;
        put_start(t, i);
        putchar(',');
        put_text(s->name);
        put_number(s->requests[i]);
        put_number(s->weight[i]);
        put_number(s->orders[i]);
        put_number(s->refused[i]);
        putchar('\n');
}

void history_csv(const struct history_table *t)
{
        if (t->by == HISTORY_ALL) {
                put_all(t);
                return;
        }
        printf("start,pool,%s,requests,weight,orders,refused\n", history_by_name(t->by));
        for (size_t i = 0; i < t->n; ++i)
                for (size_t k = 0; k < t->n_series; ++k)
                        put_series(t, &t->series[k], i);
}
