/*
 * A call wrapped: weir waits for room, calls the function, reads the answer, and repeats only what
 * a limit refused.
 *
 *      cc call.c $(pkg-config --cflags --libs weir libcurl)
 *      ./a.out https://fapi.binance.com
 */
#include <weir.h>

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADERS 3

struct get {
        CURL *curl;
        char url[256];
        char body[65536];
        size_t n;
        struct weir_header headers[HEADERS];
};

static size_t take(char *data, size_t size, size_t n, void *ctx)
{
        struct get *get = ctx;
        size_t bytes = size * n, room = sizeof(get->body) - get->n;

        /* What does not fit is of no interest here, and must still be taken. */
        memcpy(get->body + get->n, data, bytes < room ? bytes : room);
        get->n += bytes < room ? bytes : room;
        return bytes;
}

/* One attempt. Sign in here, if it must be signed: the wait is over. */
static int send_it(void *ctx, struct weir_reply *reply)
{
        static const char *const names[HEADERS] = { "X-MBX-USED-WEIGHT-1M", "X-MBX-ORDER-COUNT-10S",
                                                    "Retry-After" };
        struct get *get = ctx;
        struct curl_header *header;
        long status = 0;
        CURLcode r;

        get->n = 0;
        curl_easy_setopt(get->curl, CURLOPT_URL, get->url);
        curl_easy_setopt(get->curl, CURLOPT_WRITEFUNCTION, take);
        curl_easy_setopt(get->curl, CURLOPT_WRITEDATA, get);
        r = curl_easy_perform(get->curl);
        if (r == CURLE_COULDNT_CONNECT || r == CURLE_COULDNT_RESOLVE_HOST)
                return -ENOTCONN;
        if (r != CURLE_OK)
                return -EIO;
        curl_easy_getinfo(get->curl, CURLINFO_RESPONSE_CODE, &status);
        reply->status = (int)status;
        reply->body = get->body;
        reply->body_bytes = get->n;
        reply->headers = get->headers;
        for (size_t i = 0; i < HEADERS; ++i) {
                if (curl_easy_header(get->curl, names[i], 0, CURLH_HEADER, -1, &header) !=
                    CURLHE_OK)
                        continue;
                get->headers[reply->n_headers++] =
                        (struct weir_header){ header->name, header->value };
        }
        return 0;
}

static void say(void *ctx, enum weir_log_level level, const char *text)
{
        (void)ctx;
        fprintf(stderr, "%s: %s\n", level == WEIR_LOG_ERROR ? "error" : "warning", text);
}

int main(int argc, char **argv)
{
        static const char path[] = "/fapi/v1/depth", query[] = "symbol=BTCUSDT&limit=5";
        struct weir_caller_options options = WEIR_CALLER_DEFAULTS;
        struct weir_caller *caller;
        struct weir_request request;
        struct weir_verdict verdict;
        struct weir_error error;
        struct get get = { .curl = curl_easy_init() };
        int r;

        options.log = say;
        if (argc != 2 || !get.curl || weir_caller_new(&options, &caller, &error) < 0 ||
            weir_request_find("GET", path, query, NULL, NULL, &request) < 0)
                return EXIT_FAILURE;
        snprintf(get.url, sizeof(get.url), "%s%s?%s", argv[1], path, query);
        r = weir_call(caller, &request, WEIR_NO_DEADLINE, send_it, &get, &verdict);
        if (r != 0 || !verdict.is_ok) {
                fprintf(stderr, "%d, %s: %s\n", r, verdict.kind, verdict.msg);
                return EXIT_FAILURE;
        }
        printf("%.60s\ndone, it cost %u\n", get.body, request.weight);
        weir_caller_free(caller);
        curl_easy_cleanup(get.curl);
        return EXIT_SUCCESS;
}
