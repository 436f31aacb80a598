#include "gateway/proof.h"

#include "http/host.h"

static bool is_browsers(struct str name)
{
        return str_eq_nocase(name, STR_LITERAL("origin")) ||
               (str_has_prefix_nocase(name, STR_LITERAL("sec-fetch-")) &&
                !str_eq_nocase(name, STR_LITERAL("sec-fetch-mode"))) ||
               str_has_prefix_nocase(name, STR_LITERAL("access-control-request-"));
}

struct str proof_of_browser(const struct http_head *head)
{
        for (size_t i = 0; i < head->n_fields; ++i)
                if (is_browsers(head->fields[i].name))
                        return head->fields[i].name;
        return STR_NULL;
}

bool proof_is_preflight(const struct http_head *head)
{
        struct str wanted = http_field_value(head, STR_LITERAL("access-control-request-headers"));

        return head->method == HTTP_OPTIONS &&
               str_find_nocase(wanted, STR_LITERAL("x-weir-")) != NULL;
}

bool proof_is_field(struct str name)
{
        return str_eq_nocase(name, STR_LITERAL("authorization")) ||
               str_eq_nocase(name, STR_LITERAL("x-weir-token"));
}

static bool is_our_name(const struct proof_request *request, const struct proof_clients *clients)
{
        struct str host = http_host_name(request->head->host);

        /* No page gets at a unix socket. */
        if (request->is_unix)
                return true;
        if (http_host_is_usual(request->head->host, request->local))
                return true;
        for (size_t i = 0; i < clients->n_hosts; ++i)
                if (str_eq_nocase(host, str_of(clients->hosts[i])))
                        return true;
        return false;
}

/* The token in a field's value; "Basic ..." and the like are taken as they are, and fit nowhere. */
static struct str token_of(const struct http_field *field)
{
        const struct str bearer = STR_LITERAL("bearer ");

        if (str_has_prefix_nocase(field->value, bearer))
                return str_trim(str_from(field->value.p + bearer.n, field->value.n - bearer.n));
        return field->value;
}

static int check_who(const struct proof_request *request, const struct proof_clients *clients)
{
        const struct http_field *found = NULL;

        for (size_t i = 0; i < request->head->n_fields; ++i) {
                if (!proof_is_field(request->head->fields[i].name))
                        continue;
                if (found)
                        return PROOF_TWICE;
                found = &request->head->fields[i];
        }
        if (found)
                return tokens_have(clients->tokens, token_of(found)) ? PROOF_GOOD : PROOF_WRONG;
        for (size_t i = 0; request->is_unix && i < clients->n_users; ++i)
                if (clients->users[i] == request->user)
                        return PROOF_GOOD;
        return request->is_unix && clients->n_users > 0 ? PROOF_USER : PROOF_MISSING;
}

int proof_check(const struct proof_request *request, const struct proof_clients *clients,
                struct str *ret_what)
{
        *ret_what = proof_of_browser(request->head);
        if (ret_what->p)
                return PROOF_BROWSER;
        if (!is_our_name(request, clients))
                return PROOF_HOST;
        return check_who(request, clients);
}
