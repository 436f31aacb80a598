/*
 * What the files of watching share; for these only.
 *
 *      watching.c           to the watch and back: its rules, what it is asked
 *      watching_place.c     watch.listen: addresses where only /weir is served
 *      watching_now.c       the snapshot, and who waits
 *      watching_actions.c   what may be done
 */
#ifndef GATEWAY_WATCHING_INSIDE_H
#define GATEWAY_WATCHING_INSIDE_H

#include "budget/weights_list.h"
#include "gateway/flow.h"
#include "gateway/watching.h"
#include "look/look.h"
#include "watch/watch.h"

/* Costs that somebody has seen to be other than charged: more than are ever looked at. */
#define ACKNOWLEDGED_MAX 64

/* One of them; it counts again when either number is another. */
struct acknowledged {
        char variant[WEIGHTS_NAME_SIZE];
        uint32_t charged, shown;
};

/* How fast it goes: of the second before this one. */
struct pace {
        uint64_t since_us, sent, weight; /* when, and what had been sent by then */
        double requests_per_s, weight_per_s;
};

struct watching {
        struct watch *watch;
        struct http_server *server; /* of watch.listen; NULL: none */
        struct tls *tls;            /* of that; NULL: plain */
        uint64_t born_ms;           /* of ids: those of another process are no numbers of ours */
        uint64_t born_us;           /* monotonic */
        struct pace pace;
        struct by_hand *by_hand;
        char region[SETTINGS_PATH_SIZE]; /* where it is, for people */
        struct look *look;
        struct weights_list *weights; /* room for a look */
        size_t n_acknowledged;
        struct acknowledged acknowledged[ACKNOWLEDGED_MAX];
};

/* Of a flow that waits, as people see it. */
#define WATCHING_ID_SIZE 48
const char *watching_id(const struct flow *f, char to[WATCHING_ID_SIZE]);
/* The flow that @id is of, its row's or its request id; NULL: it is none, or over. *@ret_n: how
 * many it fits, as clients may give several requests one id. */
struct flow *watching_find(struct gateway *g, const char *id, size_t *ret_n);
/* The ids of the rows of all requests with @request_id, as many as @to has room for. Return: @to.
 */
const char *watching_ids(const struct gateway *g, const char *request_id, char *to, size_t size);

/* watching_place.c */
CHECKED int watching_place_open(struct gateway *g);
/* SIGHUP: the files of watch.tls_cert and its like may be others. */
void watching_place_follow(struct gateway *g);
void watching_place_close(struct gateway *g);

/* watching_now.c; struct watch_ops */
json_t *watching_now(void *ctx);
json_t *watching_queue(void *ctx, const struct watch_filter *filter);

/* watching_actions.c; struct watch_ops */
void watching_act(void *ctx, const struct watch_action *action, struct watch_result *ret_result);
/* A share set by hand is over, for the settings say something else of @client now. */
void watching_tell_lapse(struct gateway *g, struct str client, uint32_t share);
/* Whom a gateway holds that holds nothing back: they are let go. */
void watching_let_go(struct gateway *g);
/* Whether somebody has seen that @row disagrees, as it does now. */
bool watching_is_acknowledged(const struct watching *w, const struct weights_row *row);

#endif
