#!/usr/bin/env python3
"""Writes contrib/grafana/weir.json, the dashboard: what each panel asks is said here, once, and how panels look is said
once for all.

    tools/grafana.py [--write]

Without --write it only compares. tests/integration/test_prometheus.py asks a real Prometheus each query of the file.
"""
import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PLACE = ROOT / "contrib/grafana/weir.json"
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
COLUMNS = 24

# Told apart by most who see colours in another way, and the urgent ones warm.
CLASSES = {"cancel": "#D55E00", "order": "#E69F00", "reconcile": "#F0E442", "account": "#009E73", "market": "#56B4E9",
           "backfill": "#8C8C8C"}
USE = {"answered": "#56B4E9", "in flight": "#0072B2", "reserved": "#E69F00", "by others": "#CC79A7",
       "expected of others": "#9E7B93"}
BAD = {"late": "#E69F00", "crowded": "#D55E00", "shut": "#CC79A7", "never": "#8C8C8C", "queue": "#F0E442",
       "breaker": "#0072B2"}
GREEN, AMBER, RED = "#3A9D5D", "#E69F00", "#C4314B"

HERE = 'instance="$instance"'
BUDGET = f'{HERE}, pool="$pool", window="$window"'


def target(expr, legend="", **more):
    return {"datasource": SOURCE, "editorMode": "code", "expr": expr, "legendFormat": legend or "__auto", "range": True, **more}


def colours(names):
    return [{"matcher": {"id": "byName", "options": name},
             "properties": [{"id": "color", "value": {"mode": "fixed", "fixedColor": colour}}]}
            for name, colour in names.items()]


def thresholds(*steps):
    return {"mode": "absolute", "steps": [{"color": colour, "value": value} for value, colour in steps]}


def panel(kind, title, width, height, targets, words, **more):
    return {"type": kind, "title": title, "description": words, "datasource": SOURCE, "targets": targets,
            "size": (width, height), **more}


def stat(title, width, expr, unit, words, steps=None, mappings=None, graph=True, decimals=None):
    defaults = {"unit": unit, "color": {"mode": "thresholds"}, "thresholds": thresholds(*(steps or [(None, "#7A8794")])),
                "mappings": mappings or []}
    if decimals is not None:
        defaults["decimals"] = decimals
    return panel("stat", title, width, 4, [target(expr, title)], words, fieldConfig={"defaults": defaults, "overrides": []},
                 options={"colorMode": "value", "graphMode": "area" if graph else "none", "justifyMode": "center",
                          "textMode": "value", "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}})


def lines(title, width, targets, unit, words, stack=False, names=None, height=8, step=False, limit=None, most=None):
    custom = {"drawStyle": "line", "lineWidth": 1, "fillOpacity": 45 if stack else 8, "showPoints": "never",
              "spanNulls": False, "lineInterpolation": "stepAfter" if step else "linear", "gradientMode": "none",
              "stacking": {"mode": "normal" if stack else "none", "group": "A"}}
    defaults = {"unit": unit, "custom": custom, "min": 0, "color": {"mode": "palette-classic"}}
    if most is not None:
        defaults["max"] = most
    overrides = colours(names or {})
    if limit:
        overrides.append({"matcher": {"id": "byName", "options": limit}, "properties": [
            {"id": "custom.stacking", "value": {"mode": "none"}}, {"id": "custom.fillOpacity", "value": 0},
            {"id": "custom.lineStyle", "value": {"fill": "dash", "dash": [8, 6]}}, {"id": "custom.lineWidth", "value": 2},
            {"id": "color", "value": {"mode": "fixed", "fixedColor": RED}}]})
    return panel("timeseries", title, width, height, targets, words,
                 fieldConfig={"defaults": defaults, "overrides": overrides},
                 options={"legend": {"displayMode": "list", "placement": "bottom", "calcs": []},
                          "tooltip": {"mode": "multi", "sort": "desc"}})


def heat(title, width, expr, words):
    return panel("heatmap", title, width, 8, [target(expr, "{{le}}", format="heatmap")], words,
                 fieldConfig={"defaults": {}, "overrides": []},
                 options={"calculate": False, "cellGap": 1, "color": {"mode": "scheme", "scheme": "Oranges", "steps": 64},
                          "yAxis": {"unit": "s", "axisPlacement": "left"}, "tooltip": {"show": True, "yHistogram": False},
                          "rowsFrame": {"layout": "auto"}, "legend": {"show": True}})


def bars(title, width, expr, legend, words):
    return panel("bargauge", title, width, 9, [target(expr, legend, instant=True, range=False)], words,
                 fieldConfig={"defaults": {"unit": "percentunit", "min": 0, "max": 1, "color": {"mode": "thresholds"},
                                           "thresholds": thresholds((None, GREEN), (0.8, AMBER), (0.97, RED))},
                              "overrides": []},
                 options={"displayMode": "lcd", "orientation": "horizontal", "showUnfilled": True, "valueMode": "color",
                          "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}})


def quantiles(series, by="class", more=""):
    return [target(f"histogram_quantile({q}, sum by ({by}, le) (rate({series}_bucket{{{HERE}{more}}}[$__rate_interval])))",
                   f"{{{{{by}}}}} {name}") for q, name in ((0.5, "p50"), (0.99, "p99"))]


def rates(series, by, more="", per="", top=0):
    expr = f"sum by ({by}) (rate({series}{{{HERE}{more}}}[$__rate_interval])){per}"
    return [target(f"topk({top}, {expr})" if top else expr, f"{{{{{by}}}}}")]


def member(series):
    return f"sum(weir_budget_{series}{{{BUDGET}}})"


ROWS = [
    ("Now", [
        stat("State", 3, f'weir_gateway_state{{{HERE}, state="ready"}}', "none",
             "Whether the gateway takes requests; /weir/readyz says why not.", [(None, RED), (1, GREEN)],
             [{"type": "value", "options": {"1": {"text": "ready"}, "0": {"text": "not ready"}}}], graph=False),
        stat("Banned for", 3,
             f'clamp_min(max(weir_gate_until_timestamp_seconds{{{HERE}, kind="ban"}}) - time(), 0) or vector(0)', "s",
             "How long the longest ban of now lasts. Nothing is sent into it.", [(None, GREEN), (0.001, RED)],
             [{"type": "value", "options": {"0": {"text": "no ban"}}}], graph=False, decimals=0),
        stat("Fullest budget", 3, f"max(weir_pool_fullest_ratio{{{HERE}}})", "percentunit",
             "Used or reserved of the window of now, in the budget that has the least left.",
             [(None, GREEN), (0.8, AMBER), (0.97, RED)], decimals=0),
        stat("Requests", 3, f"sum(rate(weir_requests_total{{{HERE}}}[$__rate_interval]))", "reqps",
             "Of all programs that share the region."),
        stat("Waiting", 3, f"sum(weir_queue_waiting{{{HERE}}})", "none", "Requests that wait for their place, of all classes."),
        stat("Oldest order waits", 3, f'max(weir_queue_oldest_seconds{{{HERE}, class=~"order|cancel"}})', "s",
             "How long the first order or cancel of those that wait has been waiting.", [(None, GREEN), (0.5, AMBER), (2, RED)]),
        stat("Refused, 5 minutes", 3, f"sum(increase(weir_refused_total{{{HERE}}}[5m]))", "none",
             "By weir, before anything was sent; of all programs that share the region.", [(None, GREEN), (1, AMBER)], decimals=0),
        stat("429, one hour", 3,
             f'sum(increase(weir_exchange_verdicts_total{{{HERE}, verdict=~"over_weight|too_many_orders"}}[1h]))', "none",
             "By the exchange. One is somebody else's burst; many mean that a program does not go through weir.",
             [(None, GREEN), (1, AMBER), (10, RED)], decimals=0),
    ]),
    ("Budgets", [
        bars("How full each window is", 8,
             f"(weir_budget_used{{{HERE}}} + weir_budget_held{{{HERE}}}) / weir_budget_limit{{{HERE}}}",
             "{{pool}} {{window}} {{account}}{{endpoint}} {{egress}}",
             "Used and reserved of each budget's window of now. A budget that fills to its end in each window is used well."),
        lines("$pool per $window", 8, [
            target(f"{member('ours')} - {member('in_flight')}", "answered"), target(member("in_flight"), "in flight"),
            target(member("held"), "reserved"), target(member("foreign"), "by others"),
            target(member("expected"), "expected of others"), target(member("limit"), "limit")], "none",
              "Of what the window's use consists, and what is kept free for others.", stack=True, names=USE, step=True, height=9,
              limit="limit"),
        lines("Ceilings of classes: $pool per $window", 8, [
            target(f"max by (class) (weir_budget_ceiling{{{BUDGET}}})", "{{class}}"), target(member("used"), "used")], "none",
              "How far each class may fill the window at that moment: the shares open in its second half.", names=CLASSES,
              height=9, limit="used"),
        lines("Left of each window", 12, [
            target(f"weir_budget_headroom{{{HERE}}} / weir_budget_limit{{{HERE}}}",
                   "{{pool}} {{window}} {{account}}{{endpoint}} {{egress}}")], "percentunit",
              "What may still be used of the window of now.", step=True, most=1),
        lines("Used by others on this address", 12, [
            target(f"sum by (pool, window) (weir_budget_foreign{{{HERE}}})", "{{pool}} {{window}}")], "none",
              "What headers showed beyond our own use: programs that do not go through weir.", step=True),
    ]),
    ("Who spends", [
        lines("Weight a minute, by class", 8, rates("weir_class_weight_total", "class", per=" * 60"), "none",
              "Weight that was charged to requests of this gateway.", stack=True, names=CLASSES),
        lines("Weight a minute, by client", 8, rates("weir_client_weight_total", "client", per=" * 60", top=10), "none",
              "The ten heaviest clients of the moment (X-Weir-Client, else the address).", stack=True),
        lines("Weight a minute, by endpoint", 8, rates("weir_endpoint_weight_total", "endpoint", per=" * 60", top=10), "none",
              "The ten heaviest endpoints of the moment.", stack=True),
        lines("Orders a minute, by account", 12, rates("weir_account_orders_total", "account", per=" * 60"), "none",
              "Orders that were charged, of accounts that have a name; (unnamed) are all others.", stack=True),
        lines("Requests, by how they ended", 12, rates("weir_outcomes_total", "outcome"), "reqps",
              "Of this gateway: ok and error are answers of the exchange, refused ones were never sent.", stack=True),
    ]),
    ("Who waits", [
        lines("Waits, by class", 8, quantiles("weir_wait_seconds"), "s",
              "From the arrival of a request in this gateway until it leaves."),
        heat("Waits of orders and cancels", 8,
             f'sum by (le) (increase(weir_wait_seconds_bucket{{{HERE}, class=~"order|cancel"}}[$__rate_interval]))',
             "How many waited how long. All of them should be in the lowest row."),
        lines("Queue", 8, [target(f"sum by (class) (weir_queue_waiting{{{HERE}}})", "{{class}}")], "none",
              "Requests that wait for their place.", stack=True, names=CLASSES),
        lines("Oldest of the queue", 12, [target(f"max by (class) (weir_queue_oldest_seconds{{{HERE}}})", "{{class}}")], "s",
              "How long the first of those that wait has been waiting.", names=CLASSES),
        lines("At the exchange", 12, quantiles("weir_exchange_seconds"), "s",
              "From the moment that a request leaves until its answer is here."),
    ]),
    ("What was said no to", [
        lines("Refused by weir", 8, [target(f"sum by (reason) (increase(weir_refused_total{{{HERE}}}[$__rate_interval]))",
                                            "{{reason}}")], "none",
              "Nothing of these was sent. late, crowded: more is asked for than there is. shut: a stop or a ban.", stack=True,
              names=BAD),
        lines("Verdicts of the exchange", 8, [
            target(f"sum by (verdict) (increase(weir_exchange_verdicts_total{{{HERE}}}[$__rate_interval]))", "{{verdict}}")],
              "none", "429 for weight or orders, 418, 403.", stack=True),
        lines("Errors of the exchange, by code", 8, [
            target(f"sum by (code) (increase(weir_exchange_errors_total{{{HERE}}}[$__rate_interval]))", "{{code}}")], "none",
              "Binance's own codes, as they came.", stack=True),
        lines("Stops, bans, breakers", 12, [
            target(f"weir_gates_shut{{{HERE}}}", "{{kind}}"), target(f"weir_breakers_open{{{HERE}}}", "breaker")], "none",
              "Products by address that are shut, or do not answer.", step=True),
        lines("Sent again, and fates that are unknown", 12, [
            target(f"increase(weir_retries_total{{{HERE}}}[$__rate_interval])", "sent again"),
            target(f"increase(weir_unknown_fate_total{{{HERE}}}[$__rate_interval])", "fate unknown"),
            target(f"increase(weir_not_sent_total{{{HERE}}}[$__rate_interval])", "could not be sent")], "none",
              "Only what was certainly not executed is sent again. A fate that is unknown: look the order up."),
    ]),
    ("Hosts and the store", [
        lines("The store", 8, [target(f"weir_store_up{{{HERE}}}", "answers"), target(f"weir_hosts{{{HERE}}}", "hosts")], "none",
              "Where budgets are shared with other hosts: whether the store answers, and how many they are.", step=True),
        lines("This host's part of $pool per $window", 8, [
            target(f"sum(weir_budget_cap{{{BUDGET}}})", "may use"), target(member("ours"), "used")], "none",
              "What it was granted of the window, and what it used.", step=True),
        lines("Asked of the store", 8, [target(f"rate(weir_store_ops_total{{{HERE}}}[$__rate_interval])", "ops"),
                                        target(f"rate(weir_store_grants_total{{{HERE}}}[$__rate_interval])", "grants")], "ops",
              "Of all programs of this host."),
    ]),
    ("The gateway", [
        lines("Memory", 6, [target(f"process_resident_memory_bytes{{{HERE}}}", "resident")], "bytes", "Of this process."),
        lines("Processor", 6, [target(f"rate(process_cpu_seconds_total{{{HERE}}}[$__rate_interval])", "used")], "percentunit",
              "Of one processor: the gateway has one thread."),
        lines("Lateness of the loop", 6, [target(f"weir_loop_lag_seconds{{{HERE}}}", "most")], "s",
              "The most within the last half minute. Requests wait for so long beyond what they have to."),
        lines("Connections", 6, [target(f"weir_connections{{{HERE}}}", "open"), target(
            f"rate(weir_connections_accepted_total{{{HERE}}}[$__rate_interval])", "new a second")], "none", "Of clients."),
        lines("Clock", 8, [target(f"weir_clock_error_seconds{{{HERE}}}", "{{product}} {{egress}} may be off by")], "s",
              "How far off the exchange's clock, as measured, may be: the guard of each window's edge."),
        lines("Prices that headers contradict", 8, [target(f"weir_weight_disputes{{{HERE}}}", "{{state}}")], "none",
              "The higher price is charged until somebody decides: weir check --weights.", step=True),
        lines("Places in the region", 8, [target(f"weir_region_slots_taken{{{HERE}}}", "taken"),
                                          target(f"weir_region_slots{{{HERE}}}", "all")], "none",
              "From about 1400 on another owner may find none.", step=True, limit="all"),
    ]),
]

ANNOTATIONS = [
    ("Bans", RED, f'max by (product, egress) (weir_gate_until_timestamp_seconds{{{HERE}, kind="ban"}})',
     "banned: {{product}} by {{egress}}"),
    ("Firewall", "#7B2D8B", f'weir_gates_shut{{{HERE}, kind="firewall"}} > 0', "shut out by the firewall"),
    ("429", AMBER,
     f'sum by (verdict) (increase(weir_exchange_verdicts_total{{{HERE}, verdict=~"over_weight|too_many_orders"}}[1m])) > 0',
     "429: {{verdict}}"),
    ("Starts", "#56B4E9", f"changes(process_start_time_seconds{{{HERE}}}[1m]) > 0", "weir was started"),
]


def placed():
    """The panels with their places, row by row from left to right."""
    found, top, number = [], 0, 1
    for title, panels in ROWS:
        found.append({"id": number, "type": "row", "title": title, "collapsed": False, "panels": [],
                      "gridPos": {"h": 1, "w": COLUMNS, "x": 0, "y": top}})
        number, top, left, tallest = number + 1, top + 1, 0, 0
        for one in panels:
            width, height = one.pop("size")
            if left + width > COLUMNS:
                left, top, tallest = 0, top + tallest, 0
            for i, asked in enumerate(one["targets"]):
                asked["refId"] = chr(ord("A") + i)
            found.append({"id": number, **one, "gridPos": {"h": height, "w": width, "x": left, "y": top}})
            number, left, tallest = number + 1, left + width, max(tallest, height)
        top += tallest
    return found


def variable(name, label, query, **more):
    return {"name": name, "label": label, "type": "query", "datasource": SOURCE, "definition": query,
            "query": {"query": query, "refId": name}, "refresh": 2, "sort": 1, "includeAll": False, "multi": False,
            "hide": 0, "options": [], "current": {}, **more}


def dashboard():
    return {
        "title": "weir", "uid": "weir", "tags": ["weir", "binance"], "schemaVersion": 39, "version": 1, "editable": True,
        "description": "One Binance rate-limit budget for every program of a desk. Families: docs/metrics.md.",
        "graphTooltip": 1, "refresh": "5s", "time": {"from": "now-1h", "to": "now"}, "timezone": "utc",
        "fiscalYearStartMonth": 0, "links": [], "liveNow": False, "weekStart": "",
        "timepicker": {"refresh_intervals": ["1s", "5s", "10s", "30s", "1m", "5m"]},
        "annotations": {"list": [
            {"name": name, "datasource": SOURCE, "enable": True, "hide": False, "iconColor": colour, "expr": expr,
             "titleFormat": words, "textFormat": "", "tagKeys": "", "useValueForTime": False, "step": "5s"}
            for name, colour, expr, words in ANNOTATIONS]},
        "templating": {"list": [
            {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus", "refresh": 1,
             "hide": 0, "includeAll": False, "multi": False, "options": [], "current": {}, "regex": ""},
            variable("instance", "Gateway", "label_values(weir_build_info, instance)"),
            variable("pool", "Budget", f"label_values(weir_budget_limit{{{HERE}}}, pool)"),
            variable("window", "Window", f'label_values(weir_budget_limit{{{HERE}, pool="$pool"}}, window)'),
        ]},
        "panels": placed(),
    }


def families():
    """Every series that there is, by name."""
    sys.path.insert(0, str(ROOT / "tools"))
    import metrics_doc
    return {name for name, *_ in metrics_doc.declared() + metrics_doc.plain_counters()}


def main():
    text = json.dumps(dashboard(), indent=1, ensure_ascii=False) + "\n"
    known = families()
    for name in sorted(set(re.findall(r"\b(?:weir|process)_[a-z0-9_]+\b", text))):
        if name not in known and re.sub(r"_(bucket|sum|count)$", "", name) not in known:
            sys.exit(f"weir: tools/grafana.py: there is no series {name}")
    if "--write" in sys.argv:
        PLACE.write_text(text, encoding="utf-8")
    elif not PLACE.exists() or PLACE.read_text(encoding="utf-8") != text:
        sys.exit("weir: contrib/grafana/weir.json is not what tools/grafana.py says; tools/grafana.py --write mends it")
    return 0


if __name__ == "__main__":
    sys.exit(main())
