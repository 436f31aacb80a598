#include "sim/record.h"

#include <stdlib.h>

void record_init(struct record *record, size_t size)
{
        must(size <= RECORD_MAX);
        *record = (struct record){ .size = size };
        record->entries = calloc(size ? size : 1, sizeof(*record->entries));
        must(record->entries);
        for (size_t i = 0; i < size; ++i)
                buf_init(&record->entries[i].bytes, RECORD_BYTES);
}

void record_deinit(struct record *record)
{
        for (size_t i = 0; i < record->size; ++i)
                buf_deinit(&record->entries[i].bytes);
        free(record->entries);
        *record = (struct record){ .size = 0 };
}

void record_clear(struct record *record)
{
        record->n = 0;
}

static size_t keep(struct record_entry *e, struct str s)
{
        if (buf_append_str(&e->bytes, s) == 0)
                return s.n;
        e->is_cut = true;
        return 0;
}

uint64_t record_add(struct record *record, const struct http_head *head, struct str body,
                    const char *peer, uint64_t now_us)
{
        uint64_t number = record->n++;
        struct record_entry *e;

        if (record->size == 0)
                return number;
        e = &record->entries[number % record->size];
        buf_clear(&e->bytes);
        e->number = number;
        e->arrived_us = now_us;
        e->is_cut = false;
        e->status = 0;
        str_copy(str_of(peer), e->peer, sizeof(e->peer));
        e->method_n = keep(e, head->method_text);
        e->target_n = keep(e, head->target);
        e->body_n = keep(e, body);
        e->n_fields = head->n_fields;
        for (size_t i = 0; i < head->n_fields; ++i) {
                e->field_n[i][0] = (uint32_t)keep(e, head->fields[i].name);
                e->field_n[i][1] = (uint32_t)keep(e, head->fields[i].value);
        }
        return number;
}

void record_status(struct record *record, uint64_t number, unsigned status)
{
        struct record_entry *e = record->size ? &record->entries[number % record->size] : NULL;

        if (e && e->number == number && number < record->n)
                e->status = status;
}

/* Each byte as the code point of the same number. */
static json_t *bytes_json(struct str s)
{
        char *utf8 = malloc(2 * s.n + 1);
        size_t n = 0;
        json_t *json;

        must(utf8 && (s.p || s.n == 0));
        for (size_t i = 0; i < s.n; ++i) {
                unsigned char c = (unsigned char)s.p[i];

                if (c < 0x80) {
                        utf8[n++] = (char)c;
                } else {
                        utf8[n++] = (char)(0xc0 | c >> 6);
                        utf8[n++] = (char)(0x80 | (c & 0x3f));
                }
        }
        json = json_stringn(utf8, n);
        must(json);
        free(utf8);
        return json;
}

static json_t *take(struct str *rest, size_t n)
{
        struct str part = str_from(rest->p, n);

        *rest = str_from(rest->p + n, rest->n - n);
        return bytes_json(part);
}

static json_t *entry_json(const struct record_entry *e)
{
        struct str rest = buf_str(&e->bytes);
        json_t *fields = json_array(), *j = json_object();

        json_object_set_new(j, "number", json_integer((json_int_t)e->number));
        json_object_set_new(j, "arrivalUs", json_integer((json_int_t)e->arrived_us));
        json_object_set_new(j, "peer", json_string(e->peer));
        json_object_set_new(j, "status", json_integer(e->status));
        json_object_set_new(j, "cut", json_boolean(e->is_cut));
        json_object_set_new(j, "method", take(&rest, e->method_n));
        json_object_set_new(j, "target", take(&rest, e->target_n));
        json_object_set_new(j, "body", take(&rest, e->body_n));
        for (size_t i = 0; i < e->n_fields; ++i) {
                json_t *name = take(&rest, e->field_n[i][0]);

                json_array_append_new(fields,
                                      json_pack("[o,o]", name, take(&rest, e->field_n[i][1])));
        }
        json_object_set_new(j, "headers", fields);
        return j;
}

json_t *record_json(const struct record *record, uint64_t n)
{
        uint64_t kept = record->n < record->size ? record->n : record->size;
        json_t *list = json_array();

        n = n < kept ? n : kept;
        for (uint64_t i = record->n - n; i < record->n; ++i)
                json_array_append_new(list, entry_json(&record->entries[i % record->size]));
        return list;
}
