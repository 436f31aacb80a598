/*
 * Settings
 *
 * What the user may choose. Every setting is declared once, in settings.def: its key, kind, range,
 * default, environment variable, whether a reload (SIGHUP) takes it up, and a sentence of help.
 * The parser, the defaults, `weir check`, `--help` and the test of docs/settings.md all read that
 * one list. Only accounts, clients and weights are no rows of it, since their names are the user's
 * (accounts.c, clients.c, weights.c).
 *
 * Order: defaults, file, environment, flags; the later wins. Whatever the source, a value passes
 * the same validation, and a mistake is reported, never guessed around:
 *
 *      struct settings s;
 *      struct settings_report report = { 0 };
 *
 *      settings_init(&s);
 *      r = settings_load_file(&s, path, &report);
 *      r = settings_load_environment(&s, &report);
 *      r = settings_flag(&s, "--listen", "listen", value, &report);
 *      r = settings_check(&s, &report);
 *      settings_report_print(&report, stderr);
 *      settings_report_deinit(&report);
 *
 * Each of these goes on after a mistake, so that the user sees all of them at once; the struct is
 * fit for use only when the report is empty at the end. A struct settings owns nothing: copy it by
 * assignment and forget it at will. It is some 170 KiB, so mind deep stacks.
 */
#ifndef SETTINGS_SETTINGS_H
#define SETTINGS_SETTINGS_H

#include <stdio.h>
#include <sys/types.h>

#include "base/base.h"
#include "base/class.h"
#include "base/log.h"
#include "base/str.h"
#include "policy/policy.h"

/* More places to listen on than anybody has. */
#define SETTINGS_LISTEN_MAX 16
/* PATH_MAX with its NUL; longer paths cannot be opened. */
#define SETTINGS_PATH_SIZE 4096
/* A DNS name has 253 characters at most. */
#define SETTINGS_HOST_SIZE 254
/* What fits into sockaddr_un.sun_path. */
#define SETTINGS_UNIX_SIZE 108
/* The URL of a store, with its NUL. */
#define SETTINGS_STORE_SIZE 4096
/* More prices than anybody corrects by hand, and more than any is. */
#define SETTINGS_WEIGHTS_MAX      64
#define SETTINGS_WEIGHT_NAME_SIZE 240
#define SETTINGS_WEIGHT_MAX       10000
/* A configuration beyond this is a mistake in the command line. */
#define SETTINGS_FILE_MAX ((size_t)1 << 20)
/* More accounts, and keys of them all, than a desk has: Binance gives an account 30 keys at most.
 */
#define SETTINGS_ACCOUNTS_MAX 64
#define SETTINGS_KEYS_MAX     256
/* The longest name of an account, with its NUL. */
#define SETTINGS_NAME_SIZE 64
/* Twice what a key of Binance has, and a NUL. */
#define SETTINGS_KEY_SIZE 129
/* Accounts whose keys one gateway holds; more belong apart. */
#define SETTINGS_CREDENTIALS_MAX 16
/* The path of a key's file, with its NUL. */
#define SETTINGS_FILE_SIZE 1024
/* Users of one account, and names of the gateway. */
#define SETTINGS_USERS_MAX 16
#define SETTINGS_HOSTS_MAX 8
/* Clients with a share of their own, the longest name with its NUL, and the largest share. */
#define SETTINGS_CLIENTS_MAX 256
#define SETTINGS_CLIENT_SIZE 65
#define SETTINGS_SHARE_MAX   1000
/* Addresses that one gateway leaves from, the longest name with its NUL, and USER:PASSWORD. */
#define SETTINGS_EGRESS_MAX  8
#define SETTINGS_EGRESS_SIZE 128
#define SETTINGS_LOGIN_SIZE  194
/* Mistakes worth showing; the rest is counted. */
#define SETTINGS_MISTAKES_MAX 100

/* Where to listen or connect. */
struct settings_address {
        bool is_unix;                  /* @path, else @host and @port */
        bool is_tls;                   /* upstreams only: https */
        uint16_t port;                 /* 0 when listening: the system chooses */
        char host[SETTINGS_HOST_SIZE]; /* name or number; IPv6 without its brackets */
        char path[SETTINGS_UNIX_SIZE];
};

/* Places to listen at that may be none; what is not in use is zero. */
#define SETTINGS_PLACES_MAX 4
struct settings_places {
        size_t n;
        struct settings_address all[SETTINGS_PLACES_MAX];
};

/* Names that may be none; likewise. */
struct settings_hosts {
        size_t n;
        char all[SETTINGS_HOSTS_MAX][SETTINGS_HOST_SIZE];
};

/* One of the addresses that requests leave from. */
struct settings_egress {
        bool is_proxy;                   /* @host and @port are an HTTP proxy's */
        bool is_spare;                   /* false */
        uint16_t port;                   /* 0 unless it is a proxy */
        char name[SETTINGS_EGRESS_SIZE]; /* never empty */
        char host[SETTINGS_HOST_SIZE];   /* of a proxy, or digits of ours; empty: "default" */
        char login[SETTINGS_LOGIN_SIZE]; /* USER:PASSWORD of the URL, or empty; never shown */
};

/* Where a value came from; the later wins. */
enum settings_source {
        SETTINGS_DEFAULT,
        SETTINGS_FILE,
        SETTINGS_ENVIRONMENT,
        SETTINGS_FLAG,
};

/* One per SETTING() of settings.def, in its order: SETTING_listen, SETTING_upstream_api, ... */
enum settings_id {
#define SETTING(id, ...) SETTING_##id,
#include "settings/settings.def"
#undef SETTING
        SETTINGS_COUNT,
};

/* API keys that belong to one account, under a name of the user's choosing. */
struct settings_account {
        char name[SETTINGS_NAME_SIZE];
        uint32_t line, column; /* of the name in the file, from 1 */
};

struct settings_key {
        char text[SETTINGS_KEY_SIZE]; /* to be shown only through policy_key_text() */
        uint16_t account;             /* index into settings_accounts.all */
        uint32_t line, column;
};

/* Where the keys of an account are that this gateway holds, and who may use them. */
struct settings_credential {
        uint16_t account; /* index into settings_accounts.all */
        char key_file[SETTINGS_FILE_SIZE], secret_file[SETTINGS_FILE_SIZE];
        char token_file[SETTINGS_FILE_SIZE];                /* empty: nobody by token */
        char users[SETTINGS_USERS_MAX][SETTINGS_NAME_SIZE]; /* names or numbers */
        char hosts[SETTINGS_HOSTS_MAX][SETTINGS_HOST_SIZE];
        size_t n_users, n_hosts;
};

struct settings_accounts {
        size_t n, n_keys, n_credentials;
        struct settings_account all[SETTINGS_ACCOUNTS_MAX];
        struct settings_key keys[SETTINGS_KEYS_MAX];
        struct settings_credential credentials[SETTINGS_CREDENTIALS_MAX];
        uint32_t line; /* of the section, 0: there is none */
};

/* How much of a budget that has too little for all a client gets, beside the others of its class.
 */
struct settings_client {
        char name[SETTINGS_CLIENT_SIZE]; /* as in X-Weir-Client */
        uint32_t share;
        uint32_t line;
        uint32_t said; /* set by hand: what the settings said then */
};

struct settings_clients {
        size_t n;
        struct settings_client all[SETTINGS_CLIENTS_MAX];
        uint32_t default_share; /* of those without a row; 0: 1 */
        uint32_t default_line;
        uint32_t line; /* of the section, 0: there is none */
};

/* What somebody has decided that a request costs. */
struct settings_weight {
        char name[SETTINGS_WEIGHT_NAME_SIZE]; /* "GET /fapi/v1/klines limit<=1000" */
        uint64_t key;                         /* of the variant */
        unsigned kind;                        /* of answers: enum evidence_kind */
        bool is_known;                        /* in a table */
        uint32_t weight;
        uint32_t line;
};

struct settings_weights {
        size_t n;
        struct settings_weight all[SETTINGS_WEIGHTS_MAX];
        uint32_t line; /* of the section, 0: there is none */
};

struct settings {
        struct settings_address listen[SETTINGS_LISTEN_MAX];
        size_t n_listen;
        struct settings_address upstream[POLICY_GROUP_COUNT];
        char tls_ca[SETTINGS_PATH_SIZE]; /* empty: the system's */
        char region[SETTINGS_PATH_SIZE]; /* empty: the default place */

        /* By which addresses; at least one. */
        struct settings_egress egress[SETTINGS_EGRESS_MAX];
        size_t n_egress;
        char egress_auth_file[SETTINGS_PATH_SIZE]; /* passwords of proxies; empty: none */
        bool egress_ban_cancels; /* a cancel may leave by another address than its own's ban */

        bool limits; /* off: a plain proxy, for benchmarks and emergencies */
        bool shadow; /* decides and records, and lets everything pass */
        uint32_t unknown_weight;
        bool measure_weights; /* let one request wait for a control, now and then */
        bool measure_busy;    /* and to be alone, where it never is */
        bool discovery;       /* follow the rateLimits of exchangeInfo */
        uint64_t discovery_interval_ms;
        uint64_t clock_interval_ms;

        struct {
                uint32_t requests_per_minute; /* 0: no pacing */
                uint32_t burst;
        } pacing;

        struct {
                uint32_t max_retries;
                uint64_t base_backoff_ms;
                uint32_t jitter_pct;
        } retry;

        uint32_t rate_ceiling; /* requests in any second; 0: none */
        uint64_t ramp_ms;

        /* When an upstream fails again and again. */
        struct {
                uint32_t threshold; /* 0: off */
                uint64_t pause_ms;
        } breaker;

        uint32_t ceiling_pct[CLASS_COUNT];
        uint32_t opens_from_pct; /* share of a window after which the ceilings rise to 100 % */

        /* What hosts share, and through which store; see docs/hosts.md. */
        struct {
                char url[SETTINGS_STORE_SIZE]; /* empty: none; may hold a password */
                char name[SETTINGS_NAME_SIZE];
                char address[SETTINGS_NAME_SIZE];
                char host[SETTINGS_NAME_SIZE]; /* empty: the machine's name */
                uint32_t share_pct;            /* of each limit; 0: as the store says */
                uint64_t grace_ms;
                char password_file[SETTINGS_PATH_SIZE], ca_file[SETTINGS_PATH_SIZE];
        } store;

        uint64_t max_wait_ms;    /* for requests that name no deadline */
        uint64_t recv_window_ms; /* of requests that weir signs and that name none */
        uint32_t max_queue;
        uint32_t max_connections;
        uint64_t max_body_bytes;

        struct {
                uint64_t connect_ms;
                uint64_t answer_ms;
                uint64_t head_ms;
                uint64_t body_ms;
                uint64_t write_ms;
                uint64_t idle_ms;
                uint64_t handover_ms; /* with sockets of a service manager, before draining */
                uint64_t drain_ms;
        } timeouts;

        /* Connections to each upstream. */
        struct {
                uint32_t warm;
                uint32_t max;
                uint64_t idle_ms;
        } pool;

        /* Of what happened; docs/history.md. */
        struct {
                char path[SETTINGS_PATH_SIZE]; /* "on", "off", or a file; empty: on under systemd */
                uint64_t max_bytes;
                uint64_t max_age_ms;
        } history;

        struct {
                enum log_level level;
                enum log_format format;
                char access[SETTINGS_PATH_SIZE]; /* "off", "on" or a file's path */
        } log;

        /* What is under /weir, and for whom; see docs/watch.md. */
        struct {
                bool page;
                char token_file[SETTINGS_PATH_SIZE], action_token_file[SETTINGS_PATH_SIZE];
                struct settings_places listen;
                char tls_cert[SETTINGS_PATH_SIZE], tls_key[SETTINGS_PATH_SIZE];
                char client_ca[SETTINGS_PATH_SIZE];
                struct settings_hosts hosts;
                uint32_t metrics_names;
        } watch;

        struct settings_accounts accounts;
        struct settings_clients clients;
        struct settings_clients by_hand; /* shares of now, no settings */
        struct settings_weights weights;

        /* Where each value was given; line and column for files only, from 1. */
        struct settings_origin {
                enum settings_source source;
                uint32_t line, column;
        } origins[SETTINGS_COUNT];
};

/* Answers of the functions that take a report. */
enum settings_answer {
        SETTINGS_GOOD = 0,
        SETTINGS_MISTAKEN, /* the report has grown */
};

/* Filled by the functions below; start from { 0 }. */
struct settings_report {
        struct settings_mistake {
                char *where;           /* file, environment variable or flag */
                uint32_t line, column; /* 0 when @where is no file */
                char *what;            /* names the key, what is wrong with it, and the remedy */
        } mistakes[SETTINGS_MISTAKES_MAX];
        size_t n_mistakes;
        size_t n_more; /* beyond SETTINGS_MISTAKES_MAX, counted only */
        char *file;    /* the last file loaded, for mistakes that settings_check() finds */
};

void settings_report_deinit(struct settings_report *report);
/* One line each, in the order of the file: "weir: FILE:LINE:COLUMN: ..." */
void settings_report_print(const struct settings_report *report, FILE *to);

/* { "mistakes": [ { "where": "weir.yaml", "line": 3, "column": 7, "what": "..." } ] } */
void settings_report_print_json(const struct settings_report *report, FILE *to);

/* The defaults. */
void settings_init(struct settings *s);

/**
 * settings_load_file() - take the settings of a YAML file
 *
 * A file that cannot be read is a mistake like any other.
 *
 * Return: an enum settings_answer, or -ENOMEM.
 */
CHECKED int settings_load_file(struct settings *s, const char *path,
                               struct settings_report *report);

/* As settings_load_file(), from memory; @name stands in the report for the file's. */
CHECKED int settings_load_bytes(struct settings *s, const char *name, struct str bytes,
                                struct settings_report *report);

/* Takes the variables that settings.def names. An empty variable counts as not set. */
CHECKED int settings_load_environment(struct settings *s, struct settings_report *report);

/**
 * settings_flag() - take a setting from the command line
 * @flag:  how the user wrote it, for the report: "--listen"
 * @key:   as in the file, sections with a dot: "listen", "retry.max_retries"; "upstream" takes
 *         a URL for all groups or GROUP=URL for one
 * @value: as in the file; of a list one member: the first flag replaces what file and environment
 *         said, further ones add to it
 *
 * Return: an enum settings_answer, or -ENOMEM.
 */
CHECKED int settings_flag(struct settings *s, const char *flag, const char *key, const char *value,
                          struct settings_report *report);

/**
 * settings_check() - find values that are good alone but not together
 *
 * To be called last, when all sources are in.
 *
 * Return: an enum settings_answer, or -ENOMEM.
 */
CHECKED int settings_check(const struct settings *s, struct settings_report *report);

/**
 * settings_doubt() - find values that may be used, and that are better not
 *
 * For settings that settings_check() finds good. What is found is no mistake.
 *
 * Return: SETTINGS_GOOD, SETTINGS_MISTAKEN when @report has something, or -ENOMEM.
 */
CHECKED int settings_doubt(const struct settings *s, struct settings_report *report);

/**
 * settings_try_files() - look at the files that a start would read or make, in its words
 *
 * Also where settings_check() found mistakes, so that one look shows all of them; what that says of
 * a file is not said again. Root looks at a file as its owner: a service has a user of its own.
 *
 * Return: an enum settings_answer, or -ENOMEM.
 */
CHECKED int settings_try_files(const struct settings *s, struct settings_report *report);

/* @text: the name or number of a user of this machine. Return: 0, or -ENOENT: say SETTINGS_NO_USER.
 */
CHECKED int settings_find_user(const char *text, uid_t *ret_user);
#define SETTINGS_NO_USER "clients.users: this machine has no user %s; write a user's name or number"

/**
 * settings_reload() - take up from @next what may change while running
 * @s:       the settings in use; what needs a restart stays as it is
 * @next:    loaded and checked
 * @ignored: called for each key that differs but needs a restart; may be NULL
 *
 * Return: the number of settings that changed.
 */
size_t settings_reload(struct settings *s, const struct settings *next,
                       void (*ignored)(const char *key));

/* What a client may call itself: printable ASCII, and not too long. */
CHECKED bool settings_is_client_name(struct str name);

/* The share of the client @name, set by hand or else of the settings; STR_NULL: of one without a
 * name. */
uint32_t settings_client_share(const struct settings *s, struct str name);
/* What the settings say, whatever was set by hand. */
uint32_t settings_client_share_said(const struct settings *s, struct str name);

/* By hand, from now on, until they say something else of that client than they do now; what they
 * say themselves is none by hand.
 * @share: 1 to SETTINGS_SHARE_MAX. Return: 0, or -ENOSPC when there is no row for another client.
 */
CHECKED int settings_set_client_share(struct settings *s, struct str name, uint32_t share);
/* Whether @s, read anew, leaves a share that was set by hand: it says of the client what it did. */
bool settings_leaves_share(const struct settings *s, const struct settings_client *by_hand);

/* The settings as a file that settings_load_file() takes, with a comment where each is from. Only
 * the accounts' keys would have to be written out again: they are shown by their first characters.
 */
void settings_print(const struct settings *s, FILE *to);
/* { "listen": { "value": ["127.0.0.1:8900"], "source": "default", "reload": false }, ... } */
void settings_print_json(const struct settings *s, FILE *to);
/* A table of all keys with kind, default, environment variable and help. */
void settings_print_help(FILE *to);
/* "127.0.0.1:8900", "unix:/run/weir", "https://api.binance.com"; cut to the size of @to. */
const char *settings_address_text(const struct settings_address *address, bool is_upstream,
                                  char *to, size_t size);
/* "default", "203.0.113.7", "tokyo=203.0.113.8", "http://(login)@proxy:3128": without the password.
 */
const char *settings_egress_text(const struct settings_egress *egress, char *to, size_t size);

#endif
