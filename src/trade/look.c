#include "trade/look.h"
#include "policy/policy.h"

uint32_t look_weight(const char *method, const char *path, struct str params)
{
        struct policy_input input = {
                .method = str_of(method),
                .path = str_of(path),
                .query = params,
        };
        struct policy_plan plan;

        if (policy_match(NULL, &input, &plan) != 0)
                return 0;
        for (unsigned i = 0; i < plan.n_charges; ++i) {
                const struct policy_charge *charge = &plan.charges[i];

                if (policy_pool(charge->pool)->unit == POLICY_WEIGHT)
                        return charge->amount;
        }
        return 0;
}

static uint32_t weight_of(const char *path, const char *query)
{
        uint32_t weight = look_weight("GET", path, str_of(query));

        must(weight > 0);
        return weight;
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
