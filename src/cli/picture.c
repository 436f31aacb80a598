#include "cli/picture.h"
#include "core/sweep.h"

#include <stdarg.h>
#include <string.h>

#define NUMBER_MOST 9007199254740992LL

json_int_t picture_number(const json_t *object, const char *member)
{
        const json_t *value = json_object_get(object, member);
        double real = json_real_value(value);
        json_int_t n = json_integer_value(value);

        if (json_is_real(value))
                n = real >= (double)NUMBER_MOST    ? NUMBER_MOST
                    : real <= -(double)NUMBER_MOST ? -NUMBER_MOST
                                                   : (json_int_t)real;
        return n > NUMBER_MOST ? NUMBER_MOST : n < -NUMBER_MOST ? -NUMBER_MOST : n;
}

json_int_t picture_amount(const json_t *object, const char *member)
{
        json_int_t n = picture_number(object, member);

        return n < 0 ? 0 : n > INT32_MAX ? INT32_MAX : n;
}

json_int_t picture_rest(const json_t *now, const json_t *row, const char *member)
{
        json_int_t rest = picture_number(row, member) - picture_number(now, "age_ms");

        return rest > 0 ? rest : 0;
}

const char *picture_text(const json_t *object, const char *member)
{
        const char *text = json_string_value(json_object_get(object, member));

        return text ? text : "";
}

const char *picture_time(json_int_t ms, char to[PICTURE_TIME_SIZE])
{
        long long s = ms / 1000;

        if (ms < 1000)
                snprintf(to, PICTURE_TIME_SIZE, "%lld ms", (long long)(ms > 0 ? ms : 0));
        else if (s < 10)
                snprintf(to, PICTURE_TIME_SIZE, "%lld.%lld s", s, (long long)ms / 100 % 10);
        else if (s < 300)
                snprintf(to, PICTURE_TIME_SIZE, "%lld s", s);
        else if (s < 3600)
                snprintf(to, PICTURE_TIME_SIZE, "%lld m", s / 60);
        else if (s < 86400)
                snprintf(to, PICTURE_TIME_SIZE, "%lld h %02lld m", s / 3600, s / 60 % 60);
        else
                snprintf(to, PICTURE_TIME_SIZE, "%lld d %02lld h", s / 86400, s / 3600 % 24);
        return to;
}

const char *picture_left(json_int_t ms, char to[PICTURE_TIME_SIZE])
{
        json_int_t s = (ms + 999) / 1000;

        if (s >= 300)
                return picture_time(s * 1000, to);
        snprintf(to, PICTURE_TIME_SIZE, "%lld s", (long long)(s > 0 ? s : 0));
        return to;
}

const char *picture_count(json_int_t n, char to[PICTURE_COUNT_SIZE])
{
        long long v = n;

        if (v < 100000 && v > -100000)
                snprintf(to, PICTURE_COUNT_SIZE, "%lld", v);
        else if (v < 1000000)
                snprintf(to, PICTURE_COUNT_SIZE, "%lldk", v / 1000);
        else
                snprintf(to, PICTURE_COUNT_SIZE, "%lld.%lldM", v / 1000000, v / 100000 % 10);
        return to;
}

struct alarms {
        struct sheet *sheet;
        struct picture_box box;
        unsigned n;
};

static void alarm_line(struct alarms *a, enum sheet_style style, const char *format, ...)
        PRINTF(3, 4);

/* How much of @text goes into a row of @width, up to a blank if there is one. */
static size_t part_of(const char *text, unsigned width)
{
        size_t n = strlen(text), at;

        if (n <= width || width == 0)
                return n;
        for (at = width; at > 0 && text[at] != ' ';)
                --at;
        return at > 0 ? at : width;
}

/* In as many rows as it takes: what is wrong is not cut off. */
static void alarm_line(struct alarms *a, enum sheet_style style, const char *format, ...)
{
        unsigned width = a->box.end > a->box.col + 2 ? a->box.end - a->box.col - 2 : 0;
        char text[512];
        const char *rest = text;
        va_list args;

        va_start(args, format);
        (void)vsnprintf(text, sizeof(text), format, args);
        va_end(args);
        while (*rest && a->box.row + a->n < a->box.end_row) {
                unsigned row = a->box.row + a->n++;
                size_t n = part_of(rest, width);

                sheet_mark(a->sheet, row, a->box.col, style, "▌", '!');
                sheet_put(a->sheet, row, a->box.col + 2, a->box.end, style, "%.*s", (int)n, rest);
                rest += n;
                while (*rest == ' ')
                        ++rest;
        }
}

/* " by NAME" but for the address without a name. */
static const char *by(const json_t *row, char to[160])
{
        const char *egress = picture_text(row, "egress");

        to[0] = '\0';
        if (egress[0] && strcmp(egress, "default") != 0)
                snprintf(to, 160, " by %s", egress);
        return to;
}

static void gate_alarms(struct alarms *a, const json_t *now, bool are_bans)
{
        const json_t *gate;
        size_t i;

        json_array_foreach(json_object_get(now, "gates"), i, gate)
        {
                const char *kind = picture_text(gate, "kind");
                json_int_t for_ms = picture_rest(now, gate, "for_ms");
                bool is_stop = strcmp(kind, "stop") == 0;
                char left[PICTURE_TIME_SIZE], way[160];

                if (is_stop == are_bans)
                        continue;
                if (for_ms == 0)
                        alarm_line(a, is_stop ? SHEET_WARN : SHEET_BAD,
                                   "%s%s: %s is over, a probe is to be answered%s",
                                   picture_text(gate, "product"), by(gate, way), kind,
                                   json_is_true(json_object_get(gate, "probing")) ? ": being asked"
                                                                                  : "");
                else
                        alarm_line(a, is_stop ? SHEET_WARN : SHEET_BAD,
                                   "%s%s: %s for %s more, nothing is sent",
                                   picture_text(gate, "product"), by(gate, way), kind,
                                   picture_left(for_ms, left));
        }
}

static void breaker_alarms(struct alarms *a, const json_t *now)
{
        const json_t *breaker;
        size_t i;

        json_array_foreach(json_object_get(now, "breakers"), i, breaker)
        {
                char left[PICTURE_TIME_SIZE], way[160];

                alarm_line(a, SHEET_BAD, "%s%s does not answer, %lld failures in a row: %s %s",
                           picture_text(breaker, "product"), by(breaker, way),
                           (long long)picture_number(breaker, "failures"),
                           strcmp(picture_text(breaker, "state"), "probing") == 0
                                   ? "being asked, again in"
                                   : "asked again in",
                           picture_left(picture_rest(now, breaker, "for_ms"), left));
        }
}

static void ramp_alarms(struct alarms *a, const json_t *now)
{
        const json_t *ramp;
        size_t i;

        json_array_foreach(json_object_get(json_object_get(now, "front"), "ramps"), i, ramp)
        {
                char left[PICTURE_TIME_SIZE], way[160];

                alarm_line(a, SHEET_WARN,
                           "%s%s opened again: more from second to second, for %s more",
                           picture_text(ramp, "product"), by(ramp, way),
                           picture_left(picture_rest(now, ramp, "for_ms"), left));
        }
}

static void stopped_alarms(struct alarms *a, const json_t *now)
{
        const json_t *budget;
        size_t i;

        json_array_foreach(json_object_get(now, "budgets"), i, budget)
        {
                json_int_t for_ms = picture_rest(now, budget, "shut_for_ms");
                const char *account = picture_text(budget, "account");
                char left[PICTURE_TIME_SIZE], way[160];

                if (for_ms > 0)
                        alarm_line(a, SHEET_WARN, "%s%s%s%s: stopped for %s more",
                                   picture_text(budget, "name"), account[0] ? " of " : "", account,
                                   by(budget, way), picture_left(for_ms, left));
        }
}

static void paused_alarms(struct alarms *a, const json_t *now)
{
        static const char *const members[] = { "classes", "clients" };
        const json_t *paused = json_object_get(now, "paused"), *name;
        size_t k;

        for (size_t i = 0; i < ARRAY_SIZE(members); ++i)
                json_array_foreach(json_object_get(paused, members[i]), k, name)
                        alarm_line(a, SHEET_WARN, "paused: %s %s", i == 0 ? "class" : "client",
                                   json_string_value(name) ? json_string_value(name) : "?");
}

static void host_alarms(struct alarms *a, const json_t *now)
{
        const json_t *hosts = json_object_get(now, "hosts");
        const char *words = picture_text(hosts, "words");

        if (words[0] != '\0')
                alarm_line(a, picture_number(hosts, "share_for_s") > 0 ? SHEET_WARN : SHEET_BAD,
                           "%s", words);
}

static void add_notes(struct alarms *a, const json_t *now)
{
        const json_t *gateway = json_object_get(now, "gateway");
        const char *state = picture_text(gateway, "state");

        if (strcmp(picture_text(gateway, "history"), "failed") == 0)
                alarm_line(a, SHEET_WARN, "history cannot be written; requests are served on");
        if (state[0] && strcmp(state, "ready") != 0)
                alarm_line(a, SHEET_WARN, "the gateway is %s", state);
        if (picture_number(now, "weight_disagreements") > 0)
                alarm_line(a, SHEET_WARN, "%lld cost other than charged, see weir check --weights",
                           (long long)picture_number(now, "weight_disagreements"));
        if (json_array_size(json_object_get(now, "same_account")) > 0)
                alarm_line(a, SHEET_WARN,
                           "keys seem to be one account's and count apart, see weir status");
        /* Long before nobody finds room any more. */
        if (picture_number(now, "slots_taken") >= SWEEP_FROM)
                alarm_line(a, SHEET_WARN,
                           "the region gets full: %lld slots are taken, see weir status",
                           (long long)picture_number(now, "slots_taken"));
}

unsigned picture_alarms(struct sheet *sheet, struct picture_box box, const json_t *now)
{
        struct alarms a = { sheet, box, 0 };

        gate_alarms(&a, now, true);
        breaker_alarms(&a, now);
        host_alarms(&a, now);
        gate_alarms(&a, now, false);
        ramp_alarms(&a, now);
        stopped_alarms(&a, now);
        paused_alarms(&a, now);
        return a.n;
}

unsigned picture_notes(struct sheet *sheet, struct picture_box box, const json_t *now)
{
        struct alarms a = { sheet, box, 0 };

        add_notes(&a, now);
        return a.n;
}
