/*
 * Admin calls
 *
 * What tests ask the simulator under /sim/: its books, its orders, what it received; and what they
 * tell it: other limits, faults, prices, a fresh start. Nothing here is counted.
 */
#ifndef SIM_ADMIN_H
#define SIM_ADMIN_H

#include "sim/exchange.h"
#include "sim/record.h"

/* True for paths that admin_serve() answers. */
bool admin_is_path(struct str path);

void admin_serve(struct exchange *x, struct record *record, const struct request *request,
                 uint64_t wall_us, struct reply *reply);

/* All books, as GET /sim/books shows them. */
json_t *admin_books(struct exchange *x, uint64_t now_ms);

#endif
