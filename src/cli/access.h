/*
 * Access
 *
 * How a command comes to a futures market: which one, through a gateway or straight with the
 * budgets of this machine, with which keys, and for how long. The options are the same for all such
 * commands; each puts ACCESS_OPTIONS into its table and hands what it does not know here.
 */
#ifndef CLI_ACCESS_H
#define CLI_ACCESS_H

#include "core/limiter.h"
#include "core/region.h"
#include "trade/futures.h"

#define ACCESS_GATEWAY "http://127.0.0.1:8900"

/* Beyond what any command takes for its own. */
enum access_option {
        ACCESS_COIN_M = 1024,
        ACCESS_VIA_GATEWAY,
        ACCESS_BASE,
        ACCESS_TESTNET,
        ACCESS_REGION,
        ACCESS_CA,
        ACCESS_KEY_FILE,
        ACCESS_SECRET_FILE,
        ACCESS_PRIVATE_KEY_FILE,
        ACCESS_DEADLINE,
        ACCESS_TIMEOUT,
        ACCESS_RECV_WINDOW,
};

/* Rows of a struct option. */
#define ACCESS_OPTIONS                                                                             \
        { "coin-m", no_argument, NULL, ACCESS_COIN_M },                                            \
                { "gateway", optional_argument, NULL, ACCESS_VIA_GATEWAY },                        \
                { "base", required_argument, NULL, ACCESS_BASE },                                  \
                { "testnet", no_argument, NULL, ACCESS_TESTNET },                                  \
                { "region", required_argument, NULL, ACCESS_REGION },                              \
                { "ca", required_argument, NULL, ACCESS_CA },                                      \
                { "key-file", required_argument, NULL, ACCESS_KEY_FILE },                          \
                { "secret-file", required_argument, NULL, ACCESS_SECRET_FILE },                    \
                { "private-key-file", required_argument, NULL, ACCESS_PRIVATE_KEY_FILE },          \
                { "deadline", required_argument, NULL, ACCESS_DEADLINE },                          \
                { "timeout", required_argument, NULL, ACCESS_TIMEOUT },                            \
        {                                                                                          \
                "recv-window", required_argument, NULL, ACCESS_RECV_WINDOW                         \
        }

/* Of --help. */
#define ACCESS_USAGE                                                                               \
        "Where\n"                                                                                  \
        "  --coin-m              COIN-M futures; default USD-M\n"                                  \
        "  --gateway[=URL]       through a weir gateway; default " ACCESS_GATEWAY ";\n"            \
        "                        WEIR_GATEWAY=URL does the same\n"                                 \
        "  --base URL            straight to this exchange\n"                                      \
        "  --testnet             straight to Binance's testnet\n"                                  \
        "  --region PATH         straight: the budgets to share; default WEIR_REGION, else "       \
        "where\n"                                                                                  \
        "                        weir gateway has them, or beside it for another exchange\n"       \
        "  --ca FILE             certificates to trust instead of the system's\n\n"                \
        "Keys: BINANCE_API_KEY with BINANCE_API_SECRET or BINANCE_PRIVATE_KEY_FILE (PEM, RSA "     \
        "or\n"                                                                                     \
        "Ed25519), or BINANCE_API_KEY_FILE, BINANCE_API_SECRET_FILE, or these options; files "     \
        "must\n"                                                                                   \
        "be closed to others. Never on the command line.\n"                                        \
        "  --key-file FILE, --secret-file FILE, --private-key-file FILE\n\n"

struct access {
        const char *command; /* "order" */
        struct futures_config config;
        const char *region_path;
        struct region region;
        struct limiter limiter;
        struct futures *futures; /* NULL until access_open() */
        uint64_t deadline_in_ms;
};

#define ACCESS_INIT(name, in_ms)                                                                   \
        {                                                                                          \
                .command = (name), .config = FUTURES_CONFIG_DEFAULT, .region = REGION_NULL,        \
                .deadline_in_ms = (in_ms)                                                          \
        }

/* Return: 0; 1: it is none of ours; -EINVAL after a complaint on stderr. */
CHECKED int access_option(struct access *a, int option, const char *value);

/* A whole number up to @max. Return: 0, or -EINVAL after a complaint. */
CHECKED int access_number(const struct access *a, const char *option, const char *value,
                          uint64_t max, uint64_t *ret);

/* Nothing is sent yet. Return: 0, or a negative errno after a complaint: -EINVAL and -EACCES for a
 * wrong command line or key file. */
CHECKED int access_open(struct access *a);
void access_close(struct access *a);

#endif
