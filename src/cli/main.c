#include "cli/cmd.h"
#include "settings/guess.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

static const struct command {
        const char *name;
        int (*run)(int argc, char **argv);
        const char *help;
} commands[] = {
        { "gateway", cmd_gateway,
          "stand between your programs and the exchange, inside its limits" },
        { "status", cmd_status, "the budgets now" },
        { "top", cmd_top, "the budgets live, and who spends" },
        { "demo", cmd_demo, "greedy bots straight at a simulated exchange, and through weir" },
        { "history", cmd_history, "who used how much, by window, hour and day" },
        { "check", cmd_check, "explain what is wrong with a configuration file" },
        { "order", cmd_order, "trade futures: place, cancel, query, positions, ..." },
        { "positions", cmd_positions, "what is open, what protects it, what has changed" },
        { "region", cmd_region,
          "the shared file: show what is in it, check every byte, share no more" },
        { "store", cmd_store, "what hosts share through a store; a dead host's end" },
        { "sim", cmd_sim, "an exchange to lose against: limits, bans, orders and faults" },
};

static void print_help(void)
{
        printf("usage: weir COMMAND [OPTION]...\n\n"
               "Keeps every program of a desk inside Binance's rate limits.\n\n");
        for (size_t i = 0; i < ARRAY_SIZE(commands); ++i)
                printf("  %-10s %s\n", commands[i].name, commands[i].help);
        printf("\n  --help     this text\n  --version  the version\n\n"
               "weir COMMAND --help explains a command.\n");
}

static void say_no_command(const char *word)
{
        struct guess guess;

        guess_init(&guess, str_of(word));
        for (size_t i = 0; i < ARRAY_SIZE(commands); ++i)
                guess_offer(&guess, str_of(commands[i].name));
        if (guess.best.n > 0)
                fprintf(stderr,
                        "weir: there is no command \"%s\"; did you mean \"%.*s\"? see weir "
                        "--help\n",
                        word, STR_ARGS(guess.best));
        else
                fprintf(stderr, "weir: there is no command \"%s\"; see weir --help\n", word);
}

int main(int argc, char **argv)
{
        /* A peer that closed is an answer of write(), not a reason to die. */
        signal(SIGPIPE, SIG_IGN);

        if (argc < 2) {
                fputs("weir: name a command; see weir --help\n", stderr);
                return EXIT_USAGE;
        }
        if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
            strcmp(argv[1], "help") == 0) {
                print_help();
                return EXIT_DONE;
        }
        if (strcmp(argv[1], "--version") == 0) {
                puts("weir " WEIR_VERSION);
                return EXIT_DONE;
        }
        for (size_t i = 0; i < ARRAY_SIZE(commands); ++i)
                if (strcmp(argv[1], commands[i].name) == 0)
                        return commands[i].run(argc - 1, argv + 1);
        say_no_command(argv[1]);
        return EXIT_USAGE;
}
