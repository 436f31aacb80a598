/*
 * Events
 *
 * What happened last, for who looks: as many as fit, the newest instead of the oldest. Each has a
 * number, larger than that of any before it, also than those of the process before: a viewer that
 * comes back says which it has seen.
 */
#ifndef WATCH_EVENTS_H
#define WATCH_EVENTS_H

#include "base/base.h"
#include "base/str.h"

#include <jansson.h>

#define EVENTS_MAX          512
#define EVENTS_WORD_SIZE    32
#define EVENTS_TEXT_SIZE    480
#define EVENTS_REQUEST_SIZE 72

struct event {
        uint64_t id, at_ms; /* wall clock */
        const char *level;  /* static */
        char event[EVENTS_WORD_SIZE];
        char text[EVENTS_TEXT_SIZE];       /* cut where it is longer */
        char request[EVENTS_REQUEST_SIZE]; /* whose; or empty */
};

struct events {
        uint64_t next_id;
        size_t n;
        struct event all[EVENTS_MAX]; /* number id at id % EVENTS_MAX */
};

/* @wall_ms: now. A thousand events a millisecond is more than any process writes. */
void events_init(struct events *events, uint64_t wall_ms);

/* @level: static; @text, @request: valid UTF-8; @request may be empty. */
void events_add(struct events *events, uint64_t at_ms, const char *level, struct str event,
                struct str text, struct str request);

/* The first that is there behind number @after, or NULL. One from elsewhere, or too old: the oldest
 * that is there. */
const struct event *events_next(const struct events *events, uint64_t after);

/* Return: NULL without memory. */
json_t *event_json(const struct event *event);

#endif
