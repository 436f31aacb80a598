#include "policy/params.h"
#include "policy/tables.h"

/* Longer than any number that fits into 64 bits and any word of a rule. */
#define VALUE_MAX 40

static int hex(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        if (c >= 'A' && c <= 'F')
                return c - 'A' + 10;
        return -1;
}

static bool is_encoded(struct str s)
{
        return s.n > 0 && (memchr(s.p, '%', s.n) || memchr(s.p, '+', s.n));
}

/*
 * What a form decoder makes of @s. A broken escape stays as it is. What does not fit into @to
 * becomes a null view, which equals no name and no word and is no number.
 */
static struct str decode(struct str s, char *to, size_t size)
{
        size_t n = 0;

        for (size_t i = 0; i < s.n; ++i) {
                if (n == size)
                        return STR_NULL;
                if (s.p[i] == '%' && i + 2 < s.n && hex(s.p[i + 1]) >= 0 && hex(s.p[i + 2]) >= 0) {
                        to[n++] = (char)(hex(s.p[i + 1]) << 4 | hex(s.p[i + 2]));
                        i += 2;
                } else {
                        to[n++] = s.p[i] == '+' ? ' ' : s.p[i];
                }
        }
        return str_from(to, n);
}

static unsigned look_up(struct str name)
{
        unsigned id;

        if (name.n == 0 || name.n > PARAM_NAME_MAX)
                return PARAM_COUNT;

        id = table_param_slots[PARAM_HASH((uint32_t)name.n, (uint8_t)name.p[0],
                                          (uint8_t)name.p[name.n - 1])];
        return id != PARAM_COUNT && str_eq(name, table_params[id]) ? id : PARAM_COUNT;
}

/* Return: PARAM_*, PARAM_COUNT for a name that nothing here depends on. */
static unsigned name_of(struct str sent)
{
        char space[PARAM_NAME_MAX];
        unsigned id = look_up(sent);

        if (id == PARAM_COUNT && is_encoded(sent))
                id = look_up(decode(sent, space, sizeof(space)));
        return id;
}

static uint64_t whole_number(struct str s)
{
        uint64_t n;

        return str_to_u64(s, &n) == 0 ? n : UINT64_MAX;
}

/* "5000", "5000.5" and "5000.123" in thousandths; further digits are cut. */
static uint64_t thousandths(struct str s)
{
        struct str whole, rest = s;
        uint64_t n, fraction = 0;
        uint64_t scale = 100;

        if (!str_split(&rest, '.', &whole) || str_to_u64(whole, &n) < 0 ||
            __builtin_mul_overflow(n, 1000, &n))
                return UINT64_MAX;
        for (size_t i = 0; i < rest.n; ++i, scale /= 10) {
                if (rest.p[i] < '0' || rest.p[i] > '9')
                        return UINT64_MAX;
                fraction += (uint64_t)(rest.p[i] - '0') * scale;
        }
        return __builtin_add_overflow(n, fraction, &n) ? UINT64_MAX : n;
}

static uint64_t number_of(unsigned id, struct str value)
{
        char space[VALUE_MAX];
        uint64_t n = id == PARAM_RECV_WINDOW ? thousandths(value) : whole_number(value);

        if (n == UINT64_MAX && is_encoded(value)) {
                value = decode(value, space, sizeof(space));
                n = id == PARAM_RECV_WINDOW ? thousandths(value) : whole_number(value);
        }
        return n;
}

/*
 * One more than the commas, plain or escaped: right for ["A","B"] and for A,B, too much for a
 * trailing comma or one inside a string, and never less than the exchange can make of it.
 */
static uint64_t elements_of(struct str value)
{
        uint64_t n = 1;

        for (size_t i = 0; i < value.n; ++i) {
                if (value.p[i] == ',')
                        ++n;
                else if (value.p[i] == '%' && i + 2 < value.n && value.p[i + 1] == '2' &&
                         (value.p[i + 2] | 0x20) == 'c')
                        ++n;
        }
        return n;
}

static void add_again(struct param *at, const struct param *more)
{
        at->is_empty |= more->is_empty;
        at->is_mixed |= !str_eq(at->value, more->value);
        at->n_elements += more->n_elements;
        if (more->most > at->most)
                at->most = more->most;
        if (more->least < at->least)
                at->least = more->least;
}

static void add(struct params *p, unsigned id, struct str value)
{
        struct param one = { .value = value, .is_empty = value.n == 0, .n_elements = 1 };

        if (table_params_of_numbers & 1u << id)
                one.most = one.least = number_of(id, value);
        if (table_params_of_lists & 1u << id)
                one.n_elements = elements_of(value);

        if (params_has(p, id))
                add_again(&p->of[id], &one);
        else
                p->of[id] = one;
        p->sent |= 1u << id;
}

/* Names in @locked were decided before and are passed over. */
static void read_pairs(struct params *p, struct str pairs, uint32_t locked)
{
        struct str pair, name;

        while (str_split(&pairs, '&', &pair)) {
                unsigned id;

                if (!str_split(&pair, '=', &name))
                        continue;
                id = name_of(name);
                if (id != PARAM_COUNT && !(locked & 1u << id))
                        add(p, id, pair);
        }
}

void params_read(struct params *p, struct str query, struct str body)
{
        p->sent = 0;
        read_pairs(p, query, 0);
        read_pairs(p, body, p->sent);
}

bool params_is(const struct params *p, unsigned name, const char *word)
{
        char space[VALUE_MAX];
        struct str value;

        if (!params_has(p, name) || p->of[name].is_mixed)
                return false;

        value = p->of[name].value;
        if (is_encoded(value))
                value = decode(value, space, sizeof(space));
        return str_eq_nocase(value, str_of(word));
}
