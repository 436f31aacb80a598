/*
 * Bytes as an unsigned request, head and body: whoever proves itself is no browser; what can be
 * sealed keeps each byte, and its signature is that of what leaves.
 */
#include "base/buf.h"
#include "gateway/proof.h"
#include "http/parse.h"
#include "sign/seal.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct str mark = { "&signature=", 11 };

static struct signer *make_signer(void)
{
        struct signer_source source = { .api_key = "key", .api_secret = "secret" };
        char why[SIGNER_WHY_MAX];
        struct signer *s;

        must(signer_open(&source, &s, why) == 0);
        return s;
}

static void check_proof(const struct http_head *head, bool is_unix)
{
        static const struct proof_clients clients = { .users = { 7 }, .n_users = 1 };
        struct proof_request request = {
                .head = head, .is_unix = is_unix, .user = 7, .local = "127.0.0.1"
        };
        struct str what;
        int proof = proof_check(&request, &clients, &what);
        bool has_origin = http_field_value(head, STR_LITERAL("origin")).p != NULL;
        bool has_site = http_field_value(head, STR_LITERAL("sec-fetch-site")).p != NULL;

        must((proof == PROOF_BROWSER) == (what.p != NULL));
        must(!has_origin || proof == PROOF_BROWSER);
        must(!has_site || proof == PROOF_BROWSER);
        must(proof != PROOF_GOOD || is_unix); /* there is no token */
}

static struct str behind(struct str all, size_t n)
{
        return str_from(all.p + n, all.n - n);
}

static void check_sealed(const struct signer *signer, const struct seal_request *request,
                         struct str target, struct str body)
{
        bool is_form = request->body.n > 0;
        struct str sealed = is_form ? body : target,
                   kept = is_form ? request->body : request->target;
        size_t path = request->target.n - request->query.n - (request->has_query ? 1 : 0);
        char signature[SIGNER_TEXT_MAX];
        struct buf payload;

        must(str_has_prefix(target, request->target) && str_has_prefix(sealed, kept));
        must(http_is_target(target));
        must(!is_form || target.n == request->target.n);
        must(sealed.n > kept.n + mark.n + 64);
        must(str_eq(str_from(sealed.p + sealed.n - 64 - mark.n, mark.n), mark));
        must(sealed.n <= kept.n + SEAL_BYTES_MAX);
        sealed.n -= 64 + mark.n;
        buf_init(&payload, target.n + body.n + 1);
        if (is_form && request->has_query)
                must(buf_append_str(&payload, request->query) == 0);
        must(buf_append_str(&payload, is_form ? sealed : behind(sealed, path + 1)) == 0);
        must(signer_sign(signer, buf_str(&payload), signature) == 0);
        must(memcmp(sealed.p + sealed.n + mark.n, signature, 64) == 0);
        buf_deinit(&payload);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct signer *signer;
        static struct http_head head;
        struct str all = str_from((const char *)data, size);
        struct http_error error;
        struct seal_request request;
        struct buf target, body;
        char why[SEAL_WHY_MAX];
        size_t from = 0;

        if (!signer)
                signer = make_signer();
        if (http_parse_request(all, &from, &head, &error) != HTTP_DONE)
                return 0;
        check_proof(&head, false);
        check_proof(&head, true);
        request = (struct seal_request){ .target = head.target,
                                         .query = head.query,
                                         .has_query = head.has_query,
                                         .body = behind(all, head.head_bytes) };
        if (seal_check(&request, why) < 0)
                return 0;
        buf_init(&target, 1 << 20);
        buf_init(&body, 8 << 20);
        must(seal_write(signer, &request, 1499827319559, 5000, &target, &body) == 0);
        check_sealed(signer, &request, buf_str(&target), buf_str(&body));
        buf_deinit(&target);
        buf_deinit(&body);
        return 0;
}
