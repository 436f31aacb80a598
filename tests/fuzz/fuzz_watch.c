/*
 * Bytes as a request for what is under /weir: without a token nobody from elsewhere may do
 * anything, nobody at all may act, and a page of another site gets nothing; a query is read or
 * refused, and never longer than its room.
 */
#include "http/host.h"
#include "http/parse.h"
#include "watch/door.h"
#include "watch/query.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool has(const struct http_head *head, struct str name, struct str value)
{
        for (size_t i = 0; i < head->n_fields; ++i)
                if (str_eq_nocase(head->fields[i].name, name) &&
                    str_eq_nocase(head->fields[i].value, value))
                        return true;
        return false;
}

static void check_door(const struct http_head *head, const char *local, const char *peer,
                       bool is_static)
{
        static struct sessions none;
        static const struct door_rules rules = { .hosts = { "weir.lan" }, .n_hosts = 1 };
        struct door_request request = {
                .head = head,
                .is_static = is_static,
                .is_unix = strcmp(peer, "unix") == 0,
                .local = local,
                .peer = peer,
                .now_us = 1,
        };
        bool is_at_home = request.is_unix || http_is_loopback(str_of(peer));
        struct door_pass pass;
        int r = door_check(&request, &rules, &none, &pass);

        must(!pass.session && pass.may <= DOOR_LOOK);
        must(r != DOOR_OPEN || is_at_home || pass.may == DOOR_NOTHING);
        if (has(head, STR_LITERAL("origin"), STR_LITERAL("null")))
                must(r == DOOR_SITE || r == DOOR_HOST);
        if (!is_static && has(head, STR_LITERAL("sec-fetch-site"), STR_LITERAL("cross-site")))
                must(r == DOOR_SITE || r == DOOR_HOST);
        if (http_field_value(head, STR_LITERAL("x-forwarded-for")).p)
                must(r != DOOR_OPEN || pass.may == DOOR_NOTHING);
}

static void check_query(struct str query)
{
        char text[16];
        uint64_t number = 7;
        int r = query_text(query, "client", text, sizeof(text));

        must(r != QUERY_FOUND || strlen(text) < sizeof(text));
        r = query_number(query, "max", 1, 9, &number);
        must(r != QUERY_FOUND || (number >= 1 && number <= 9));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct http_head head;
        struct str all = str_from((const char *)data, size);
        char name[DOOR_COOKIE_SIZE];
        struct http_error error;
        size_t from = 0;

        if (http_parse_request(all, &from, &head, &error) != HTTP_DONE)
                return 0;
        for (int is_static = 0; is_static < 2; ++is_static) {
                check_door(&head, "127.0.0.1", "127.0.0.1", is_static);
                check_door(&head, "10.0.0.5", "10.0.0.9", is_static);
                check_door(&head, "", "unix", is_static);
        }
        must(str_has_prefix(str_of(door_cookie_name(&head, name)), STR_LITERAL("weir")));
        check_query(head.query);
        return 0;
}
