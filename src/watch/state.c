/*
 * How things are now, and what the one who asks may.
 */
#include "watch/inside.h"
#include "watch/query.h"

void state_me(struct visit *v)
{
        bool may_look = v->pass.may >= DOOR_LOOK, may_act = v->pass.may >= DOOR_ACT;
        const struct door_rules *rules = &v->watch->config.rules;

        answer_json(v, 200,
                    json_pack("{s:b, s:b, s:b, s:b, s:s, s:s}", "may_look", may_look, "may_act",
                              may_act, "needs_token", !may_look && door_has_tokens(rules),
                              "can_act", rules->act != NULL, "by", v->pass.by, "version",
                              WEIR_VERSION));
}

void state_now(struct visit *v)
{
        answer_json(v, 200, v->watch->ops->now(v->watch->ctx));
}

void state_events(struct visit *v)
{
        json_t *all = json_array(), *root = json_pack("{s:o?}", "events", all);
        const struct event *event;
        uint64_t after = 0;

        if (query_number(v->head->query, "after", 0, INT64_MAX, &after) != QUERY_FOUND) {
                json_decref(root);
                answer_refusal(v, 400, "after must be the id of an event");
                return;
        }
        while (root && (event = events_next(&v->watch->events, after)) != NULL) {
                json_array_append_new(all, event_json(event));
                after = event->id;
        }
        answer_json(v, 200, root);
}
