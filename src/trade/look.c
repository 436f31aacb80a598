#include "trade/look.h"
#include "policy/policy.h"

static uint32_t weight_of(const char *path, const char *query)
{
        struct policy_input input = {
                .method = STR_LITERAL("GET"),
                .path = str_of(path),
                .query = str_of(query),
        };
        struct policy_plan plan;
        int r = policy_match(NULL, &input, &plan);

        must(r == 0 && plan.is_known && plan.n_charges > 0);
        return plan.charges[0].amount;
}

void look_costs(enum weir_market market, struct look_costs *ret)
{
        static const char one[] = "symbol=A";

        if (market == WEIR_COINM) {
                *ret = (struct look_costs){
                        .positions = weight_of("/dapi/v1/positionRisk", ""),
                        .account = weight_of("/dapi/v1/account", ""),
                        .orders_one = weight_of("/dapi/v1/openOrders", one) +
                                      weight_of("/dapi/v1/openAlgoOrders", one),
                        .orders_all = weight_of("/dapi/v1/openOrders", "") +
                                      weight_of("/dapi/v1/openAlgoOrders", ""),
                        .trades = weight_of("/dapi/v1/userTrades", one),
                };
                return;
        }
        *ret = (struct look_costs){
                .positions = weight_of("/fapi/v3/positionRisk", ""),
                .account = weight_of("/fapi/v3/account", ""),
                .orders_one = weight_of("/fapi/v1/openOrders", one) +
                              weight_of("/fapi/v1/openAlgoOrders", one),
                .orders_all = weight_of("/fapi/v1/openOrders", "") +
                              weight_of("/fapi/v1/openAlgoOrders", ""),
                .trades = weight_of("/fapi/v1/userTrades", one),
        };
}

bool look_is_full(const struct look_costs *costs, size_t n_symbols, uint64_t every_ms,
                  uint64_t last_ms, uint64_t now_ms)
{
        /* At the same price all is more. */
        if (n_symbols * costs->orders_one >= costs->orders_all)
                return true;
        return every_ms > 0 && (last_ms == 0 || now_ms >= last_ms + every_ms);
}
