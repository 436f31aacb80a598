/*
 * The watch's own: one request, the table of what may be asked, and how it is answered; for the
 * files of this room only.
 */
#ifndef WATCH_INSIDE_H
#define WATCH_INSIDE_H

#include "net/loop.h"
#include "watch/events.h"
#include "watch/guesses.h"
#include "watch/live.h"
#include "watch/past.h"
#include "watch/sessions.h"
#include "watch/watch.h"

struct watch {
        struct loop *loop;
        const struct watch_ops *ops;
        void *ctx;
        struct watch_config config;
        struct live live;
        struct past past;
        struct events events;
        struct sessions sessions;
        struct guesses guesses;
};

/* What one has to have to ask for it. */
enum route_need {
        ROUTE_FOR_ALL,
        ROUTE_FOR_GUESTS, /* the page's files: for who may look, or could log in */
        ROUTE_TO_LOOK,
        ROUTE_TO_ACT,
};

/* One request; on the stack, for as long as it is answered. */
struct visit {
        struct watch *watch;
        struct http_exchange *exchange;
        const struct http_head *head;
        struct str rest; /* of the path, where the route's ends in "*" */
        struct door_pass pass;
        json_t *body; /* of a POST: an object */
};

struct route {
        enum http_method method; /* HTTP_GET answers HEAD too */
        const char *path;        /* all of it; "*" at the end: whatever follows, without a slash */
        enum route_need need;
        bool is_of_page; /* gone where watch.page is off */
        /* Answers. */
        void (*answer)(struct visit *visit);
};

/* routes.c: what there is, in one place. */
extern const struct route routes[];
extern const size_t n_routes;

/* answer.c: every answer has the fields that keep a page in its place. */

#define ANSWER_FIELDS_MAX 16

/* @fields: at most 4 more; @is_lasting: may be kept and asked about again, else it is never stored.
 */
void answer_bytes(struct visit *visit, unsigned status, const char *type, bool is_lasting,
                  const struct http_field *fields, size_t n_fields, struct str body);
/* The head of an answer that goes on until its connection ends; its body is the caller's. Return: 0
 * or a negative errno. */
CHECKED int answer_stream(struct visit *visit, const char *type);
/* Takes @root over; NULL: out of memory. */
void answer_json(struct visit *visit, unsigned status, json_t *root);
/* {"code":-1000,"msg":"weir: ..."} as all that weir itself says. */
void answer_refusal(struct visit *visit, unsigned status, const char *format, ...) PRINTF(3, 4);
/* The same; @retry_after_s: 0 for none; @name, @value: one more field, NULL for none. */
void answer_refusal_with(struct visit *visit, unsigned status, uint64_t retry_after_s,
                         const char *name, const char *value, const char *format, ...) PRINTF(6, 7);

/* page.c */
void page_index(struct visit *visit);
void page_asset(struct visit *visit);
void page_moved(struct visit *visit);

/* health.c */
void health_live(struct visit *visit);
void health_ready(struct visit *visit);

/* login.c */
void login_begin(struct visit *visit);
void login_end(struct visit *visit);
/* It came with a wrong token. */
void login_refuse_bearer(struct visit *visit);

/* actions.c */
void actions_act(struct visit *visit);
/* Whether it says that it means it; else it is answered. */
CHECKED bool actions_are_meant(struct visit *visit);

/* queue.c */
void queue_list(struct visit *visit);

/* scrape.c */
void scrape_metrics(struct visit *visit);

/* state.c */
void state_me(struct visit *visit);
void state_now(struct visit *visit);
void state_events(struct visit *visit);

#endif
