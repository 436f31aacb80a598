#include "classify/codes.h"

#define BIT(product) (1U << CLASSIFY_##product)
#define SPOTS        (BIT(SPOT) | BIT(SAPI))
#define USD          (BIT(UM) | BIT(PAPI))
#define COIN         (BIT(CM) | BIT(PAPI))
#define FUTURES      (USD | COIN)
#define ALL          (SPOTS | FUTURES | BIT(OPTIONS))

#define ROW(first, last, products, status, other, kind, executed, reason)                          \
        { first, last, products, status, other, VERDICT_##kind, EXECUTED_##executed, reason },

static const struct code_row rows[] = {
#define CODE(code, products, status, other, kind, executed, reason)                                \
        ROW(code, code, products, status, other, kind, executed, reason)
#define RANGE ROW
#include "classify/codes.def"
};

static const struct {
        struct str text;
        int32_t code;
} phrases[] = {
#define PHRASE(text, code) { { text, sizeof(text) - 1 }, code },
#include "classify/codes.def"
};

static const struct str not_done[] = {
#define NOT_DONE(text) { text, sizeof(text) - 1 },
#include "classify/codes.def"
};

const struct code_row *code_find(enum classify_product product, int32_t code)
{
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                if (code >= rows[i].first && code <= rows[i].last &&
                    (rows[i].products & 1U << product))
                        return &rows[i];
        }
        return NULL;
}

const struct code_row *code_at(size_t i)
{
        return i < ARRAY_SIZE(rows) ? &rows[i] : NULL;
}

int32_t code_from_phrase(struct str text)
{
        for (size_t i = 0; i < ARRAY_SIZE(phrases); ++i) {
                if (str_find_nocase(text, phrases[i].text))
                        return phrases[i].code;
        }
        return 0;
}

bool code_is_not_done(struct str text)
{
        for (size_t i = 0; i < ARRAY_SIZE(not_done); ++i) {
                if (str_has_prefix_nocase(text, not_done[i]))
                        return true;
        }
        return false;
}
