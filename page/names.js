/* What the exchange's products, the pools and the classes are called among people. */

export const CLASSES = ["cancel", "order", "reconcile", "account", "market", "backfill"];

export const CLASS_MEANS = {
        cancel: "cancels, orders that only close",
        order: "new orders, amendments",
        reconcile: "orders looked up, listen keys, time",
        account: "balances, positions, own trades",
        market: "market data of now",
        backfill: "history",
};

const products = {
        api: "Spot",
        sapi: "Wallet and margin",
        fapi: "USD-M futures",
        dapi: "COIN-M futures",
        futures: "Futures",
        papi: "Portfolio margin",
        eapi: "Options",
        all: "Everything",
};

const pools = {
        "spot-weight": "Spot weight",
        "spot-orders": "Spot orders",
        "spot-raw": "Spot requests",
        "futures-weight": "Futures weight",
        "futures-orders": "Futures orders",
        "papi-weight": "Portfolio weight",
        "papi-orders": "Portfolio orders",
        "eapi-weight": "Options weight",
        "eapi-orders": "Options orders",
        "sapi-ip": "Wallet weight, by address",
        "sapi-uid": "Wallet weight, by account",
};

export function product_name(group) {
        return products[group] || String(group || "");
}

export function pool_name(name) {
        const text = String(name || "").replaceAll("-", " ");

        return pools[name] || text.charAt(0).toUpperCase() + text.slice(1);
}

/* What a pool counts: "weight", "orders" or "requests". */
export function pool_unit(name) {
        if (/weight|sapi-ip|sapi-uid/.test(name))
                return "weight";
        return /orders/.test(name) ? "orders" : "requests";
}

export function capital(text) {
        return text ? text.charAt(0).toUpperCase() + text.slice(1) : "";
}
