/*
 * Files that settings name, before anything is started: what weir check says of them is what the
 * start would.
 */
#include "settings/value.h"

#include "history/archive.h"
#include "sign/tokens.h"

#include <sys/stat.h>
#include <unistd.h>

static int open_as_owner(const char *path, char why[VAULT_WHY_MAX])
{
        struct tokens *tokens = NULL;
        uid_t us = geteuid();
        struct stat st;
        bool is_lent =
                us == 0 && lstat(path, &st) == 0 && st.st_uid != 0 && seteuid(st.st_uid) == 0;
        int r = tokens_open(path, &tokens, why);

        if (is_lent)
                must(seteuid(us) == 0);
        tokens_close(tokens);
        return r;
}

static int try_tokens(const struct settings *s, enum settings_id id, const char *path,
                      struct settings_report *report)
{
        char why[VAULT_WHY_MAX];
        struct sentence sentence;

        if (!path[0] || open_as_owner(path, why) == 0)
                return SETTINGS_GOOD;
        sentence_say(&sentence, "%s", why);
        return report_add_at(s, id, report, &sentence);
}

static int try_history(const struct settings *s, struct settings_report *report)
{
        const char *path = s->history.path;
        char why[ARCHIVE_WHY_SIZE];
        struct sentence sentence;

        if (!path[0] || strcmp(path, "on") == 0 || strcmp(path, "off") == 0 ||
            archive_try(path, why) == 0)
                return SETTINGS_GOOD;
        sentence_say(&sentence, "%s", why);
        return report_add_at(s, SETTING_history_path, report, &sentence);
}

int settings_try_files(const struct settings *s, struct settings_report *report)
{
        int answer = try_tokens(s, SETTING_watch_token_file, s->watch.token_file, report);

        answer = report_worse(answer, try_tokens(s, SETTING_watch_action_token_file,
                                                 s->watch.action_token_file, report));
        return report_worse(answer, try_history(s, report));
}
