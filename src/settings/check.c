/*
 * Values that are good alone but not together, and files that are named but not there.
 */
#include "settings/settings.h"

#include <errno.h>
#include <unistd.h>

#include "settings/table.h"
#include "settings/value.h"

int report_worse(int a, int b)
{
        if (a < 0 || b < 0)
                return a < 0 ? a : b;
        return a ? a : b;
}

int report_add_at(const struct settings *s, enum settings_id id, struct settings_report *report,
                  const struct sentence *what)
{
        const struct settings_origin *origin = &s->origins[id];
        const struct setting *t = &settings_table[id];
        char variable[80];

        switch (origin->source) {
        case SETTINGS_FILE:
                return report_add(report, report->file ? report->file : "file", origin->line,
                                  origin->column, "%s: %s", t->key, what->text);
        case SETTINGS_ENVIRONMENT:
                snprintf(variable, sizeof(variable), "environment variable %s", t->env);
                return report_add(report, variable, 0, 0, "%s: %s", t->key, what->text);
        case SETTINGS_FLAG:
                return report_add(report, "command line", 0, 0, "%s: %s", t->key, what->text);
        case SETTINGS_DEFAULT:
                break;
        }
        return report_add(report, "default", 0, 0, "%s: %s", t->key, what->text);
}

static int check_ceilings(const struct settings *s, struct settings_report *report)
{
        int answer = SETTINGS_GOOD;

        for (size_t i = 1; i < CLASS_COUNT; ++i) {
                size_t id = SETTING_classes_cancel + i;
                struct sentence why;

                if (s->ceiling_pct[i] <= s->ceiling_pct[i - 1])
                        continue;
                sentence_say(
                        &why,
                        "%u%% for %s is more than the %u%% of %s, which comes before it; lower "
                        "%s or raise %s",
                        s->ceiling_pct[i], class_name((enum weir_class)i), s->ceiling_pct[i - 1],
                        class_name((enum weir_class)(i - 1)), class_name((enum weir_class)i),
                        class_name((enum weir_class)(i - 1)));
                /* The user looks for the mistake where they wrote something. */
                if (s->origins[id].source == SETTINGS_DEFAULT)
                        --id;
                answer = report_worse(answer, report_add_at(s, (enum settings_id)id, report, &why));
        }
        return answer;
}

static int check_pool(const struct settings *s, struct settings_report *report)
{
        enum settings_id id = s->origins[SETTING_pool_warm].source == SETTINGS_DEFAULT
                                      ? SETTING_pool_max
                                      : SETTING_pool_warm;
        struct sentence why;

        if (s->pool.warm <= s->pool.max)
                return SETTINGS_GOOD;
        sentence_say(&why,
                     "%u warm connections do not fit into a pool of %u; lower pool.warm or "
                     "raise pool.max",
                     s->pool.warm, s->pool.max);
        return report_add_at(s, id, report, &why);
}

/* An upstream that is weir itself would send every request in a circle. */
static int check_circle(const struct settings *s, struct settings_report *report)
{
        int answer = SETTINGS_GOOD;
        char text[2 * SETTINGS_HOST_SIZE];
        struct sentence why;

        for (size_t i = 0; i < s->n_listen; ++i) {
                for (size_t j = 0; j < POLICY_GROUP_COUNT; ++j) {
                        if (!address_is_equal(&s->listen[i], &s->upstream[j]))
                                continue;
                        sentence_say(&why, "weir itself listens on %s; name the exchange's address",
                                     settings_address_text(&s->listen[i], false, text,
                                                           sizeof(text)));
                        answer = report_worse(
                                answer,
                                report_add_at(s, (enum settings_id)(SETTING_upstream_api + j),
                                              report, &why));
                }
        }
        return answer;
}

/* A socket of this machine sees no addresses: all would be one there, and several here. */
static int check_egress(const struct settings *s, struct settings_report *report)
{
        struct sentence why;

        if (s->n_egress == 1 && s->egress[0].host[0] == '\0')
                return SETTINGS_GOOD;
        for (size_t i = 0; i < POLICY_GROUP_COUNT; ++i) {
                if (!s->upstream[i].is_unix)
                        continue;
                sentence_say(&why,
                             "upstream.%s is a socket of this machine, to which no address is left "
                             "from; leave egress out, or name a host",
                             policy_group_name((enum policy_group)i));
                return report_add_at(s, SETTING_egress, report, &why);
        }
        return SETTINGS_GOOD;
}

static int check_tls_ca(const struct settings *s, struct settings_report *report)
{
        char quoted[QUOTE_SIZE];
        struct sentence why;

        if (s->tls_ca[0] == '\0' || access(s->tls_ca, R_OK) == 0)
                return SETTINGS_GOOD;
        sentence_say(&why, "%s cannot be read: %s",
                     value_quote(str_of(s->tls_ca), quoted, sizeof(quoted)), strerror(errno));
        return report_add_at(s, SETTING_tls_ca, report, &why);
}

static int check_shadow(const struct settings *s, struct settings_report *report)
{
        struct sentence why;

        if (!s->shadow || s->limits)
                return SETTINGS_GOOD;
        sentence_say(&why, "limits is off, so nothing is decided that could be reported; leave one "
                           "of them out");
        return report_add_at(s, SETTING_shadow, report, &why);
}

int settings_check(const struct settings *s, struct settings_report *report)
{
        int answer = check_ceilings(s, report);

        answer = report_worse(answer, check_pool(s, report));
        answer = report_worse(answer, check_circle(s, report));
        answer = report_worse(answer, check_shadow(s, report));
        answer = report_worse(answer, check_egress(s, report));
        answer = report_worse(answer, watch_check(s, report));
        return report_worse(answer, check_tls_ca(s, report));
}

/*
 * As many requests as there are connections are on their way when an exchange hangs: they arrive at
 * one moment when it goes on, whatever the front let through in each second before.
 */
static int doubt_pool(const struct settings *s, struct settings_report *report)
{
        enum settings_id id = s->origins[SETTING_pool_max].source == SETTINGS_DEFAULT
                                      ? SETTING_rate_ceiling
                                      : SETTING_pool_max;
        struct sentence why;

        if (s->rate_ceiling == 0 || s->pool.max <= s->rate_ceiling)
                return SETTINGS_GOOD;
        sentence_say(
                &why,
                "%u requests may be on their way when an exchange hangs (pool.max), and arrive "
                "at one moment when it goes on: more than the %u a second of rate_ceiling, "
                "which its firewall may take for an attack; lower pool.max well below it, or "
                "raise rate_ceiling",
                s->pool.max, s->rate_ceiling);
        return report_add_at(s, id, report, &why);
}

int settings_doubt(const struct settings *s, struct settings_report *report)
{
        return doubt_pool(s, report);
}
