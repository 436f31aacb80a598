#include "cli/check_weights.h"

#include "budget/weights_list.h"
#include "cli/cmd.h"
#include "cli/look.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static void time_text(uint64_t ms, char *to, size_t size)
{
        time_t seconds = (time_t)(ms / MS_PER_SECOND);
        struct tm tm;

        to[0] = '\0';
        if (ms == 0 || !gmtime_r(&seconds, &tm) || strftime(to, size, "%Y-%m-%d %H:%M", &tm) == 0)
                snprintf(to, size, "-");
}

static void number_text(bool is_there, uint32_t n, char *to, size_t size)
{
        if (is_there)
                snprintf(to, size, "%u", n);
        else
                snprintf(to, size, "-");
}

static void print_row(const struct weights_row *row, int width)
{
        const struct evidence_view *v = &row->view;
        char learnt[16], first[32], last[32];

        number_text(v->has_learnt, v->learnt, learnt, sizeof(learnt));
        time_text(v->first_ms, first, sizeof(first));
        time_text(v->last_ms, last, sizeof(last));
        printf("%-9s  %-*s %6u %7s %5u %8u %5u%%  %-16s  %s\n", weights_row_state(row), width,
               row->name, row->said, learnt, row->used, v->samples, row->share_pct, first, last);
}

/* What else was seen of a row that somebody has to decide on. */
static void print_values(const struct weights_row *row)
{
        const struct evidence_view *v = &row->view;

        printf("           seen:");
        for (size_t i = 0; i < EVIDENCE_VALUES && v->values[i].samples > 0; ++i)
                printf("%s %u (%u times, in %u windows)", i > 0 ? "," : "", v->values[i].cost,
                       v->values[i].samples, v->values[i].windows);
        putchar('\n');
}

static void print_decisions(const struct weights_list *list)
{
        if (list->n_disagreements == 0)
                return;
        puts("\nWhere two differ the higher is charged. To decide for what was learnt, write in "
             "the "
             "configuration:\n\nweights:");
        for (size_t i = 0; i < list->n; ++i)
                if (list->rows[i].is_disagreement)
                        printf("  \"%s\": %u\n", list->rows[i].name, list->rows[i].view.learnt);
}

static void print_all(const struct weights_list *list)
{
        int width = 8;

        if (list->n == 0) {
                puts("no evidence yet: it comes with requests that are alone on their way");
                return;
        }
        for (size_t i = 0; i < list->n; ++i) {
                int n = (int)strlen(list->rows[i].name);

                width = n > width ? n : width;
        }
        printf("%-9s  %-*s %6s %7s %5s %8s %6s  %-16s  %s\n", "", width, "what", "table", "learnt",
               "used", "samples", "share", "first seen", "last seen (UTC)");
        for (size_t i = 0; i < list->n; ++i) {
                print_row(&list->rows[i], width);
                if (list->rows[i].is_disagreement)
                        print_values(&list->rows[i]);
        }
        print_decisions(list);
}

static json_t *row_json(const struct weights_row *row)
{
        const struct evidence_view *v = &row->view;
        json_t *seen = json_array(), *json;

        for (size_t i = 0; i < EVIDENCE_VALUES && v->values[i].samples > 0; ++i)
                json_array_append_new(seen, json_pack("{s:I, s:I, s:I}", "weight",
                                                      (json_int_t)v->values[i].cost, "samples",
                                                      (json_int_t)v->values[i].samples, "windows",
                                                      (json_int_t)v->values[i].windows));
        json = json_pack("{s:s, s:s, s:b, s:I, s:I, s:I, s:I, s:o, s:I, s:I}", "what", row->name,
                         "state", weights_row_state(row), "known", row->is_known, "table",
                         (json_int_t)row->said, "used", (json_int_t)row->used, "samples",
                         (json_int_t)v->samples, "share_pct", (json_int_t)row->share_pct, "seen",
                         seen, "first_ms", (json_int_t)v->first_ms, "last_ms",
                         (json_int_t)v->last_ms);
        json_object_set_new(json, "learnt",
                            v->has_learnt ? json_integer((json_int_t)v->learnt) : json_null());
        json_object_set_new(json, "decided",
                            v->has_decided ? json_integer((json_int_t)v->decided) : json_null());
        return json;
}

static void print_json(const struct weights_list *list, const char *path)
{
        json_t *rows = json_array(), *root;

        for (size_t i = 0; i < list->n; ++i)
                json_array_append_new(rows, row_json(&list->rows[i]));
        root = json_pack("{s:s, s:I, s:o}", "region", path, "disagreements",
                         (json_int_t)list->n_disagreements, "weights", rows);
        json_dumpf(root, stdout, JSON_INDENT(2));
        putchar('\n');
        json_decref(root);
}

int check_weights(const char *path, bool is_json)
{
        struct region region = REGION_NULL;
        struct weights_list *list;
        char place[LOOK_PATH_SIZE];
        int r, opened;

        if (!path || path[0] == '\0')
                path = getenv("WEIR_REGION");
        path = look_path(path, place);
        opened = path ? look_open(path, &region) : -ENOENT;
        if (opened < 0)
                return EXIT_USAGE;
        list = malloc(sizeof(*list));
        must(list);
        weights_list(&region, list);
        if (is_json)
                print_json(list, path);
        else
                print_all(list);
        r = list->n_disagreements > 0 || opened == REGION_DOUBTED ? EXIT_FAILED : EXIT_DONE;
        free(list);
        region_close(&region);
        return r;
}
