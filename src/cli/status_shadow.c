#include "cli/status_shadow.h"
#include "cli/cmd.h"

#include <jansson.h>
#include <stdio.h>
#include <time.h>

static json_int_t number(const json_t *object, const char *key)
{
        return json_integer_value(json_object_get(object, key));
}

static const char *text(const json_t *object, const char *key)
{
        const char *value = json_string_value(json_object_get(object, key));

        return value ? value : "";
}

static double real(const json_t *object, const char *key)
{
        return json_number_value(json_object_get(object, key));
}

/* "2026-01-31 23:59:59" */
static const char *time_text(json_int_t at_ms, char to[32])
{
        time_t seconds = (time_t)(at_ms / 1000);
        struct tm tm;

        if (!gmtime_r(&seconds, &tm) || strftime(to, 32, "%Y-%m-%d %H:%M:%S", &tm) == 0)
                return "?";
        return to;
}

static void print_classes(const json_t *report)
{
        const json_t *class;
        size_t i;

        printf("\n%-10s %10s %10s %10s %10s %12s %12s\n", "class", "requests", "at once", "later",
               "refused", "mean wait ms", "longest ms");
        json_array_foreach(json_object_get(report, "classes"), i,
                           class) if (number(class, "requests") > 0)
                printf("%-10s %10lld %10lld %10lld %10lld %12.0f %12lld\n", text(class, "class"),
                       (long long)number(class, "requests"), (long long)number(class, "at_once"),
                       (long long)number(class, "delayed"), (long long)number(class, "refused"),
                       real(class, "mean_wait_ms"), (long long)number(class, "longest_wait_ms"));
}

static void print_waits(const json_t *report)
{
        const json_t *class;
        size_t i;

        json_array_foreach(json_object_get(report, "classes"), i, class)
        {
                const char *name;
                json_t *n;

                if (number(class, "delayed") == 0)
                        continue;
                printf("%-10s waits up to:", text(class, "class"));
                json_object_foreach(json_object_get(class, "waits"), name,
                                    n) if (json_integer_value(n) > 0)
                        printf(" %s: %lld ", name, (long long)json_integer_value(n));
                putchar('\n');
        }
}

static void print_reasons(const json_t *report)
{
        const json_t *reason, *example;
        char at[32];
        size_t i, k;

        json_array_foreach(json_object_get(report, "would_have_refused"), i, reason)
        {
                printf("\nwould have been refused (%s): %lld\n", text(reason, "reason"),
                       (long long)number(reason, "requests"));
                json_array_foreach(json_object_get(reason, "examples"), k, example)
                {
                        printf("    %s  %s %s", time_text(number(example, "at_ms"), at),
                               text(example, "request"), text(example, "class"));
                        if (number(example, "room_in_ms") > 0)
                                printf(", room in %lld ms",
                                       (long long)number(example, "room_in_ms"));
                        putchar('\n');
                }
        }
}

static void print_refusals(const json_t *report)
{
        const json_t *one;
        size_t i;

        putchar('\n');
        json_array_foreach(json_object_get(report, "refused_by_exchange"), i,
                           one) if (number(one, "seen") > 0)
                printf("the exchange answered %lld (%lld): %lld times, of which weir would "
                       "have prevented %lld\n",
                       (long long)number(one, "status"), (long long)number(one, "code"),
                       (long long)number(one, "seen"), (long long)number(one, "prevented"));
}

static void print_report(const json_t *report)
{
        const json_t *yield = json_object_get(report, "estimated_yield");
        char since[32], until[32];

        printf("shadow of %s to %s UTC: %lld requests passed\n",
               time_text(number(report, "since_ms"), since),
               time_text(number(report, "until_ms"), until), (long long)number(report, "requests"));
        print_classes(report);
        print_waits(report);
        print_reasons(report);
        print_refusals(report);
        if (number(report, "would_have_retried") > 0)
                printf("would have been sent again after a refusal: %lld\n",
                       (long long)number(report, "would_have_retried"));
        printf("of the weight that was asked for the exchange served %.1f %%; through weir it "
               "would "
               "be %.1f %%\n",
               real(yield, "without_weir_pct"), real(yield, "with_weir_pct"));
}

int status_shadow(const char *region_path, bool is_json)
{
        char path[4096 + 16];
        json_error_t error;
        json_t *report;

        snprintf(path, sizeof(path), "%s.shadow", region_path);
        report = json_load_file(path, 0, &error);
        if (!report) {
                fprintf(stderr,
                        "weir: status: no shadow report %s: %s; start weir gateway --shadow, or "
                        "name "
                        "its region with --region\n",
                        path, error.text);
                return EXIT_FAILED;
        }
        if (is_json) {
                json_dumpf(report, stdout, JSON_INDENT(2));
                putchar('\n');
        } else {
                print_report(report);
        }
        json_decref(report);
        return EXIT_DONE;
}
