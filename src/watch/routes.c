/*
 * All that may be asked for under /weir, once. A handler stands in the file of its subject.
 */
#include "watch/inside.h"
#include "watch/past.h"
#include "watch/tallies.h"

/* clang-format off */
const struct route routes[] = {
        /* Of a place of our own alone: at the gateway's port it is no path of ours. */
        { HTTP_GET,  "/",                   ROUTE_FOR_GUESTS, true,  page_moved },
        { HTTP_GET,  "/weir",               ROUTE_FOR_GUESTS, true,  page_moved },
        { HTTP_GET,  "/weir/",              ROUTE_FOR_GUESTS, true,  page_index },
        { HTTP_GET,  "/weir/assets/*",      ROUTE_FOR_GUESTS, true,  page_asset },
        { HTTP_GET,  "/weir/healthz",       ROUTE_FOR_ALL,    false, health_live },
        { HTTP_GET,  "/weir/readyz",        ROUTE_FOR_ALL,    false, health_ready },
        { HTTP_GET,  "/weir/metrics",       ROUTE_TO_LOOK,    false, scrape_metrics },
        { HTTP_GET,  "/weir/api/me",        ROUTE_FOR_ALL,    false, state_me },
        { HTTP_GET,  "/weir/api/now",       ROUTE_TO_LOOK,    false, state_now },
        { HTTP_GET,  "/weir/api/live",      ROUTE_TO_LOOK,    true,  live_begin },
        { HTTP_GET,  "/weir/api/events",    ROUTE_TO_LOOK,    false, state_events },
        { HTTP_GET,  "/weir/api/spenders",  ROUTE_TO_LOOK,    false, tallies_show_spenders },
        { HTTP_GET,  "/weir/api/history",   ROUTE_TO_LOOK,    false, past_show },
        { HTTP_GET,  "/weir/api/queue",     ROUTE_TO_LOOK,    false, queue_list },
        { HTTP_POST, "/weir/api/login",     ROUTE_FOR_ALL,    true,  login_begin },
        { HTTP_POST, "/weir/api/logout",    ROUTE_FOR_ALL,    true,  login_end },
        { HTTP_POST, "/weir/api/pause",     ROUTE_TO_ACT,     false, actions_act },
        { HTTP_POST, "/weir/api/resume",    ROUTE_TO_ACT,     false, actions_act },
        { HTTP_POST, "/weir/api/share",     ROUTE_TO_ACT,     false, actions_act },
        { HTTP_POST, "/weir/api/drop",      ROUTE_TO_ACT,     false, actions_act },
        { HTTP_POST, "/weir/api/acknowledge", ROUTE_TO_ACT,   false, actions_act },
};
/* clang-format on */
const size_t n_routes = ARRAY_SIZE(routes);
