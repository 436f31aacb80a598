#include "sim/attempts.h"

#include <stdlib.h>

void attempts_init(struct attempts *attempts)
{
        *attempts = (struct attempts){ .n = 0 };
}

void attempts_deinit(struct attempts *attempts)
{
        for (size_t i = 0; i < ATTEMPTS_BUCKETS; ++i)
                while (attempts->buckets[i]) {
                        struct attempt *a = attempts->buckets[i];

                        attempts->buckets[i] = a->next;
                        free(a);
                }
        attempts_init(attempts);
}

static size_t bucket_of(struct str id)
{
        uint32_t hash = 2166136261U;

        for (size_t i = 0; i < id.n; ++i)
                hash = (hash ^ (unsigned char)id.p[i]) * 16777619U;
        return hash % ATTEMPTS_BUCKETS;
}

static struct attempt *find(const struct attempts *attempts, struct str id)
{
        struct attempt *a = attempts->buckets[bucket_of(id)];

        while (a && !str_eq(id, str_of(a->id)))
                a = a->next;
        return a;
}

static struct attempt *find_or_add(struct attempts *attempts, struct str id)
{
        struct attempt *a;
        size_t bucket;

        if (id.n == 0 || id.n >= ATTEMPTS_ID)
                return NULL;
        a = find(attempts, id);
        if (a || attempts->n == ATTEMPTS_MAX)
                return a;
        a = calloc(1, sizeof(*a));
        must(a);
        str_copy(id, a->id, sizeof(a->id));
        bucket = bucket_of(id);
        a->next = attempts->buckets[bucket];
        attempts->buckets[bucket] = a;
        attempts->n += 1;
        return a;
}

void attempts_arrived(struct attempts *attempts, struct str client_id)
{
        struct attempt *a = find_or_add(attempts, client_id);

        attempts->attempts += 1;
        if (a)
                a->attempts += 1;
        else
                attempts->anonymous += 1;
}

void attempts_executed(struct attempts *attempts, struct str client_id)
{
        struct attempt *a = find_or_add(attempts, client_id);

        attempts->executions += 1;
        if (a)
                a->executions += 1;
}

static json_t *attempt_json(const char *id, size_t n, const struct attempt *a)
{
        return json_pack("{s:s%,s:I,s:I}", "clientOrderId", id, n, "attempts",
                         (json_int_t)(a ? a->attempts : 0), "executions",
                         (json_int_t)(a ? a->executions : 0));
}

json_t *attempts_json(const struct attempts *attempts, struct str client_id)
{
        return attempt_json(client_id.p, client_id.n, find(attempts, client_id));
}

json_t *attempts_summary(const struct attempts *attempts, size_t max)
{
        json_t *repeated = json_array();
        json_int_t most_attempts = 0, most_executions = 0, n_repeated = 0;

        for (size_t i = 0; i < ATTEMPTS_BUCKETS; ++i)
                for (const struct attempt *a = attempts->buckets[i]; a; a = a->next) {
                        if (a->attempts > most_attempts)
                                most_attempts = a->attempts;
                        if (a->executions > most_executions)
                                most_executions = a->executions;
                        if (a->attempts < 2 && a->executions < 2)
                                continue;
                        if ((size_t)n_repeated++ < max)
                                json_array_append_new(repeated,
                                                      attempt_json(a->id, strlen(a->id), a));
                }
        return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:o}", "ids", (json_int_t)attempts->n,
                         "attempts", (json_int_t)attempts->attempts, "executions",
                         (json_int_t)attempts->executions, "withoutClientId",
                         (json_int_t)attempts->anonymous, "mostAttempts", most_attempts,
                         "mostExecutions", most_executions, "repeated", n_repeated,
                         "repeatedOrders", repeated);
}
