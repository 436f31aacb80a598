#include "cli/option.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

void option_complain(const char *command, int c, char **argv)
{
        const char *word = argv[optind - 1], *value = strchr(word, '=');
        char letter[3] = { '-', (char)optopt, '\0' };

        if (c == ':')
                fprintf(stderr, "weir: %s: %s needs a value", command, word);
        else if (optopt && strncmp(word, "--", 2) == 0 && value)
                fprintf(stderr, "weir: %s: %.*s takes no value", command, (int)(value - word),
                        word);
        else
                fprintf(stderr, "weir: %s: there is no option %s", command, optopt ? letter : word);
        fprintf(stderr, "; see weir %s --help\n", command);
}
