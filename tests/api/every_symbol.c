/*
 * Linked to the real shared library: each name of libweir.sym is called or its address taken, so
 * that one that is missing or not exported fails here and not with a user.
 */
#include <weir.h>

#include <stdio.h>
#include <string.h>

#define NAME(symbol)                                                                               \
        {                                                                                          \
#symbol, (void (*)(void))symbol                                                    \
        }

static const struct {
        const char *name;
        void (*address)(void);
} symbols[] = {
        NAME(weir_version),
        NAME(weir_class_name),
        NAME(weir_group_name),
        NAME(weir_request_find),
        NAME(weir_limiter_open),
        NAME(weir_limiter_close),
        NAME(weir_limiter_default),
        NAME(weir_now_ms),
        NAME(weir_clock_sample),
        NAME(weir_answer_name),
        NAME(weir_reserve),
        NAME(weir_confirm),
        NAME(weir_ticket_at_ms),
        NAME(weir_ticket_blocked_by),
        NAME(weir_may_leave),
        NAME(weir_reserve_wait),
        NAME(weir_settle),
        NAME(weir_refund),
        NAME(weir_abandon),
        NAME(weir_observe),
        NAME(weir_acquire),
        NAME(weir_acquire_begin),
        NAME(weir_acquire_poll),
        NAME(weir_acquire_cancel),
        NAME(weir_limiter_stats),
        NAME(weir_limiter_budgets),
        NAME(weir_limiter_name_key),
        NAME(weir_classify),
        NAME(weir_classify_failure),
        NAME(weir_classify_text),
        NAME(weir_caller_new),
        NAME(weir_caller_free),
        NAME(weir_call),
        NAME(weir_attempt_begin),
        NAME(weir_attempt_next),
        NAME(weir_attempt_told),
        NAME(weir_attempt_result),
        NAME(weir_attempt_cancel),
        NAME(weir_caller_stats),
        NAME(weir_caller_endpoints),
        NAME(weir_futures_why),
        NAME(weir_futures_open),
        NAME(weir_futures_close),
        NAME(weir_futures_raw),
        NAME(weir_futures_check),
        NAME(weir_futures_request),
        NAME(weir_futures_now_ms),
        NAME(weir_order_status_name),
        NAME(weir_futures_place),
        NAME(weir_futures_cancel),
        NAME(weir_futures_cancel_all),
        NAME(weir_futures_query),
        NAME(weir_futures_open_orders),
        NAME(weir_futures_set_leverage),
        NAME(weir_futures_set_isolated),
        NAME(weir_futures_set_hedge),
        NAME(weir_futures_positions),
        NAME(weir_futures_account),
        NAME(weir_futures_trades),
        NAME(weir_futures_klines),
        NAME(weir_futures_ticker),
        NAME(weir_futures_filters),
        NAME(weir_decimal_round),
        NAME(weir_decimal_compare),
        NAME(weir_monitor_new),
        NAME(weir_monitor_free),
        NAME(weir_coverage_name),
        NAME(weir_order_role_name),
        NAME(weir_event_name),
        NAME(weir_monitor_check),
        NAME(weir_monitor_state),
        NAME(weir_monitor_positions),
        NAME(weir_monitor_orders),
        NAME(weir_monitor_balances),
};

int main(void)
{
        for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); ++i) {
                if (!symbols[i].address) {
                        fprintf(stderr, "weir: %s is not there\n", symbols[i].name);
                        return 1;
                }
                puts(symbols[i].name);
        }
        return strcmp(weir_version(), WEIR_VERSION) == 0 ? 0 : 1;
}
