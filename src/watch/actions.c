/*
 * What may be done: read strictly, and handed to the gateway. Who does it has an action token, and
 * a field that no page of another site can send unasked.
 */
#include "base/log.h"
#include "watch/inside.h"

/* Words of one action, and what each is. */
struct word {
        const char *name;
        json_type type; /* JSON_TRUE stands for both */
        bool is_needed;
};

#define WORDS_MAX 3

static const struct verb {
        const char *path;
        enum watch_verb verb;
        const char *form; /* what to write */
        struct word words[WORDS_MAX];
} verbs[] = {
        { "/weir/api/pause",
          WATCH_PAUSE,
          "{\"class\": \"market\"} or {\"client\": \"NAME\"}, and perhaps \"cancels\": true",
          { { "class", JSON_STRING, false },
            { "client", JSON_STRING, false },
            { "cancels", JSON_TRUE, false } } },
        { "/weir/api/resume",
          WATCH_RESUME,
          "{\"class\": \"market\"} or {\"client\": \"NAME\"}",
          { { "class", JSON_STRING, false }, { "client", JSON_STRING, false } } },
        { "/weir/api/share",
          WATCH_SHARE,
          "{\"client\": \"NAME\", \"share\": 3}",
          { { "client", JSON_STRING, true }, { "share", JSON_INTEGER, true } } },
        { "/weir/api/drop",
          WATCH_DROP,
          "{\"request\": \"ID\"}, with an id or a request_id of /weir/api/queue",
          { { "request", JSON_STRING, true } } },
        { "/weir/api/acknowledge",
          WATCH_ACKNOWLEDGE,
          "{\"variant\": \"GET /api/v3/depth limit<=100\"}, and perhaps \"acknowledged\": false",
          { { "variant", JSON_STRING, true }, { "acknowledged", JSON_TRUE, false } } },
};

static const struct word *find_word(const struct verb *verb, const char *name)
{
        for (size_t i = 0; i < WORDS_MAX && verb->words[i].name; ++i)
                if (strcmp(verb->words[i].name, name) == 0)
                        return &verb->words[i];
        return NULL;
}

static bool has_type(const json_t *value, json_type type)
{
        return type == JSON_TRUE ? json_is_boolean(value) : json_typeof(value) == type;
}

/* Return: whether the body is as the verb wants it; else it is answered. */
static bool check_words(struct visit *v, const struct verb *verb)
{
        char quoted[48];
        const char *key;
        json_t *value;

        json_object_foreach(v->body, key, value)
        {
                const struct word *word = find_word(verb, key);

                if (word && has_type(value, word->type))
                        continue;
                answer_refusal(v, 400, "%s is %s; write %s",
                               log_quote(str_of(key), quoted, sizeof(quoted)),
                               word ? "of another kind" : "unknown here", verb->form);
                return false;
        }
        for (size_t i = 0; i < WORDS_MAX && verb->words[i].name; ++i) {
                if (!verb->words[i].is_needed || json_object_get(v->body, verb->words[i].name))
                        continue;
                answer_refusal(v, 400, "\"%s\" is missing; write %s", verb->words[i].name,
                               verb->form);
                return false;
        }
        return true;
}

static const char *text_of(const struct visit *v, const char *name)
{
        return json_string_value(json_object_get(v->body, name));
}

static void act(struct visit *v, const struct verb *verb)
{
        struct watch_result result = { .status = 500 };
        const json_t *acknowledged = json_object_get(v->body, "acknowledged");
        struct watch_action action = {
                .verb = verb->verb,
                .class = text_of(v, "class"),
                .client = text_of(v, "client"),
                .request = text_of(v, "request"),
                .variant = text_of(v, "variant"),
                .with_cancels = json_is_true(json_object_get(v->body, "cancels")),
                .is_taken_back = json_is_false(acknowledged),
                .peer = http_exchange_peer(v->exchange),
                .by = v->pass.by,
                .token = v->pass.token,
                .share = json_integer_value(json_object_get(v->body, "share")),
        };

        if ((verb->verb == WATCH_PAUSE || verb->verb == WATCH_RESUME) &&
            !action.class == !action.client) {
                answer_refusal(v, 400, "name a class or a client, one of them; write %s",
                               verb->form);
                return;
        }
        v->watch->ops->act(v->watch->ctx, &action, &result);
        if (result.status != 200) {
                json_decref(result.undo);
                answer_refusal(v, result.status, "%s", result.text);
                return;
        }
        answer_json(v, 200,
                    json_pack("{s:s, s:o?}", "done", result.text, "undo",
                              result.undo ? result.undo : json_null()));
}

void actions_act(struct visit *v)
{
        for (size_t i = 0; i < ARRAY_SIZE(verbs); ++i) {
                if (!str_eq(v->head->path, str_of(verbs[i].path)))
                        continue;
                if (check_words(v, &verbs[i]))
                        act(v, &verbs[i]);
                return;
        }
        must(false); /* a route that is no verb */
}

bool actions_are_meant(struct visit *v)
{
        struct str field = http_field_value(v->head, STR_LITERAL("x-weir-action"));

        if (str_eq_nocase(field, STR_LITERAL("yes")))
                return true;
        answer_refusal(v, 403,
                       "an action needs the field \"X-Weir-Action: yes\", which no page of another "
                       "site can send; nothing was done");
        return false;
}
