/*
 * The shadow's report: a file of JSON beside the region, written anew every two seconds while there
 * is something new, for weir status --shadow; and sums in the log.
 */
#include "base/clock.h"
#include "base/log.h"
#include "gateway/shadow.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const wait_names[SHADOW_WAITS] = { "1ms", "10ms", "100ms", "1s",
                                                      "10s", "60s",  "more" };

static const struct {
        int status, code;
} refusals[SHADOW_REFUSALS] = {
        [SHADOW_OVER_WEIGHT] = { 429, -1003 },
        [SHADOW_TOO_MANY_ORDERS] = { 429, -1015 },
        [SHADOW_BANNED] = { 418, -1003 },
        [SHADOW_BLOCKED] = { 403, 0 },
};

static json_int_t number(uint64_t n)
{
        return (json_int_t)n;
}

static json_t *classes_json(const struct shadow *s)
{
        json_t *all = json_array();

        for (unsigned c = 0; c < CLASS_COUNT; ++c) {
                json_t *waits = json_object();
                uint64_t delayed = s->classes[c].delayed;

                for (size_t i = 0; i < SHADOW_WAITS; ++i)
                        json_object_set_new(waits, wait_names[i],
                                            json_integer(number(s->classes[c].waits[i])));
                json_array_append_new(
                        all,
                        json_pack("{s:s, s:I, s:I, s:I, s:I, s:f, s:I, s:o}", "class",
                                  class_name((enum weir_class)c), "requests",
                                  number(s->classes[c].requests), "at_once",
                                  number(s->classes[c].at_once), "delayed", number(delayed),
                                  "refused", number(s->classes[c].refused), "mean_wait_ms",
                                  delayed ? (double)s->classes[c].wait_ms / (double)delayed : 0.0,
                                  "longest_wait_ms", number(s->classes[c].longest_ms), "waits",
                                  waits));
        }
        return all;
}

static json_t *examples_json(const struct shadow *s, unsigned reason)
{
        uint64_t n =
                s->reasons[reason].n < SHADOW_EXAMPLES ? s->reasons[reason].n : SHADOW_EXAMPLES;
        json_t *all = json_array();

        for (uint64_t i = 0; i < n; ++i) {
                const struct shadow_example *e = &s->reasons[reason].examples[i];
                json_t *one = json_pack("{s:I, s:s, s:s, s:I}", "at_ms", number(e->at_ms),
                                        "request", e->request, "request_id", e->request_id,
                                        "room_in_ms", number(e->wait_ms));

                if (e->class < CLASS_COUNT)
                        json_object_set_new(one, "class", json_string(class_name(e->class)));
                json_array_append_new(all, one);
        }
        return all;
}

static json_t *reasons_json(const struct shadow *s)
{
        json_t *all = json_array();

        for (unsigned r = 0; r < SHADOW_REASON_COUNT; ++r)
                if (s->reasons[r].n > 0)
                        json_array_append_new(all,
                                              json_pack("{s:s, s:I, s:o}", "reason",
                                                        shadow_reason_name((enum shadow_reason)r),
                                                        "requests", number(s->reasons[r].n),
                                                        "examples", examples_json(s, r)));
        return all;
}

static json_t *refusals_json(const struct shadow *s)
{
        json_t *all = json_array();

        for (size_t i = 0; i < SHADOW_REFUSALS; ++i)
                json_array_append_new(all,
                                      json_pack("{s:i, s:i, s:I, s:I}", "status",
                                                refusals[i].status, "code", refusals[i].code,
                                                "seen", number(s->refusals[i].seen), "prevented",
                                                number(s->refusals[i].prevented)));
        return all;
}

/* Of the weight that programs asked for. */
static double share(uint64_t part, uint64_t loss, uint64_t asked)
{
        return asked == 0 ? 100.0 : (double)(part > loss ? part - loss : 0) * 100 / (double)asked;
}

static json_t *report_json(const struct shadow *s)
{
        json_t *weight = json_pack("{s:I, s:I, s:I, s:I}", "asked", number(s->weight.asked),
                                   "refused_by_exchange", number(s->weight.refused),
                                   "would_have_sent", number(s->weight.sent),
                                   "would_have_been_refused_by_exchange", number(s->weight.kept));
        json_t *yield =
                json_pack("{s:f, s:f}", "without_weir_pct",
                          share(s->weight.asked, s->weight.refused, s->weight.asked),
                          "with_weir_pct", share(s->weight.sent, s->weight.kept, s->weight.asked));

        return json_pack("{s:I, s:I, s:i, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:o}", "since_ms",
                         number(s->since_ms), "until_ms", number(clock_wall_us() / US_PER_MS),
                         "pid", (int)getpid(), "requests", number(s->requests),
                         "before_the_time_was_known", number(s->undecided), "would_have_retried",
                         number(s->retried), "classes", classes_json(s), "would_have_refused",
                         reasons_json(s), "refused_by_exchange", refusals_json(s), "weight", weight,
                         "estimated_yield", yield);
}

int shadow_write(const struct shadow *s)
{
        char place[sizeof(s->path) + 8];
        json_t *report;
        int fd, r = 0;

        snprintf(place, sizeof(place), "%s.new", s->path);
        fd = open(place, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);
        if (fd < 0)
                return -errno;
        report = report_json(s);
        if (!report || json_dumpfd(report, fd, JSON_INDENT(2)) < 0)
                r = -EIO;
        json_decref(report);
        if (close(fd) < 0 && r == 0)
                r = -errno;
        if (r == 0 && rename(place, s->path) < 0)
                r = -errno;
        if (r < 0)
                (void)unlink(place);
        return r;
}

void shadow_tell(const struct shadow *s)
{
        uint64_t delayed = 0, refused = 0, seen = 0, prevented = 0;

        for (unsigned c = 0; c < CLASS_COUNT; ++c) {
                delayed += s->classes[c].delayed;
                refused += s->classes[c].refused;
        }
        for (size_t i = 0; i < SHADOW_REFUSALS; ++i) {
                seen += s->refusals[i].seen;
                prevented += s->refusals[i].prevented;
        }
        log_event(LOG_INFO, "shadow_report",
                  "requests=%llu would_wait=%llu would_refuse=%llu would_retry=%llu "
                  "refused_by_exchange=%llu would_prevent=%llu yield_pct=%.1f with_weir_pct=%.1f "
                  "path=%s",
                  (unsigned long long)s->requests, (unsigned long long)delayed,
                  (unsigned long long)refused, (unsigned long long)s->retried,
                  (unsigned long long)seen, (unsigned long long)prevented,
                  share(s->weight.asked, s->weight.refused, s->weight.asked),
                  share(s->weight.sent, s->weight.kept, s->weight.asked), s->path);
}
