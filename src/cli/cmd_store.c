/*
 * weir store: the books that hosts share, and a dead host's end in them.
 */
#include "base/clock.h"
#include "cli/cmd.h"
#include "cli/option.h"
#include "cli/store_picture.h"
#include "core/sharing.h"
#include "settings/settings.h"
#include "lease/store.h"
#include "net/loop.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
        "usage: weir store show [OPTION]...\n"
        "       weir store forget HOST [OPTION]...\n\n"
        "Looks into the store through which hosts share budgets. docs/hosts.md explains what is in "
        "it.\n\n"
        "  show                  hosts, and who may use how much of each budget. In the bars: "
        "large\n"
        "                        letters are used, small ones may be, x was used by strangers\n"
        "  forget HOST           HOST, a name or a number, is dead and does not come back: what "
        "it had\n"
        "                        is the others' at once, not only when its grace has passed\n\n"
        "  --store URL           the store; default: store.url of the configuration, or "
        "WEIR_STORE\n"
        "  --store-name NAME     whose books; default: weir\n"
        "  --store-password-file FILE, --store-ca-file FILE\n"
        "  --config FILE         settings, as for weir gateway\n"
        "  --yes                 forget without asking\n"
        "  --json                for programs: all of it\n"
        "  --help                this text\n\n"
        "Exit status: 0 done; 1 the store cannot be reached, or says no; 2 the command line is "
        "wrong.\n";

struct look {
        struct loop *loop;
        struct store *store;
        const char *forget; /* HOST, or NULL: show */
        char hex[OP_HEX_SIZE];
        bool is_json, is_sure;
        int code;
};

static void end(struct look *look, int code)
{
        look->code = code;
        loop_stop(look->loop);
}

/* { "books": {}, "hosts": { hex: {} }, "budgets": {}, "gates": {}, "limits": {} } */
static json_t *gather(const struct str *pairs, size_t n)
{
        static const struct {
                const char *prefix, *section;
        } sections[] = { { "host ", "hosts" },
                         { "budget ", "budgets" },
                         { "gate ", "gates" },
                         { "probe ", "probes" } };
        json_t *all = json_pack("{s:{}, s:{}, s:{}, s:{}}", "hosts", "budgets", "gates", "probes");

        for (size_t i = 0; all && i < 2 * n; i += 2) {
                json_t *value = json_loadb(pairs[i + 1].p, pairs[i + 1].n, 0, NULL);
                json_t *into = all;
                struct str field = pairs[i];
                char name[256];

                for (size_t k = 0; k < ARRAY_SIZE(sections); ++k) {
                        struct str prefix = str_of(sections[k].prefix);

                        if (!str_has_prefix(field, prefix))
                                continue;
                        into = json_object_get(all, sections[k].section);
                        field = str_from(field.p + prefix.n, field.n - prefix.n);
                        break;
                }
                str_copy(field, name, sizeof(name));
                if (value)
                        json_object_set_new(into, name, value);
        }
        return all;
}

/* The number of HOST. Return: its record, or NULL after having said why not. */
static const json_t *find(struct look *look, const json_t *books)
{
        json_t *hosts = json_object_get(books, "hosts"), *host;
        const json_t *found = json_object_get(hosts, look->forget);
        const char *hex;
        size_t n = 0;

        if (found) {
                snprintf(look->hex, sizeof(look->hex), "%s", look->forget);
                return found;
        }
        json_object_foreach(hosts, hex, host)
        {
                const char *name = json_string_value(json_object_get(host, "name"));

                if (!name || strcmp(name, look->forget) != 0)
                        continue;
                snprintf(look->hex, sizeof(look->hex), "%s", hex);
                found = host;
                n++;
        }
        if (n == 1)
                return found;
        fprintf(stderr,
                n == 0 ? "weir: store: there is no host \"%s\" in the books; see weir store show\n"
                       : "weir: store: several hosts are called \"%s\"; name one by its number, "
                         "see "
                         "weir store show\n",
                look->forget);
        return NULL;
}

/* Return: whether the user has written the host's name. */
static bool is_confirmed(const struct look *look)
{
        char line[256];

        if (look->is_sure)
                return true;
        fprintf(stderr,
                "weir: %s will be forgotten, and what it had becomes the others'. If it still runs "
                "somewhere, cut off from the store,\n"
                "weir: all together may then send more than the limit. Write its name again if it "
                "is dead: ",
                look->forget);
        return fgets(line, sizeof(line), stdin) && (line[strcspn(line, "\n")] = '\0', true) &&
               strcmp(line, look->forget) == 0;
}

static void forget(struct look *look, const json_t *books)
{
        const json_t *host = find(look, books);
        uint64_t now_ms = clock_wall_us() / US_PER_MS;
        uint64_t heard = (uint64_t)json_number_value(json_object_get(host, "heard"));

        if (!host) {
                end(look, EXIT_FAILED);
        } else if (now_ms < heard + SHARING_SILENT_MS &&
                   json_number_value(json_object_get(host, "seq")) > 0) {
                fprintf(stderr,
                        "weir: store: %s spoke %" PRIu64
                        " ms ago, so it is alive; stop its gateways "
                        "first\n",
                        look->forget, now_ms > heard ? now_ms - heard : 0);
                end(look, EXIT_FAILED);
        } else if (!is_confirmed(look)) {
                fprintf(stderr, "weir: store: nothing was done\n");
                end(look, EXIT_FAILED);
        } else if (store_forget(look->store, look->hex, now_ms) < 0) {
                fprintf(stderr, "weir: store: the store went away; try again\n");
                end(look, EXIT_FAILED);
        }
}

static void show(struct look *look, const json_t *books)
{
        if (!look->is_json)
                store_picture(books, store_place(look->store), clock_wall_us() / US_PER_MS);
        else if (json_dumpf(books, stdout, JSON_INDENT(2) | JSON_SORT_KEYS) == 0)
                putchar('\n');
        end(look, EXIT_DONE);
}

/* As the function in the store has it: all that hosts write goes with this. */
static bool are_ours(const json_t *books)
{
        return json_is_string(json_object_get(json_object_get(books, "books"), "birth"));
}

static void on_books(void *ctx, const struct str *pairs, size_t n)
{
        struct look *look = ctx;
        json_t *books = gather(pairs, n);

        if (n == 0 && (look->forget || !look->is_json)) {
                fprintf(stderr,
                        "weir: store: there are no books of the name %s in %s; hosts that run "
                        "write them anew with their next op, within a minute\n",
                        store_name(look->store), store_place(look->store));
                end(look, EXIT_FAILED);
        } else if (n > 0 && !are_ours(books)) {
                fprintf(stderr,
                        "weir: store: weir:{%s} in %s: the key is there and is not ours: choose "
                        "another store.name\n",
                        store_name(look->store), store_place(look->store));
                end(look, EXIT_FAILED);
        } else if (look->forget) {
                forget(look, books);
        } else {
                show(look, books);
        }
        json_decref(books);
}

static void on_up(void *ctx)
{
        struct look *look = ctx;

        if (store_ask_books(look->store) < 0)
                end(look, EXIT_FAILED);
}

static void on_down(void *ctx, const char *why)
{
        struct look *look = ctx;

        fprintf(stderr, "weir: store: %s: %s\n", store_place(look->store), why);
        end(look, EXIT_FAILED);
}

static void on_refused(void *ctx, uint64_t seq, const char *why)
{
        (void)seq;
        fprintf(stderr, "weir: store: %s\n", why);
        end(ctx, EXIT_FAILED);
}

static void on_forgotten(void *ctx)
{
        struct look *look = ctx;

        if (look->is_json)
                printf("{ \"forgotten\": \"%s\" }\n", look->hex);
        else
                printf("%s is forgotten: what it had is the others' now\n", look->forget);
        end(look, EXIT_DONE);
}

static void on_answer(void *ctx, const struct op_answer *answer)
{
        (void)ctx;
        (void)answer;
}

static void on_news(void *ctx, const struct op_news *news)
{
        (void)ctx;
        (void)news;
}

static int run(struct look *look, const struct settings *s)
{
        static const struct store_callbacks callbacks = {
                .on_up = on_up,
                .on_down = on_down,
                .on_answer = on_answer,
                .on_refused = on_refused,
                .on_news = on_news,
                .on_books = on_books,
                .on_forgotten = on_forgotten,
        };
        struct store_config config = { s->store.url, s->store.name, s->store.password_file,
                                       s->store.ca_file };
        char why[OP_WHY_SIZE];
        int r;

        if (!s->store.url[0]) {
                fputs("weir: store: name it with --store, WEIR_STORE or store.url; see weir store "
                      "--help\n",
                      stderr);
                return EXIT_USAGE;
        }
        r = loop_new(&look->loop);
        if (r == 0)
                r = store_new(look->loop, &config, &callbacks, look, &look->store, why);
        if (r < 0) {
                fprintf(stderr, "weir: store: %s\n", look->loop ? why : strerror(-r));
                look->loop = loop_free(look->loop);
                return EXIT_USAGE;
        }
        r = loop_run(look->loop);
        look->store = store_free(look->store);
        look->loop = loop_free(look->loop);
        return r < 0 ? EXIT_FAILED : look->code;
}

/* The flags win over file and environment, which are read first. Return: true; or false when all is
 * said, with the exit code. */
static bool parse(int argc, char **argv, struct settings *s, struct look *look, int *ret_exit)
{
        const char *url = NULL, *name = NULL, *password = NULL, *ca = NULL, *config = NULL;
        const struct option_row rows[] = {
                { "--store", .text = &url, .key = "store.url" },
                { "--store-name", .text = &name, .key = "store.name" },
                { "--store-password-file", .text = &password, .key = "store.password_file" },
                { "--store-ca-file", .text = &ca, .key = "store.ca_file" },
                { "--config", .text = &config },
                { "--yes", .on = &look->is_sure },
                { "--json", .on = &look->is_json },
                { .name = NULL },
        };
        const struct options options = { "store", usage, rows, .has_words = true };
        struct settings_report report = { 0 };
        int r = 0, worst = 0;

        if (!options_read(&options, argc, argv, ret_exit))
                return false;
        settings_init(s);
        r = config ? settings_load_file(s, config, &report) : 0;
        worst = r < worst ? r : worst;
        r = settings_load_environment(s, &report);
        worst = r < worst ? r : worst;
        for (const struct option_row *row = rows; row->name; ++row) {
                r = row->key && *row->text
                            ? settings_flag(s, row->name, row->key, *row->text, &report)
                            : 0;
                worst = r < worst ? r : worst;
        }
        settings_report_print(&report, stderr);
        *ret_exit = EXIT_USAGE;
        r = worst < 0 || report.n_mistakes > 0;
        settings_report_deinit(&report);
        return r == 0;
}

int cmd_store(int argc, char **argv)
{
        struct look look = { .code = EXIT_FAILED };
        struct settings *s = malloc(sizeof(*s));
        int r = EXIT_FAILED, n;
        const char *what;

        if (!s || !parse(argc, argv, s, &look, &r)) {
                free(s);
                return r;
        }
        what = optind < argc ? argv[optind] : "";
        n = argc - optind;
        look.forget = strcmp(what, "forget") == 0 && n == 2 ? argv[optind + 1] : NULL;
        if (look.forget || (strcmp(what, "show") == 0 && n == 1)) {
                r = run(&look, s);
        } else {
                fputs(strcmp(what, "forget") == 0
                              ? "weir: store: forget: name one host; see weir store --help\n"
                              : "weir: store: say what to do: show, or forget HOST; see weir store "
                                "--help\n",
                      stderr);
                r = EXIT_USAGE;
        }
        free(s);
        return r;
}
