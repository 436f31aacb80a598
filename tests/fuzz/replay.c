/*
 * Replay
 *
 * Stands in for the fuzzer in builds without one: feeds a target every file of its corpus, and
 * every prefix of it, each from memory of exactly that size so that a sanitizer sees one byte read
 * too far. Prefixes of long files are thinned out: the time they take grows with the square.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"

/* Prefixes of one file at most. */
#define PREFIXES_MAX 1024

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void feed(const uint8_t *data, size_t size)
{
        uint8_t *copy = malloc(size > 0 ? size : 1);

        must(copy);
        if (size > 0)
                memcpy(copy, data, size);
        (void)LLVMFuzzerTestOneInput(copy, size);
        free(copy);
}

static void replay(const uint8_t *data, size_t size)
{
        size_t step = size / PREFIXES_MAX + 1;

        for (size_t n = 0; n < size; n += step)
                feed(data, n);
        feed(data, size);
}

/* Return: false when @path could not be read. */
static bool replay_file(const char *path)
{
        FILE *file = fopen(path, "rb");
        uint8_t *data = NULL;
        long size = -1;
        bool is_read;

        if (!file)
                return false;
        if (fseek(file, 0, SEEK_END) == 0)
                size = ftell(file);
        rewind(file);
        if (size >= 0)
                data = malloc((size_t)size + 1);
        is_read = data && fread(data, 1, (size_t)size, file) == (size_t)size;
        fclose(file);
        if (is_read)
                replay(data, (size_t)size);
        free(data);
        return is_read;
}

static int is_input(const struct dirent *entry)
{
        return entry->d_name[0] != '.';
}

int main(int argc, char **argv)
{
        struct dirent **entries;
        char path[4096];
        int n, failed = 0;

        n = argc == 2 ? scandir(argv[1], &entries, is_input, alphasort) : -1;
        if (n < 0) {
                fprintf(stderr, "usage: %s CORPUS_DIRECTORY\n", argv[0]);
                return 2;
        }
        for (int i = 0; i < n; ++i) {
                snprintf(path, sizeof(path), "%s/%s", argv[1], entries[i]->d_name);
                if (!replay_file(path)) {
                        perror(path);
                        ++failed;
                }
                free(entries[i]);
        }
        free(entries);
        printf("%d files replayed\n", n - failed);
        /* An empty corpus proves nothing, and is most likely a wrong path. */
        return n > 0 && failed == 0 ? 0 : 1;
}
