/*
 * From an event loop: nothing blocks, the library says when to ask again. Here poll() is the loop;
 * with libuv, libevent or asio the same two numbers go into a timer.
 *
 *      cc loop.c $(pkg-config --cflags --libs weir)
 */
#include <weir.h>

#include <poll.h>
#include <stdio.h>

#define TASKS 4

struct task {
        struct weir_attempt attempt;
        int step;       /* what to do next */
        uint64_t at_ms; /* waiting: until then */
};

/* The program's own: sends, and later hears what was answered. Here the answer is there at once. */
static void send_and_hear(struct task *task)
{
        struct weir_reply reply = { .status = 200, .body = "{}", .body_bytes = 2 };

        task->step = weir_attempt_told(&task->attempt, 0, &reply, &task->at_ms);
}

int main(void)
{
        struct weir_limiter_options options = WEIR_LIMITER_DEFAULTS;
        struct weir_caller_options wishes = WEIR_CALLER_DEFAULTS;
        struct weir_limiter *limiter;
        struct weir_caller *caller;
        struct weir_request request;
        struct weir_verdict verdict;
        struct weir_error error;
        struct task tasks[TASKS];
        int left = TASKS;

        /* A region of its own, and a bucket that lets two through and then ten a second. */
        options.max_requests_per_minute = 600;
        options.max_burst = 2;
        if (weir_limiter_open(&options, &limiter, &error) < 0 ||
            weir_request_find("GET", "/fapi/v1/time", NULL, NULL, NULL, &request) < 0)
                return 1;
        wishes.limiter = limiter;
        if (weir_caller_new(&wishes, &caller, &error) < 0)
                return 1;
        for (int i = 0; i < TASKS; ++i)
                tasks[i].step = weir_attempt_begin(caller, &request, WEIR_NO_DEADLINE,
                                                   &tasks[i].attempt, &tasks[i].at_ms);
        while (left > 0) {
                uint64_t now_ms = weir_now_ms(limiter, WEIR_GROUP_FAPI), next_ms = now_ms + 1000;

                for (int i = 0; i < TASKS; ++i) {
                        struct task *task = &tasks[i];

                        if (task->step == WEIR_STEP_WAIT && task->at_ms <= now_ms)
                                task->step = weir_attempt_next(&task->attempt, &task->at_ms);
                        if (task->step == WEIR_STEP_SEND)
                                send_and_hear(task);
                        if (task->step == WEIR_STEP_WAIT && task->at_ms < next_ms)
                                next_ms = task->at_ms;
                        if (task->step == WEIR_STEP_DONE) {
                                task->step = -1;
                                --left;
                                printf("task %d: %s\n", i,
                                       weir_attempt_result(&task->attempt, &verdict) == 0
                                               ? verdict.kind
                                               : "not sent");
                        }
                }
                if (left > 0 && next_ms > now_ms)
                        poll(NULL, 0, (int)(next_ms - now_ms));
        }
        weir_caller_free(caller);
        weir_limiter_close(limiter);
        puts("done");
        return 0;
}
