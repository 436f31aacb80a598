#include "sim/call.h"

#include <stdarg.h>
#include <stdio.h>

static const struct {
        unsigned status;
        int code;
        const char *text;
} refusals[] = {
#define REFUSAL(id, status, code, text) [REFUSED_##id] = { status, code, text },
#include "sim/errors.def"
#undef REFUSAL
};

/* The texts come from one table, whose words are all %s; the compiler cannot see that. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
json_t *call_refuse(struct call *call, enum refusal refusal, ...)
{
        va_list words;

        call->status = refusals[refusal].status;
        call->code = refusals[refusal].code;
        va_start(words, refusal);
        vsnprintf(call->message, sizeof(call->message), refusals[refusal].text, words);
        va_end(words);
        return NULL;
}
#pragma GCC diagnostic pop

json_t *call_refusal_json(const struct call *call)
{
        json_t *error = json_object();

        json_put(error, "code", json_integer(call->code));
        json_put(error, "msg", json_str(str_of(call->message)));
        if (call->data)
                json_put(error, "data", json_incref(call->data));
        return error;
}

bool call_has(struct call *call, const char *name)
{
        if (form_has(call->params, name))
                return true;
        call_refuse(call, REFUSED_MISSING, name);
        return false;
}

static bool is_symbol_text(struct str s)
{
        for (size_t i = 0; i < s.n; ++i) {
                unsigned char c = (unsigned char)s.p[i];

                /* Names beyond ASCII are allowed, as the exchange has some. */
                if (c < 0x80 && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') && c != '-' &&
                    c != '_' && c != '.')
                        return false;
        }
        return s.n <= 60;
}

bool call_symbol_if_any(struct call *call, const struct symbol **ret_symbol)
{
        struct str name = form_get(call->params, "symbol");

        *ret_symbol = NULL;
        if (name.n == 0)
                return true;
        if (!is_symbol_text(name)) {
                call_refuse(call, REFUSED_ILLEGAL, "symbol", "^[A-Z0-9-_.]{1,20}$");
                return false;
        }
        *ret_symbol = market_symbol(&call->engine->market, call->endpoint->product, name);
        if (!*ret_symbol)
                call_refuse(call, REFUSED_SYMBOL);
        return *ret_symbol;
}

const struct symbol *call_symbol(struct call *call)
{
        const struct symbol *symbol;

        if (!call_has(call, "symbol") || !call_symbol_if_any(call, &symbol))
                return NULL;
        return symbol;
}

bool call_decimal(struct call *call, const char *name, decimal *ret)
{
        struct str text = form_get(call->params, name);
        int r;

        *ret = 0;
        if (text.n == 0)
                return true;
        r = decimal_from(text, ret);
        if (r == 0 && *ret >= 0)
                return true;
        if (r == 0 || text.p[0] == '-')
                call_refuse(call, REFUSED_ILLEGAL, name, "^([0-9]{1,20})(\\.[0-9]{1,20})?$");
        else if (call->endpoint->product == PRODUCT_SPOT && strchr("0123456789.", text.p[0]))
                call_refuse(call, REFUSED_PRECISION, name);
        else
                call_refuse(call, REFUSED_MISSING, name);
        return false;
}

static bool is_futures(const struct call *call)
{
        return call->endpoint->product == PRODUCT_USDM || call->endpoint->product == PRODUCT_COINM;
}

static void refuse_orders(struct call *call, const struct ledger_entry *entry)
{
        char limit[24], span[32];
        uint32_t n;
        const char *unit = limit_unit(entry->limit.span_s, &n);

        snprintf(limit, sizeof(limit), "%llu", (unsigned long long)entry->limit.limit);
        if (!is_futures(call))
                snprintf(span, sizeof(span), "%u %s", n, unit);
        else if (n == 10 && unit[0] == 'S')
                snprintf(span, sizeof(span), "TEN_SECONDS");
        else if (n == 1)
                snprintf(span, sizeof(span), "%s", unit);
        else
                snprintf(span, sizeof(span), "%u %s", n, unit);
        call_refuse(call, is_futures(call) ? REFUSED_ORDERS_FUTURES : REFUSED_ORDERS_SPOT, limit,
                    span);
}

bool call_admit_orders(struct call *call)
{
        const struct endpoint *e = call->endpoint;
        struct ledger_entry entry;

        if (e->orders + e->orders_long > 0) {
                struct book *book = ledger_book(call->account_owner, e->pool, NULL);

                call->counts_orders = true;
                if (ledger_orders(call->ledger, book, e->orders, e->orders_long, call->now_ms,
                                  &entry) != LEDGER_OK) {
                        refuse_orders(call, &entry);
                        return false;
                }
        }
        if (!sign_is_stale(&call->age, call->now_us + call->engine_delay_us))
                return true;
        call_refuse(call, e->product == PRODUCT_USDM    ? REFUSED_ENGINE_TOO_OLD
                          : e->product == PRODUCT_COINM ? REFUSED_ENGINE_TOO_OLD_COINM
                                                        : REFUSED_TOO_OLD);
        return false;
}

json_t *json_decimal(decimal value, unsigned places)
{
        char text[DECIMAL_TEXT];

        return json_string_nocheck(decimal_text(value, places, text));
}

json_t *json_str(struct str s)
{
        json_t *text = json_stringn(s.p ? s.p : "", s.n);

        /* What is not UTF-8 cannot be repeated in JSON. */
        return text ? text : json_string("?");
}

json_t *json_price(const struct symbol *symbol, decimal price)
{
        unsigned places = symbol->product == PRODUCT_SPOT ? DECIMAL_PLACES : symbol->price_places;

        return json_decimal(price, places);
}

json_t *json_qty(const struct symbol *symbol, decimal qty)
{
        unsigned places = symbol->product == PRODUCT_SPOT ? DECIMAL_PLACES : symbol->qty_places;

        return json_decimal(qty, places);
}

void json_add(json_t *array, json_t *element)
{
        int r = json_array_append_new(array, element);

        must(r == 0);
}

void json_put(json_t *object, const char *name, json_t *value)
{
        int r = json_object_set_new(object, name, value);

        must(r == 0);
}
