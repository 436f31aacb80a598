/*
 * Replies
 *
 * What the simulated exchange answers, before it becomes bytes of HTTP.
 */
#ifndef SIM_REPLY_H
#define SIM_REPLY_H

#include "base/base.h"
#include "base/buf.h"
#include "base/str.h"

#include <jansson.h>

#define REPLY_FIELDS_MAX 16
/* Beyond any answer: thousand candles take about 200 KiB. */
#define REPLY_BODY_MAX (64 << 20)

struct reply_field {
        char name[48], value[80];
};

struct reply {
        unsigned status;
        const char *type; /* of the content; static; NULL without */
        struct reply_field fields[REPLY_FIELDS_MAX];
        size_t n_fields;
        struct buf body;
};

void reply_init(struct reply *reply);
void reply_deinit(struct reply *reply);

void reply_field(struct reply *reply, const char *value, const char *name_format, ...) PRINTF(3, 4);
void reply_text(struct reply *reply, unsigned status, const char *type, struct str body);
/* Takes @json. */
void reply_json(struct reply *reply, unsigned status, json_t *json);
/* {"code":..,"msg":..} */
void reply_error(struct reply *reply, unsigned status, int code, const char *message);
/* The page of the firewall at the edge. */
void reply_firewall(struct reply *reply);
/* Replaces the body by itself, compressed. */
void reply_gzip(struct reply *reply);

#endif
