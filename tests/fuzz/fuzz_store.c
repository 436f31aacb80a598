/*
 * Bytes as what a store says and as its URL: answers and news are read or refused in words; a URL
 * that is read is read again from what is shown of it, and shows no password.
 */
#include "lease/op.h"
#include "lease/store_url.h"
#include "lease/store_words.h"

#include <errno.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_url(struct str bytes)
{
        char why[OP_WHY_SIZE] = "", text[STORE_TEXT_SIZE], again[STORE_TEXT_SIZE];
        struct store_url url;

        if (store_url_parse(bytes, &url, why) < 0) {
                must(why[0]);
                return;
        }
        store_url_text(&url, text);
        /* Of very many hosts not all are shown. */
        if (strlen(text) == sizeof(text) - 1)
                return;
        must(store_url_parse(str_of(text), &url, why) == 0);
        must(url.password[0] == '\0' && url.user[0] == '\0');
        must(strcmp(store_url_text(&url, again), text) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct str bytes = str_from((const char *)data, size);
        char why[OP_WHY_SIZE] = "", words[256], host[64];
        struct op_answer answer;
        struct op_news news;
        uint16_t port = 0;
        int r;

        if (size > 65536)
                return 0;
        r = op_answer_parse(bytes, &answer, why);
        must(r == 0 || ((r == -EPROTO || r == -ECONNREFUSED) && why[0]) ||
             (r == -ECONNREFUSED && !why[0]));
        op_answer_deinit(&answer);
        why[0] = '\0';
        r = op_news_parse(bytes, &news, why);
        must(r == 0 || (r == -EPROTO && why[0]));
        op_news_deinit(&news);
        if (!memchr(data, 0, size))
                try_url(bytes);
        store_words(bytes, "HGET", words, sizeof(words));
        must(store_moved(bytes, host, sizeof(host), &port) < 0 || port > 0);
        return 0;
}
