"""What came out, by the exchange's own books and by nobody else's."""
from urllib.parse import parse_qs


def percentile(sorted_values, share):
    return sorted_values[min(len(sorted_values) - 1, int(len(sorted_values) * share))]


def jain(values):
    """1: all have the same; 1/n: one has all."""
    squares = sum(v * v for v in values)
    return sum(values)**2 / (len(values) * squares) if squares else 0


class Books:
    """One run, seen from the exchange. Only full windows count: [first, first + windows)."""

    def __init__(self, stand, first, windows, is_ours=lambda request: True):
        self.stand, self.first, self.windows = stand, first, windows
        books = stand.admin("/sim/books")["books"]
        self.spot = next(b for b in books if b["pool"] == "spot" and "bans" in b and "windows" in b)
        self.requests = [r for r in stand.admin("/sim/requests?last=100000") if is_ours(r)]

    def statuses(self, status):
        return sum(1 for r in self.requests if r["status"] == status)

    def bans(self):
        return len(self.spot["bans"])

    def was_banned(self, window):
        begin = window * self.stand.window_ms
        return any(b["from"] < begin + self.stand.window_ms and b["until"] > begin for b in self.spot["bans"])

    def yields(self, without_bans=False):
        """Of each full window the share of its weight that was used. Refused requests are counted
        too by the exchange, so that a window can be used beyond its limit: that is no more than
        whole."""
        used = {w["window"]: w["used"] for w in [*self.spot["windows"], self.spot["now"]]}
        return [min(1, used.get(w, 0) / self.stand.limit)
                for w in range(self.first, self.first + self.windows)
                if not (without_bans and self.was_banned(w))]

    def order_waits_ms(self, wishes, without_bans=False):
        """From the bot's wish to the arrival of the order that was accepted. One that never was has
        waited until the end, so that a banned program does not look quick."""
        begin_us = (self.first * self.stand.window_ms - self.stand.skew_ms) * 1000
        end_us = begin_us + self.windows * self.stand.window_ms * 1000
        arrived = {}
        for r in self.requests:
            if r["method"] == "POST" and r["status"] == 200:
                # ccxt sends parameters in the body.
                fields = parse_qs(r["target"].partition("?")[2] or r["body"])
                arrived[fields["newClientOrderId"][0]] = r["arrivalUs"]
        span_us = self.stand.window_ms * 1000
        return sorted(max(0, min(arrived.get(i, end_us), end_us) - at) / 1000 for i, at in wishes.items()
                      if begin_us <= at < end_us
                      and not (without_bans and self.was_banned(self.first + (at - begin_us) // span_us)))

    def admitted(self, results, names):
        return [sum(r["admitted"].get(name, {}).get(str(w), 0) for r in results
                    for w in range(self.first, self.first + self.windows)) for name in names]


def merged(results, member):
    together = {}
    for result in results:
        together.update(result[member])
    return together


def summary(books, results, names, without_bans=False):
    yields = books.yields(without_bans)
    waits = books.order_waits_ms(merged(results, "wishes"), without_bans)
    inside = sorted(us / 1000 for result in results for us in result.get("inside_us", []))
    row = {
        "yield_mean": sum(yields) / len(yields) if yields else None,
        "yield_worst": min(yields) if yields else None,
        "yields": yields,
        "refused_429": books.statuses(429),
        "refused_418": books.statuses(418),
        "refused_403": books.statuses(403),
        "bans": books.bans(),
        "orders": len(waits),
        "fairness": jain(books.admitted(results, names)),
    }
    for name, share in (("p50", 0.5), ("p99", 0.99)):
        row[f"order_wait_{name}_ms"] = percentile(waits, share) if waits else None
    row["order_wait_max_ms"] = waits[-1] if waits else None
    # What weir says itself (X-Weir-Wait-Us): without the client's own work and the way to it.
    row["order_inside_p99_ms"] = percentile(inside, 0.99) if inside else None
    return row
