/*
 * What weir positions --json prints: one document a line, a check or an event.
 */
#ifndef CLI_POSITIONS_JSON_H
#define CLI_POSITIONS_JSON_H

#include "trade/monitor.h"

#include <jansson.h>

/* @next_ms: when the next check begins; 0: there is none. The caller's to json_decref(). */
json_t *positions_json_check(const struct monitor *monitor, uint64_t next_ms);
json_t *positions_json_event(const struct weir_event *event);

#endif
