#include "cli/check_tls.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "net/tls.h"
#include "settings/table.h"
#include "settings/value.h"

static int complain(const struct settings *s, enum settings_id id, struct settings_report *report,
                    const char *path, int error, const char *invalid)
{
        struct sentence why;

        sentence_say(&why, "%s: %s", path, error == -EINVAL ? invalid : strerror(-error));
        return report_add_at(s, id, report, &why);
}

int check_tls(const struct settings *s, struct settings_report *report)
{
        struct tls *tls = NULL;
        int r, answer = SETTINGS_GOOD;

        /* Of what is missing settings_check() has told. */
        if (s->watch.listen.n == 0 || access(s->watch.tls_cert, R_OK) < 0 ||
            access(s->watch.tls_key, R_OK) < 0)
                return SETTINGS_GOOD;
        r = tls_server_new(s->watch.tls_cert, s->watch.tls_key, &tls);
        if (r < 0)
                return complain(s, SETTING_watch_tls_cert, report, s->watch.tls_cert, r,
                                "no certificate and key that belong together");
        r = access(s->watch.client_ca, R_OK) == 0 ? tls_server_trust(tls, s->watch.client_ca) : 0;
        if (r < 0)
                answer = complain(s, SETTING_watch_client_ca, report, s->watch.client_ca, r,
                                  "holds no certificate");
        tls_free(tls);
        return answer;
}
