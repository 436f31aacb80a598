/*
 * Files that settings name, before anything is started: what weir check says of them is what the
 * start would.
 */
#include "settings/value.h"

#include "history/archive.h"
#include "sign/signer.h"
#include "sign/tokens.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* Beyond any entry of a user database. */
#define USER_ENTRY_BYTES 16384

/* Root reads @path as its owner would, who is the one to start the gateway. Return: for
 * give_back().
 */
static uid_t become_owner(const char *path)
{
        uid_t us = geteuid();
        struct stat st;

        if (us == 0 && lstat(path, &st) == 0 && st.st_uid != 0)
                (void)!seteuid(st.st_uid);
        return us;
}

static void give_back(uid_t us)
{
        if (geteuid() != us)
                must(seteuid(us) == 0);
}

/* What systemd lends a unit (LoadCredential=) is there only while that runs. */
static bool is_lent_later(const char *path)
{
        return strncmp(path, "/run/credentials/", strlen("/run/credentials/")) == 0 &&
               access(path, F_OK) < 0;
}

static int open_tokens(const char *path, char why[VAULT_WHY_MAX])
{
        struct tokens *tokens = NULL;
        uid_t us = become_owner(path);
        int r = tokens_open(path, &tokens, why);

        give_back(us);
        tokens_close(tokens);
        return r;
}

/* A file that the account lacks is no mistake of the file's. */
static int try_signer_file(const char *path, bool is_secret, char why[SIGNER_WHY_MAX])
{
        uid_t us;
        int r;

        if (!path[0] || is_lent_later(path))
                return 0;
        us = become_owner(path);
        r = signer_try_file(path, is_secret, why);
        give_back(us);
        return r;
}

static int try_tokens(const struct settings *s, enum settings_id id, const char *path,
                      struct settings_report *report)
{
        char why[VAULT_WHY_MAX];
        struct sentence sentence;

        /* Of one that is not there settings_check() has told. */
        if (!path[0] || access(path, R_OK) < 0 || open_tokens(path, why) == 0)
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

int settings_find_user(const char *text, uid_t *ret_user)
{
        char entry[USER_ENTRY_BYTES];
        struct passwd user, *found = NULL;
        uint64_t number;

        if (str_to_u64(str_of(text), &number) == 0 && number < UINT32_MAX) {
                *ret_user = (uid_t)number;
                return 0;
        }
        if (getpwnam_r(text, &user, entry, sizeof(entry), &found) != 0 || !found)
                return -ENOENT;
        *ret_user = user.pw_uid;
        return 0;
}

static int complain(const struct settings_accounts *all, const struct settings_credential *c,
                    struct settings_report *report, const char *why)
{
        const struct settings_account *account = &all->all[c->account];

        return report_add(report, report->file ? report->file : "accounts", account->line,
                          account->column, "accounts.%s: %s", account->name, why);
}

static int try_credential(const struct settings_accounts *all, const struct settings_credential *c,
                          struct settings_report *report)
{
        char why[SIGNER_WHY_MAX > VAULT_WHY_MAX ? SIGNER_WHY_MAX : VAULT_WHY_MAX];
        int answer = SETTINGS_GOOD;
        uid_t user;

        if (try_signer_file(c->key_file, false, why) < 0)
                answer = report_worse(answer, complain(all, c, report, why));
        if (try_signer_file(c->secret_file, true, why) < 0)
                answer = report_worse(answer, complain(all, c, report, why));
        if (c->token_file[0] && !is_lent_later(c->token_file) &&
            open_tokens(c->token_file, why) < 0)
                answer = report_worse(answer, complain(all, c, report, why));
        for (size_t i = 0; i < c->n_users; ++i) {
                if (settings_find_user(c->users[i], &user) == 0)
                        continue;
                snprintf(why, sizeof(why), SETTINGS_NO_USER, c->users[i]);
                answer = report_worse(answer, complain(all, c, report, why));
        }
        return answer;
}

int settings_try_files(const struct settings *s, struct settings_report *report)
{
        int answer = try_tokens(s, SETTING_watch_token_file, s->watch.token_file, report);

        answer = report_worse(answer, try_tokens(s, SETTING_watch_action_token_file,
                                                 s->watch.action_token_file, report));
        for (size_t i = 0; i < s->accounts.n_credentials; ++i)
                answer = report_worse(answer, try_credential(&s->accounts,
                                                             &s->accounts.credentials[i], report));
        return report_worse(answer, try_history(s, report));
}
