#include "gateway/by_hand.h"

#include "base/class.h"
#include "base/clock.h"
#include "base/log.h"
#include "gateway/flow.h"
#include "gateway/watching_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FORMAT 1
/* Bytes that nothing else locks: gateway/hosts_leave.c has the first two. */
#define PLACES_FROM 4096
#define PLACES      (1u << 20)
/* A disk that is full may not be for ever. */
#define AGAIN_US (3 * US_PER_SECOND)

struct by_hand {
        char path[BY_HAND_PATH_SIZE]; /* empty: it has no place */
        char *written;                /* what is in the file; NULL: there is none */
        bool is_ours;                 /* no other gateway of the region has the place */
        bool has_failed;
        uint64_t tried_us; /* monotonic */
        char why[BY_HAND_WHY_SIZE];
};

/* Two gateways share a region, never a place to listen at. One whose port the system chooses is
 * another gateway each time. Return: false for such a one. */
static bool find_place(const struct gateway *g, const char *region, char *to, size_t size)
{
        const struct settings_address *a = &g->settings.listen[0];
        char place[SETTINGS_HOST_SIZE + SETTINGS_UNIX_SIZE + 16];
        int n;

        to[0] = '\0';
        if (g->settings.n_listen == 0 || (!a->is_unix && a->port == 0) || !region[0])
                return false;
        settings_address_text(a, false, place, sizeof(place));
        for (char *c = place; *c; ++c)
                if (*c == '/')
                        *c = '_';
        n = snprintf(to, size, "%s@%s.by-hand", region, place);
        must(n > 0 && (size_t)n < size);
        return true;
}

/* Writing. */

static json_t *paused_json(const struct pauses *p)
{
        json_t *classes = json_array(), *clients = json_array();

        for (unsigned class = 0; class < CLASS_COUNT; ++class)
                if (pauses_class_is(p, class))
                        json_array_append_new(classes, json_string(class_name(class)));
        for (size_t i = 0; i < p->n_clients; ++i)
                json_array_append_new(clients, json_pack("{s:s, s:b}", "client", p->clients[i].name,
                                                         "cancels", p->clients[i].with_cancels));
        return json_pack("{s:o, s:o}", "classes", classes, "clients", clients);
}

static json_t *shares_json(const struct settings_clients *by_hand)
{
        json_t *all = json_array();

        for (size_t i = 0; i < by_hand->n; ++i)
                json_array_append_new(all,
                                      json_pack("{s:s, s:i, s:i}", "client", by_hand->all[i].name,
                                                "share", (int)by_hand->all[i].share, "said",
                                                (int)by_hand->all[i].said));
        return all;
}

static json_t *acknowledged_json(const struct watching *w)
{
        json_t *all = json_array();

        for (size_t i = 0; i < w->n_acknowledged; ++i)
                json_array_append_new(all,
                                      json_pack("{s:s, s:I, s:I}", "variant",
                                                w->acknowledged[i].variant, "charged",
                                                (json_int_t)w->acknowledged[i].charged, "shown",
                                                (json_int_t)w->acknowledged[i].shown));
        return all;
}

/* Return: false when nothing is decided; @*ret_text: for free(), NULL: out of memory. */
static bool compose(const struct gateway *g, char **ret_text)
{
        json_t *root;

        *ret_text = NULL;
        if (pauses_are_none(&g->pauses) && g->settings.by_hand.n == 0 &&
            g->watching->n_acknowledged == 0)
                return false;
        root = json_pack("{s:s, s:i, s:o?, s:o?, s:o?}", "weir", "by-hand", "format", FORMAT,
                         "paused", paused_json(&g->pauses), "shares",
                         shares_json(&g->settings.by_hand), "acknowledged",
                         acknowledged_json(g->watching));
        *ret_text = root ? json_dumps(root, JSON_INDENT(1)) : NULL;
        json_decref(root);
        return true;
}

/* In two containers two gateways may have one place, as each sees it: the file is that one's which
 * came first. A lock on a byte of the region that stands for the place, as the kernel frees it with
 * the process. */
static bool is_ours(const struct gateway *g, struct by_hand *h)
{
        struct flock lock = {
                .l_type = F_WRLCK,
                .l_whence = SEEK_SET,
                .l_start = PLACES_FROM + (off_t)(stats_key(str_of(h->path)) % PLACES),
                .l_len = 1,
        };

        if (!h->is_ours)
                h->is_ours = g->region.fd < 0 || fcntl(g->region.fd, F_OFD_SETLK, &lock) == 0;
        if (!h->is_ours)
                snprintf(h->why, sizeof(h->why),
                         "another gateway of this region listens at the same place, and keeps its "
                         "own there");
        return h->is_ours;
}

static bool is_written(const struct by_hand *h, const char *text)
{
        return !h->has_failed && (h->written ? text && strcmp(h->written, text) == 0 : !text);
}

/* Said once each way. */
static void tell(struct by_hand *h, int r)
{
        if (r < 0)
                snprintf(h->why, sizeof(h->why), "it could not be written: %s", strerror(-r));
        if (r < 0 && !h->has_failed)
                log_event(LOG_WARN, "by_hand_unwritten",
                          "path=\"%s\" why=\"%s; what was decided by hand holds until the gateway "
                          "ends, and what is in the file is taken up then\"",
                          h->path, strerror(-r));
        if (r == 0 && h->has_failed)
                log_event(LOG_INFO, "by_hand_written", "path=\"%s\"", h->path);
        h->has_failed = r < 0;
}

const char *by_hand_store(struct gateway *g, struct by_hand *h)
{
        char *text;
        bool is_any;
        int r;

        h->tried_us = clock_mono_us();
        if (!h->path[0] || !is_ours(g, h))
                return h->why;
        is_any = compose(g, &text);
        if ((text || !is_any) && is_written(h, text)) {
                free(text);
                return NULL;
        }
        r = is_any && !text ? -ENOMEM
            : text          ? by_hand_write(h->path, str_of(text))
                            : by_hand_remove(h->path);
        tell(h, r);
        if (r < 0) {
                free(text);
                return h->why;
        }
        free(h->written);
        h->written = text;
        return NULL;
}

void by_hand_keep(struct gateway *g, struct by_hand *h)
{
        if ((h->has_failed || (h->path[0] && !h->is_ours)) &&
            clock_mono_us() - h->tried_us >= AGAIN_US)
                (void)by_hand_store(g, h);
}

/* Reading. What is not as it was written is damage: nobody can tell what it said. */

static bool take_pauses(struct gateway *g, const json_t *paused)
{
        const json_t *classes = json_object_get(paused, "classes");
        const json_t *clients = json_object_get(paused, "clients"), *it;
        size_t i;

        if (!json_is_array(classes) || !json_is_array(clients))
                return false;
        json_array_foreach(classes, i, it)
        {
                enum weir_class class;

                if (!json_is_string(it) || class_from(str_of(json_string_value(it)), &class) < 0)
                        return false;
                pauses_class(&g->pauses, class, true);
        }
        json_array_foreach(clients, i, it)
        {
                const json_t *client = json_object_get(it, "client");
                const json_t *cancels = json_object_get(it, "cancels");

                if (!json_is_string(client) || !json_is_boolean(cancels) ||
                    pauses_client(&g->pauses, json_string_value(client), json_is_true(cancels)) < 0)
                        return false;
        }
        return true;
}

/* Return: 0 for what is no share. */
static uint32_t share_in(const json_t *row, const char *member)
{
        json_int_t share = json_integer_value(json_object_get(row, member));

        return share >= 1 && share <= SETTINGS_SHARE_MAX ? (uint32_t)share : 0;
}

static bool take_shares(struct gateway *g, const json_t *shares)
{
        const json_t *it;
        size_t i;

        if (!json_is_array(shares))
                return false;
        json_array_foreach(shares, i, it)
        {
                const char *text = json_string_value(json_object_get(it, "client"));
                struct str client = text ? str_of(text) : STR_NULL;
                uint32_t share = share_in(it, "share"), said = share_in(it, "said");

                if (!text || !settings_is_client_name(client) || share == 0 || said == 0)
                        return false;
                if (settings_client_share_said(&g->settings, client) != said)
                        watching_tell_lapse(g, client, share);
                else if (settings_set_client_share(&g->settings, client, share) < 0)
                        return false;
        }
        return true;
}

static bool take_acknowledged(struct watching *w, const json_t *all)
{
        const json_t *it;
        size_t i;

        if (!json_is_array(all) || json_array_size(all) > ACKNOWLEDGED_MAX)
                return false;
        json_array_foreach(all, i, it)
        {
                const char *variant = json_string_value(json_object_get(it, "variant"));
                json_int_t charged = json_integer_value(json_object_get(it, "charged"));
                json_int_t seen = json_integer_value(json_object_get(it, "shown"));
                struct acknowledged *one = &w->acknowledged[w->n_acknowledged];

                if (!variant || charged < 0 || charged > UINT32_MAX || seen < 0 ||
                    seen > UINT32_MAX ||
                    !str_copy(str_of(variant), one->variant, sizeof(one->variant)))
                        return false;
                one->charged = (uint32_t)charged;
                one->shown = (uint32_t)seen;
                ++w->n_acknowledged;
        }
        return true;
}

static int refuse(const struct by_hand *h, int r, const char *what)
{
        log_say(LOG_ERROR,
                "%s: what was paused and set by hand cannot be taken up: %s; look at it, and move "
                "it away to start with nothing paused",
                h->path, what);
        return r;
}

static int take(struct gateway *g, struct by_hand *h, const char *text, size_t n)
{
        json_error_t error;
        json_t *root = json_loadb(text, n, JSON_REJECT_DUPLICATES, &error);
        char why[BY_HAND_WHY_SIZE];
        int r = 0;

        if (!root) {
                snprintf(why, sizeof(why), "it is damaged in line %d (%.80s)", error.line,
                         error.text);
                return refuse(h, -EINVAL, why);
        }
        if (json_integer_value(json_object_get(root, "format")) > FORMAT)
                r = refuse(h, -EINVAL, "it was written by a later weir");
        else if (json_integer_value(json_object_get(root, "format")) != FORMAT ||
                 !take_pauses(g, json_object_get(root, "paused")) ||
                 !take_shares(g, json_object_get(root, "shares")) ||
                 !take_acknowledged(g->watching, json_object_get(root, "acknowledged")))
                r = refuse(h, -EINVAL, "it is damaged, or not weir's");
        json_decref(root);
        return r;
}

/* What goes on is said: who has forgotten it finds it here, and on the page. */
static void tell_kept(struct gateway *g)
{
        const struct pauses *p = &g->pauses;
        char classes[128] = "";

        for (unsigned class = 0; class < CLASS_COUNT; ++class)
                if (pauses_class_is(p, class))
                        snprintf(classes + strlen(classes), sizeof(classes) - strlen(classes),
                                 "%s%s", classes[0] ? "," : "", class_name(class));
        log_event(LOG_WARN, "by_hand_kept",
                  "paused_classes=\"%s\" paused_clients=%zu shares=%zu acknowledged=%zu", classes,
                  p->n_clients, g->settings.by_hand.n, g->watching->n_acknowledged);
}

static int read_file(struct gateway *g, struct by_hand *h)
{
        char *text = NULL;
        size_t n = 0;
        int r = by_hand_read(h->path, &text, &n);

        if (r == -ENOENT)
                return 0;
        if (r == -EACCES)
                return refuse(h, r, "it is another user's, or others may write it, or not be read");
        if (r == -EFBIG || r == -EINVAL)
                return refuse(h, r, "it is no file of weir's");
        if (r < 0)
                return refuse(h, r, strerror(-r));
        r = take(g, h, text, n);
        if (r == 0)
                h->written = strndup(text, n);
        free(text);
        if (r < 0)
                return r;
        tell_kept(g);
        watching_let_go(g);
        /* What lapsed, or holds nobody any more, is taken out of it. */
        (void)by_hand_store(g, h);
        return 0;
}

int by_hand_open(struct gateway *g, const char *region, struct by_hand **ret)
{
        struct by_hand *h = calloc(1, sizeof(*h));

        *ret = h;
        if (!h)
                return -ENOMEM;
        if (find_place(g, region, h->path, sizeof(h->path))) {
                (void)is_ours(g, h);
                return read_file(g, h);
        }
        snprintf(h->why, sizeof(h->why),
                 "the system chooses the port (listen), so that this gateway is another one then");
        return 0;
}

struct by_hand *by_hand_close(struct by_hand *h)
{
        if (h)
                free(h->written);
        free(h);
        return NULL;
}
