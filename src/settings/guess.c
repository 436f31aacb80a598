#include "settings/guess.h"

/* Longer words are no slips of the hand any more. */
#define WORD_MAX 48

static size_t min(size_t a, size_t b)
{
        return a < b ? a : b;
}

/* Upper case and hyphens are how other programs spell keys, not slips. */
static char plain(char c)
{
        if (c >= 'A' && c <= 'Z')
                return (char)(c + ('a' - 'A'));
        return c == '-' ? '_' : c;
}

/* Insertions, deletions, replacements and swaps of neighbours that turn @a into @b. */
static size_t edit_distance(struct str a, struct str b)
{
        size_t rows[3][WORD_MAX + 1];
        size_t *before = rows[0], *last = rows[1], *row = rows[2], *spare;

        for (size_t j = 0; j <= b.n; ++j)
                last[j] = j;
        for (size_t i = 1; i <= a.n; ++i) {
                row[0] = i;
                for (size_t j = 1; j <= b.n; ++j) {
                        bool is_same = plain(a.p[i - 1]) == plain(b.p[j - 1]);

                        row[j] = min(min(last[j], row[j - 1]) + 1, last[j - 1] + !is_same);
                        if (i > 1 && j > 1 && plain(a.p[i - 1]) == plain(b.p[j - 2]) &&
                            plain(a.p[i - 2]) == plain(b.p[j - 1]))
                                row[j] = min(row[j], before[j - 2] + 1);
                }
                spare = before;
                before = last;
                last = row;
                row = spare;
        }
        return last[b.n];
}

void guess_init(struct guess *g, struct str word)
{
        /* A third of the letters wrong is a slip; more is another word. */
        *g = (struct guess){ .word = word, .distance = word.n / 3 + 1 };
}

void guess_offer(struct guess *g, struct str candidate)
{
        size_t distance;

        if (g->word.n == 0 || g->word.n > WORD_MAX || candidate.n > WORD_MAX)
                return;
        distance = edit_distance(g->word, candidate);
        if (distance < g->distance) {
                g->best = candidate;
                g->distance = distance;
        }
}
