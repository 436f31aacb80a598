/*
 * Bots of the demo
 *
 * Programs as desks have them: each on its own, unaware of the others, naive about limits. Each is
 * a process. The poller asks for market data as fast as answers come, over several connections; the
 * trader wants an order placed every 100 ms, whatever happens, and cancels it at once. Refused,
 * both pause for 100 ms and try again.
 */
#ifndef CLI_DEMO_BOT_H
#define CLI_DEMO_BOT_H

#include "base/base.h"
#include "cli/demo_tally.h"

enum bot_kind {
        BOT_POLLER,
        BOT_TRADER,
};

struct bot_config {
        enum bot_kind kind;
        unsigned number; /* among the bots of its side */
        uint16_t port;   /* on 127.0.0.1 */
        struct tally *tally;
};

#define BOT_ORDERS_PER_S 10u
/* Orders that may wait for their turn; ten minutes of them, and some. */
#define BOT_WAITING_MAX 8192u

/* The whole life of a bot's process: until SIGTERM. Return: 0 or a negative errno. */
CHECKED int bot_run(const struct bot_config *config);

#endif
