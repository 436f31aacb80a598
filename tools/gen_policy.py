#!/usr/bin/python3
"""Reads the tables of data/, refuses what is wrong in them, writes them as C.

    gen_policy.py --data DIR --check          say what is wrong, write nothing
    gen_policy.py --data DIR --out DIR        write tables.c and names.h

A mistake is one line on stderr: file, line, what is wrong, what would be right. All mistakes are
reported, then the exit status is 1.
"""
import argparse
import os
import re
import sys

ENDPOINT_COLUMNS = ["method", "path", "weight", "scope", "orders", "security", "class", "traits",
                    "rule", "source"]
POOL_COLUMNS = ["pool", "groups", "scope", "counts", "keyed", "limit", "interval", "window",
                "header", "applies", "source"]
OTHER_COLUMNS = ["limit_id", "product", "scope", "counts", "limit", "interval", "applies", "source"]
ALTERNATE_COLUMNS = ["table", "method", "path", "weight", "rule", "kind", "date", "source"]

GROUPS = ["api", "sapi", "fapi", "dapi", "papi", "eapi"]
# Table, and the group of its rows; None: by the prefix of the path. The first table that has a
# /futures/data path wins: both futures hosts serve most of them under the same path.
REST_TABLES = [("spot.csv", "api"), ("usdm.csv", "fapi"), ("coinm.csv", "dapi"),
               ("papi.csv", "papi"), ("sapi.csv", "sapi"), ("eapi.csv", "eapi"),
               ("legacy.csv", None)]
WS_TABLES = ["wsapi-spot.csv", "wsapi-usdm.csv", "wsapi-coinm.csv"]
SHARED_PREFIX = "/futures/data/"

METHODS = ["GET", "POST", "PUT", "DELETE"]
CLASSES = ["cancel", "order", "reconcile", "account", "market", "backfill"]
SCOPES = ["ip", "uid", "none"]
SECURITY = ["NONE", "MARKET_DATA", "USER_STREAM", "USER_DATA", "TRADE", "MARGIN",
            "PREDICTION_TRADE"]
# The others need a signature.
SECURITY_NEEDS = {"NONE": "OPEN", "MARKET_DATA": "KEYED", "USER_STREAM": "KEYED"}
TRAITS = ["may-close", "test", "header-wrong", "header-missing"]
SOURCES = ["docs", "cmnotice", "log", "js", "py", "old", "swagger", "ccxt", "bnet", "obs", "twin"]
OUTCOMES = ["ok", "expired", "bad_symbol"]
UNITS = ["weight", "orders", "requests"]
HEADERS = ["none", "used-weight", "order-count", "sapi-used-ip", "sapi-used-uid"]
KINDS = ["page", "code", "measured", "announced"]
INTERVAL_MS = {"S": 1000, "M": 60000, "H": 3600000, "D": 86400000}

# Names that every request may carry and policy reads; those of the rules are added to them.
FIXED_NAMES = ["timestamp", "recvWindow", "signature", "reduceOnly", "closePosition",
               "positionSide", "side", "batchOrders", "orders"]

WEIGHT_MAX = 1000000
PATH_MAX = 95
CLAUSES_MAX = 8
WINDOWS_MAX = 4
REQUEST_POOLS_MAX = 3   # with two weights and orders: POLICY_CHARGES_MAX
SPECIALS_MAX = 2

MASK = (1 << 64) - 1
HASH_MUL = 0x9E3779B97F4A7C15
CLAUSE_SEED = 64    # beside the methods' seeds


class Problems:
    def __init__(self):
        self.lines = []

    def add(self, row, wrong, right):
        self.lines.append("%s:%d: %s; %s" % (row["_file"], row["_line"], wrong, right))


def hash64(seed, data):
    """As table_hash() in tables.h."""
    h = (seed * HASH_MUL ^ len(data)) & MASK
    for at in range(0, len(data), 8):
        h = ((h ^ int.from_bytes(data[at:at + 8].ljust(8, b"\0"), "little")) * HASH_MUL) & MASK
        h ^= h >> 29
    return h ^ h >> 32


def endpoint_key(method, path):
    return hash64(METHODS.index(method) + 1, path.encode())


# --- reading -------------------------------------------------------------------------------------

def read_table(problems, directory, name, columns):
    rows = []
    head = {"_file": os.path.join(os.path.basename(os.path.normpath(directory)), name), "_line": 1}
    try:
        with open(os.path.join(directory, name), "rb") as f:
            data = f.read()
    except OSError as e:
        problems.add(head, "cannot be read: %s" % e.strerror, "the table must be there")
        return rows
    if not data.endswith(b"\n"):
        problems.add(head, "the last line has no end", "end the file with a newline")
    lines = data.split(b"\n")[:-1] if data.endswith(b"\n") else data.split(b"\n")
    for number, raw in enumerate(lines, 1):
        row = {"_file": head["_file"], "_line": number, "_table": name}
        bad = [c for c in raw if c < 0x20 or c > 0x7e]
        if bad:
            problems.add(row, "byte 0x%02x" % bad[0], "only printable ASCII and plain newlines")
            continue
        text = raw.decode("ascii")
        if '"' in text:
            problems.add(row, "a quote", "no field needs one: commas are not allowed inside fields")
            continue
        fields = text.split(",")
        if number == 1:
            if fields != columns:
                problems.add(row, "columns are %s" % text, "they must be %s" % ",".join(columns))
                return rows
            continue
        if len(fields) != len(columns):
            problems.add(row, "%d fields" % len(fields), "there are %d columns" % len(columns))
            continue
        row.update(zip(columns, fields))
        rows.append(row)
    return rows


def number(problems, row, column, most):
    text = row[column]
    if not re.fullmatch(r"0|[1-9][0-9]*", text) or int(text) > most:
        problems.add(row, "%s is '%s'" % (column, text), "a whole number up to %d" % most)
        return 0
    return int(text)


def one_of(problems, row, column, allowed):
    if row[column] not in allowed:
        problems.add(row, "%s is '%s'" % (column, row[column]), "one of %s" % " ".join(allowed))
        return False
    return True


def check_source(problems, row, may_disagree):
    text = row["source"]
    yes, bang, no = text.partition("!")
    ids = (yes.split("+") if yes else []) + (no.split("+") if no else [])
    if not yes or (bang and not no):
        problems.add(row, "source is '%s'" % text, "name who agrees, and after ! who does not")
    if bang and not may_disagree:
        problems.add(row, "source is '%s'" % text, "only those who give this value, without !")
    for s in ids:
        if s not in SOURCES:
            problems.add(row, "source '%s' is not known" % s, "one of %s" % " ".join(SOURCES))
    if len(set(ids)) != len(ids):
        problems.add(row, "a source is named twice in '%s'" % text, "name each once")


# --- rules ---------------------------------------------------------------------------------------

NAME = r"[A-Za-z][A-Za-z0-9]*"
TESTS = [
    ("ABSENT", re.compile(r"!(?P<name>%s)" % NAME)),
    ("COUNT", re.compile(r"#(?P<name>%s)<=(?P<arg>[0-9]+)" % NAME)),
    ("LIMIT", re.compile(r"(?P<name>%s)<=(?P<arg>[0-9]+)" % NAME)),
    ("WORD", re.compile(r"(?P<name>%s)=(?P<arg>[A-Za-z0-9_]+)" % NAME)),
    ("OUTCOME", re.compile(r"@(?P<name>[a-z_]+)")),
    ("SENT", re.compile(r"(?P<name>%s)" % NAME)),
]
EACH = re.compile(r"([0-9]+)\*#(%s)<=([0-9]+)" % NAME)


class Clause:
    """test, name, arg; flat cost, or each per element of the list @name and at most @cost."""

    def __init__(self, test, name, arg, cost, each, text):
        self.test, self.name, self.arg, self.cost, self.each = test, name, arg, cost, each
        self.text = text    # of the test alone: a price that is corrected is still the same one's

    def key(self):
        return (self.test, self.name, self.arg, self.cost, self.each)


def parse_clause(problems, row, text):
    test, colon, cost = text.rpartition(":")
    if not colon:
        problems.add(row, "clause '%s' has no cost" % text, "write test:cost")
        return None
    for kind, pattern in TESTS:
        m = pattern.fullmatch(test)
        if m:
            break
    else:
        problems.add(row, "test '%s' is not understood" % test,
                     "name, !name, name=word, name<=number, #name<=number or @outcome")
        return None
    name, arg = m.group("name"), m.groupdict().get("arg")
    if kind == "OUTCOME" and name not in OUTCOMES:
        problems.add(row, "outcome '@%s' is not known" % name,
                     "one of %s" % " ".join("@" + o for o in OUTCOMES))
        return None
    each, m = 0, EACH.fullmatch(cost)
    if m:
        if kind != "SENT" or m.group(2) != name:
            problems.add(row, "clause '%s' prices another list than it tests" % text,
                         "write %s:%s*#%s<=%s" % (m.group(2), m.group(1), m.group(2), m.group(3)))
            return None
        each, cost = int(m.group(1)), m.group(3)
    if not re.fullmatch(r"0|[1-9][0-9]*", cost) or int(cost) > WEIGHT_MAX:
        problems.add(row, "cost '%s' in '%s'" % (cost, text), "a number up to %d, or "
                     "number*#name<=number" % WEIGHT_MAX)
        return None
    if kind in ("LIMIT", "COUNT"):
        arg = int(arg)
    return Clause(kind, name, arg, int(cost), each, test)


def check_rule(problems, row, base, clauses):
    """What the C code takes for granted when it picks the heavier reading of an odd parameter."""
    ended, steps, last = set(), {}, {}
    for c in clauses:
        if c.test != "OUTCOME" and c.test != "ABSENT" and c.name in ended:
            problems.add(row, "nothing after the bare '%s' can match" % c.name,
                         "move the bare name to the end of its ladder")
        if c.test in ("LIMIT", "COUNT"):
            known = last.get(c.name)
            if known and known[0] != c.test:
                problems.add(row, "'%s' is both a number and a list" % c.name, "use one of them")
            if known and c.arg <= known[1]:
                problems.add(row, "ladder of '%s' goes from %d to %d" % (c.name, known[1], c.arg),
                             "its steps must ascend")
            if known and c.cost < known[2]:
                problems.add(row, "ladder of '%s' becomes cheaper at %d" % (c.name, c.arg),
                             "more must not cost less")
            last[c.name] = (c.test, c.arg, c.cost)
            steps[c.name] = c
        if c.test == "SENT":
            ended.add(c.name)
            if c.name in last and c.cost < last[c.name][2]:
                problems.add(row, "ladder of '%s' becomes cheaper at its end" % c.name,
                             "more must not cost less")
        if c.test == "WORD" and c.cost < base:
            problems.add(row, "'%s=%s' makes it cheaper" % (c.name, c.arg),
                         "a word may only add to the weight")
    for name in steps:
        if name not in ended:
            problems.add(row, "ladder of '%s' has no end" % name,
                         "end it with '%s:cost' for anything larger" % name)
    if sum(c.test == "OUTCOME" for c in clauses) > 1:
        problems.add(row, "two outcomes", "at most one @outcome in a rule")
    if any(c.test == "OUTCOME" for c in clauses[:-1]):
        problems.add(row, "an outcome before other tests", "@outcome comes last")
    if any(c.test == "OUTCOME" and c.cost > base for c in clauses):
        problems.add(row, "the outcome costs more than is reserved",
                     "make it the base weight and the other case the outcome")


def parse_rule(problems, row, base):
    if row["rule"] == "":
        return []
    clauses = [parse_clause(problems, row, text) for text in row["rule"].split(";")]
    if None in clauses:
        return []
    if len(clauses) > CLAUSES_MAX:
        problems.add(row, "%d clauses" % len(clauses), "at most %d" % CLAUSES_MAX)
    check_rule(problems, row, base, clauses)
    return clauses


def span_of(problems, row, text):
    m = re.fullmatch(r"([1-9][0-9]{0,3})([SMHD])", text)
    if not m:
        problems.add(row, "interval '%s'" % text, "a number and one of S M H D, as in 10S")
        return 0
    return int(m.group(1)) * INTERVAL_MS[m.group(2)]


def parse_orders(problems, row):
    """-> (amount of any span, [(span_ms, amount)])"""
    text = row["orders"]
    if re.fullmatch(r"0|[1-9][0-9]?", text):
        return int(text), []
    specials = []
    for part in text.split("/"):
        span, colon, amount = part.partition(":")
        if not colon or not re.fullmatch(r"[1-9][0-9]?", amount):
            problems.add(row, "orders is '%s'" % text, "a number, or 10S:5/1M:1")
            return 0, []
        specials.append((span_of(problems, row, span), int(amount)))
    if len(specials) > SPECIALS_MAX:
        problems.add(row, "%d intervals in orders" % len(specials), "at most %d" % SPECIALS_MAX)
    return max(a for _, a in specials), specials


# --- endpoints -----------------------------------------------------------------------------------

def group_of_path(path):
    if path.startswith(SHARED_PREFIX):
        return "dapi"   # only legacy.csv asks: a row of the COIN-M host that left its pages
    head = path.split("/")[1] if path.count("/") > 1 else ""
    return head if head in GROUPS else None


def check_path(problems, row, group):
    path = row["path"]
    if not re.fullmatch(r"(/[A-Za-z0-9_-]+)+", path) or len(path) > PATH_MAX:
        problems.add(row, "path is '%s'" % path,
                     "/words/of/letters, no slash at the end, at most %d bytes" % PATH_MAX)
        return None
    if group is None:
        group = group_of_path(path)
        if group is None:
            problems.add(row, "path '%s' belongs to no product" % path,
                         "it must start with /" + "/, /".join(GROUPS) + "/ or " + SHARED_PREFIX)
        return group
    allowed = ["/%s/" % group] + ([SHARED_PREFIX] if group in ("fapi", "dapi") else [])
    if not any(path.startswith(p) for p in allowed):
        problems.add(row, "path '%s' is of another product" % path,
                     "in this table it must start with %s" % " or ".join(allowed))
        return None
    return group


def check_sense(problems, row):
    get, klass, traits = row["method"] == "GET", row["class"], row["_traits"]
    if row["scope"] == "none" and (row["_weight"] or row["_clauses"]):
        problems.add(row, "scope none with a weight", "scope ip or uid, or weight 0 and no rule")
    if row["scope"] != "none" and not row["_weight"] and not row["_clauses"]:
        problems.add(row, "weight 0 with scope %s" % row["scope"], "scope none")
    if get and klass in ("cancel", "order"):
        problems.add(row, "a GET of class %s" % klass, "reading is reconcile or below")
    if not get and klass in ("market", "backfill"):
        problems.add(row, "a %s of class %s" % (row["method"], klass), "account or above")
    if row["_orders"][0] and klass != "order":
        problems.add(row, "counts orders and is of class %s" % klass, "class order")
    for trait in ("may-close", "test"):
        if trait in traits and klass != "order":
            problems.add(row, "%s and class %s" % (trait, klass), "class order")
    if "test" in traits and row["_orders"][0]:
        problems.add(row, "a test that counts orders", "orders 0")


def check_endpoint(problems, row, group):
    row["_group"] = check_path(problems, row, group) if row["method"] in METHODS else group
    row["_weight"] = number(problems, row, "weight", WEIGHT_MAX)
    one_of(problems, row, "scope", SCOPES)
    if row["scope"] == "uid" and row["_group"] not in ("sapi", None):
        problems.add(row, "scope uid outside sapi", "scope ip")
    row["_orders"] = parse_orders(problems, row)
    one_of(problems, row, "security", SECURITY)
    one_of(problems, row, "class", CLASSES)
    row["_traits"] = row["traits"].split("+") if row["traits"] else []
    for trait in row["_traits"]:
        if trait not in TRAITS:
            problems.add(row, "trait '%s' is not known" % trait, "one of %s" % " ".join(TRAITS))
    row["_clauses"] = parse_rule(problems, row, row["_weight"])
    check_source(problems, row, may_disagree=True)


def check_order_of_rows(problems, rows):
    before = None
    for row in rows:
        key = (row["path"], row["method"], row["scope"])
        if before is not None and key == before:
            problems.add(row, "%s %s %s stands here twice" % (row["method"], row["path"],
                         row["scope"]), "one row per method, path and scope")
        elif before is not None and key < before:
            problems.add(row, "%s %s is out of order" % (row["method"], row["path"]),
                         "sort the rows by path, method, scope")
        before = key


def read_endpoints(problems, directory):
    rows = []
    for name, group in REST_TABLES:
        table = read_table(problems, directory, name, ENDPOINT_COLUMNS)
        for row in table:
            one_of(problems, row, "method", METHODS)
            check_endpoint(problems, row, group)
            if row["method"] in METHODS:
                check_sense(problems, row)
        check_order_of_rows(problems, table)
        rows += table
    for name in WS_TABLES:
        table = read_table(problems, directory, name, ENDPOINT_COLUMNS)
        for row in table:
            one_of(problems, row, "method", ["WS", "CONNECT"])
            if not re.fullmatch(r"[A-Za-z0-9./-]+", row["path"]):
                problems.add(row, "method name '%s'" % row["path"], "letters, digits, dots")
            check_endpoint(problems, row, None)
        check_order_of_rows(problems, table)
        rows += table
    return rows


class Endpoint:
    def __init__(self, row):
        self.rows = [row]
        self.method, self.path, self.group = row["method"], row["path"], row["_group"]
        self.klass, self.traits, self.orders = row["class"], row["_traits"], row["_orders"]
        self.security = row["security"]
        self.key = endpoint_key(self.method, self.path)
        self.requests = []


def merge(problems, rows):
    """One endpoint per method and path; a second row may add the other scope's weight."""
    found = {}
    for row in rows:
        if row["_group"] is None or row["method"] not in METHODS:
            continue
        have = found.get((row["method"], row["path"]))
        if have is None:
            found[row["method"], row["path"]] = Endpoint(row)
            continue
        first = have.rows[0]
        if row["_table"] != first["_table"]:
            if not row["path"].startswith(SHARED_PREFIX):
                problems.add(row, "%s %s is also in %s:%d" % (row["method"], row["path"],
                             first["_file"], first["_line"]), "keep one of them")
            continue
        if row["scope"] == first["scope"]:
            continue    # reported as a double row
        for column in ("class", "traits", "orders", "security"):
            if row[column] != first[column]:
                problems.add(row, "%s differs from line %d" % (column, first["_line"]),
                             "two rows of one endpoint agree in it")
        if any(c.test == "OUTCOME" for c in row["_clauses"] + first["_clauses"]):
            problems.add(row, "an outcome on an endpoint with two weights", "one row, or none")
        have.rows.append(row)
    keys = {}
    for e in found.values():
        if e.key in keys or e.key in (0, MASK):
            problems.add(e.rows[0], "key collides", "change HASH_MUL here and in tables.h")
        keys[e.key] = e
    return [found[k] for k in sorted(found, key=lambda k: (k[1], k[0]))]


# --- pools ---------------------------------------------------------------------------------------

class Pool:
    def __init__(self, row, groups):
        self.row, self.name, self.groups = row, row["pool"], groups
        self.windows = []


def pool_of_row(problems, row):
    groups = row["groups"].split("+")
    for g in groups:
        if g not in GROUPS:
            problems.add(row, "group '%s' is not known" % g, "one of %s" % " ".join(GROUPS))
    if not re.fullmatch(r"[a-z][a-z0-9-]*", row["pool"]):
        problems.add(row, "pool is '%s'" % row["pool"], "small letters, digits and dashes")
    one_of(problems, row, "scope", ["ip", "account"])
    one_of(problems, row, "counts", UNITS)
    one_of(problems, row, "keyed", ["pool", "endpoint"])
    one_of(problems, row, "window", ["fixed", "rolling"])
    one_of(problems, row, "header", HEADERS)
    check_source(problems, row, may_disagree=False)
    applies = {"weight": "weight", "orders": "orders"}.get(row["counts"])
    if applies and row["applies"] != applies:
        problems.add(row, "a pool of %s applies to '%s'" % (row["counts"], row["applies"]),
                     "'%s'" % applies)
    return Pool(row, [g for g in groups if g in GROUPS])


def read_pools(problems, directory):
    pools = {}
    for row in read_table(problems, directory, "limits.csv", POOL_COLUMNS):
        span = span_of(problems, row, row["interval"])
        limit = number(problems, row, "limit", 1 << 30)
        if limit == 0:
            problems.add(row, "limit 0", "leave the row out, or give what the exchange allows")
        pool = pools.get(row["pool"])
        if pool is None:
            pool = pools[row["pool"]] = pool_of_row(problems, row)
        for column in ("groups", "scope", "counts", "keyed", "window", "header", "applies"):
            if row[column] != pool.row[column]:
                problems.add(row, "%s differs from line %d" % (column, pool.row["_line"]),
                             "windows of one pool differ in limit and interval only")
        if pool.windows and span <= pool.windows[-1][0]:
            problems.add(row, "interval %s" % row["interval"], "a pool's windows ascend by span")
        pool.windows.append((span, limit))
        if len(pool.windows) > WINDOWS_MAX:
            problems.add(row, "%d windows" % len(pool.windows), "at most %d" % WINDOWS_MAX)
    return list(pools.values())


def weight_pool(pools, group, scope):
    for i, p in enumerate(pools):
        if group in p.groups and p.row["counts"] == "weight" \
                and (p.row["scope"] == "account") == (scope == "uid"):
            return i
    return None


def first_pool(pools, group, counts, applies=None):
    for i, p in enumerate(pools):
        if group in p.groups and p.row["counts"] == counts \
                and p.row["applies"] == (applies or counts):
            return i
    return None


def attach_requests(problems, pools, rows, endpoints):
    """Request pools that name endpoints -> their indices at the endpoints, and [(pool, prefix)]."""
    prefixes = []
    reachable = {(e.method, e.path): e for e in endpoints}
    for i, pool in enumerate(pools):
        if pool.row["counts"] != "requests" or pool.row["applies"] == "every":
            continue
        for text in pool.row["applies"].split(" + "):
            method, _, path = text.partition(" ")
            star = path.endswith("*")
            hits = [r for r in rows if r["method"] == method and r["_group"] in pool.groups
                    and (r["path"].startswith(path[:-1]) if star else r["path"] == path)]
            if not hits:
                problems.add(pool.row, "applies to '%s', which no table has" % text,
                             "METHOD /path of a row, joined by ' + ', or a path ending in *")
            if star:
                prefixes.append((i, method, path[:-1], pool.groups))
            for r in hits:
                e = reachable.get((r["method"], r["path"]))
                if e and e.group in pool.groups and i not in e.requests:
                    e.requests.append(i)
    for e in endpoints:
        every = [i for i, p in enumerate(pools) if p.row["applies"] == "every"
                 and e.group in p.groups]
        if len(e.requests) + len(every) > REQUEST_POOLS_MAX:
            problems.add(e.rows[0], "counts in %d request pools" % len(e.requests + every),
                         "at most %d" % REQUEST_POOLS_MAX)
    return prefixes


def check_pools(problems, pools, endpoints):
    for e in endpoints:
        for row in e.rows:
            if weight_pool(pools, e.group, row["scope"]) is None:
                problems.add(row, "no pool for scope %s of %s" % (row["scope"], e.group),
                             "give limits.csv one that counts weight")
        if e.orders[0] and first_pool(pools, e.group, "orders") is None:
            problems.add(e.rows[0], "no pool for the orders of %s" % e.group,
                         "give limits.csv one that counts orders")
        spans = {s for p in pools if e.group in p.groups and p.row["counts"] == "orders"
                 for s, _ in p.windows}
        for span, _ in e.orders[1]:
            if span not in spans:
                problems.add(e.rows[0], "orders names a span of %d ms" % span,
                             "only spans that the order pool of %s has" % e.group)
    for group in GROUPS:
        if weight_pool(pools, group, "ip") is None:
            problems.add({"_file": "data/limits.csv", "_line": 1},
                         "group %s has no weight pool" % group, "every group needs one")


# --- tables that are kept, not compiled ----------------------------------------------------------

def check_others(problems, directory):
    seen = set()
    for row in read_table(problems, directory, "limits-other.csv", OTHER_COLUMNS):
        number(problems, row, "limit", 1 << 30)
        if row["interval"] not in ("TOTAL", "1MONTH"):
            span_of(problems, row, row["interval"])
        check_source(problems, row, may_disagree=False)
        if row["limit_id"] in seen:
            problems.add(row, "'%s' stands here twice" % row["limit_id"], "one row per limit")
        seen.add(row["limit_id"])


def check_alternates(problems, directory, rows):
    main = {(r["_table"], r["method"], r["path"]): r for r in rows}
    for row in read_table(problems, directory, "alternates.csv", ALTERNATE_COLUMNS):
        weight = number(problems, row, "weight", WEIGHT_MAX)
        clauses = parse_rule(problems, row, weight)
        one_of(problems, row, "kind", KINDS)
        if not re.fullmatch(r"20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])", row["date"]):
            problems.add(row, "date '%s'" % row["date"], "YYYY-MM-DD")
        check_source(problems, row, may_disagree=False)
        at = main.get((row["table"], row["method"], row["path"]))
        if at is None:
            problems.add(row, "%s has no %s %s" % (row["table"], row["method"], row["path"]),
                         "an alternate stands beside a row of a main table")
        elif weight == at["_weight"] and [c.key() for c in clauses] == \
                [c.key() for c in at["_clauses"]]:
            problems.add(row, "the same as %s:%d" % (at["_file"], at["_line"]),
                         "give another value, or drop the row")


# --- writing -------------------------------------------------------------------------------------

def constant(name):
    return "PARAM_" + re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).upper()


def rule_names(endpoints):
    names = list(FIXED_NAMES)
    for e in endpoints:
        for row in e.rows:
            for c in row["_clauses"]:
                if c.test != "OUTCOME" and c.name not in names:
                    names.append(c.name)
    return names


def perfect_hash(names, slots):
    """Factors that send every name to a slot of its own; they depend on the names only."""
    for a in range(1, 64):
        for b in range(1, 64):
            for c in range(0, 16):
                place = {}
                for i, n in enumerate(names):
                    place.setdefault((len(n) * a + ord(n[0]) * b + ord(n[-1]) * c) % slots, i)
                if len(place) == len(names):
                    return a, b, c, place
    sys.exit("gen_policy.py: no perfect hash for the parameter names; raise the number of slots")


def mask_of(names, wanted):
    return sum(1 << names.index(n) for n in wanted)


def write_names(names, slots, hashed):
    a, b, c, _ = hashed
    out = ["/* Written by tools/gen_policy.py from data/; change those. */",
           "#ifndef POLICY_NAMES_H", "#define POLICY_NAMES_H", "", "enum {"]
    out += ["        %s," % constant(n) for n in names]
    out += ["        PARAM_COUNT,", "};", "",
            "#define PARAM_SLOTS %d" % slots,
            "#define PARAM_NAME_MAX %d" % max(len(n) for n in names),
            "#define PARAM_HASH(n, first, last) \\",
            "        (((n) * %du + (first) * %du + (last) * %du) %% PARAM_SLOTS)" % (a, b, c),
            "", "#endif", ""]
    return "\n".join(out)


def c_bool(x):
    return "true" if x else "false"


class Writer:
    def __init__(self, pools, endpoints, prefixes):
        self.pools, self.endpoints, self.prefixes = pools, endpoints, prefixes
        self.names = rule_names(endpoints)
        self.slots = 64
        self.hashed = perfect_hash(self.names, self.slots)
        self.words, self.clauses, self.prices, self.orders, self.requests = [], [], [], [], []

    def price(self, e, row):
        clauses = ['{ CLAUSE_%s, %s, %d, %s, %d, %d, "%s", 0x%016xULL }' % (
            c.test, OUTCOMES.index(c.name) if c.test == "OUTCOME" else constant(c.name),
            0 if isinstance(c.arg, (str, type(None))) else c.arg,
            '"%s"' % c.arg if c.test == "WORD" else "NULL", c.each, c.cost, c.text,
            hash64(CLAUSE_SEED, c.text.encode()))
            for c in row["_clauses"]]
        at = len(self.clauses)
        self.clauses += clauses
        pool = weight_pool(self.pools, e.group, row["scope"])
        self.prices.append("{ %d, %d, %d, %d }" % (pool, len(clauses), at, row["_weight"]))

    def order(self, e):
        amount, specials = e.orders
        if not amount:
            return "TABLE_NONE"
        pool = first_pool(self.pools, e.group, "orders")
        text = "{ %d, %d, %d, { %s } }" % (
            pool, len(specials), amount,
            ", ".join("{ %dULL, %d }" % s for s in specials) or "{ 0, 0 }")
        if text not in self.orders:
            self.orders.append(text)
        return str(self.orders.index(text))

    def endpoint(self, e):
        price, request = len(self.prices), len(self.requests)
        for row in e.rows:
            self.price(e, row)
        self.requests += [str(i) for i in e.requests]
        return ('{ "%s", "%s", 0x%016xULL, POLICY_%s, CLASS_%s, POLICY_%s, %s, %s, %s, %s, '
                '%d, %d, %s, %d, %d }'
                % (e.method, e.path, e.key, e.group.upper(), e.klass.upper(),
                   SECURITY_NEEDS.get(e.security, "SIGNED"),
                   c_bool("test" in e.traits), c_bool("may-close" in e.traits),
                   c_bool("header-wrong" in e.traits), c_bool("header-missing" in e.traits),
                   price, len(e.rows), self.order(e), request, len(e.requests)))

    def pool(self, p):
        row = p.row
        return ('{ "%s", %s, POLICY_PER_%s, POLICY_%s, POLICY_HEADER_%s, %s, %s, %d, { %s } }' % (
            p.name, " | ".join("1u << POLICY_%s" % g.upper() for g in p.groups),
            row["scope"].upper(), row["counts"].upper(), row["header"].replace("-", "_").upper(),
            c_bool(row["keyed"] == "endpoint"), c_bool(row["window"] == "rolling"),
            len(p.windows), ", ".join("{ %dULL, %du }" % w for w in p.windows)))

    def group(self, group):
        def index(i):
            return "TABLE_NONE" if i is None else str(i)
        return "[POLICY_%s] = { %s, %s, %s, %s }" % (
            group.upper(), index(weight_pool(self.pools, group, "ip")),
            index(weight_pool(self.pools, group, "uid")),
            index(first_pool(self.pools, group, "orders")),
            index(first_pool(self.pools, group, "requests", "every")))

    def slots_of_endpoints(self):
        size = 1
        while size < 2 * len(self.endpoints):
            size *= 2
        table = ["TABLE_NONE"] * size
        for i, e in enumerate(self.endpoints):
            at = e.key % size
            while table[at] != "TABLE_NONE":
                at = (at + 1) % size
            table[at] = str(i)
        return table

    def tests(self, *kinds):
        return {c.name for e in self.endpoints for r in e.rows for c in r["_clauses"]
                if c.test in kinds}

    def lists(self):
        return self.tests("COUNT") | {c.name for e in self.endpoints for r in e.rows
                                      for c in r["_clauses"] if c.each}

    def source(self):
        endpoints = [self.endpoint(e) for e in self.endpoints]
        slots = self.slots_of_endpoints()
        places = ["PARAM_COUNT"] * self.slots
        for at, i in self.hashed[3].items():
            places[at] = constant(self.names[i])
        prefixes = ['{ %d, POLICY_%s, "%s", "%s" }' % (i, g.upper(), m, path)
                    for i, m, path, groups in self.prefixes for g in groups]
        out = ["/* Written by tools/gen_policy.py from data/; change those. */",
               '#include "policy/tables.h"', ""]
        out += array("struct policy_pool", "table_pools", [self.pool(p) for p in self.pools])
        out += ["const size_t table_n_pools = %d;" % len(self.pools), ""]
        out += array("struct table_group", "table_groups", [self.group(g) for g in GROUPS])
        out += array("struct policy_endpoint", "table_endpoints", endpoints)
        out += ["const size_t table_n_endpoints = %d;" % len(endpoints), ""]
        out += array("uint16_t", "table_slots", slots)
        out += ["const size_t table_n_slots = %d;" % len(slots), ""]
        out += array("struct table_price", "table_prices", self.prices)
        out += array("struct table_clause", "table_clauses", self.clauses)
        out += array("struct table_order", "table_orders", self.orders)
        out += array("uint16_t", "table_requests", self.requests)
        out += array("struct table_prefix", "table_prefixes", prefixes)
        out += ["const size_t table_n_prefixes = %d;" % len(prefixes), ""]
        out += array("struct str", "table_params",
                     ['{ "%s", %d }' % (n, len(n)) for n in self.names])
        out += array("uint8_t", "table_param_slots", places)
        out += ["const uint32_t table_params_of_numbers = 0x%x;"
                % mask_of(self.names, self.tests("LIMIT") | {"timestamp", "recvWindow"}),
                "const uint32_t table_params_of_lists = 0x%x;" % mask_of(self.names, self.lists()),
                ""]
        return "\n".join(out)


def array(kind, name, items):
    # An empty array is no C; one unused element is.
    return ["const %s %s[] = {" % (kind, name)] + \
        ["        %s," % i for i in items or ["{ 0 }"]] + ["};", ""]


def write_if_changed(path, text):
    try:
        with open(path) as f:
            if f.read() == text:
                os.utime(path)
                return
    except OSError:
        pass
    with open(path, "w") as f:
        f.write(text)


def load(problems, directory):
    rows = read_endpoints(problems, directory)
    endpoints = merge(problems, rows)
    pools = read_pools(problems, directory)
    prefixes = attach_requests(problems, pools, rows, endpoints)
    check_pools(problems, pools, endpoints)
    check_others(problems, directory)
    check_alternates(problems, directory, rows)
    if len(rule_names(endpoints)) > 32:
        problems.add({"_file": "data", "_line": 0}, "rules name more than 32 parameters",
                     "widen the set in params.h first")
    return pools, endpoints, prefixes


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", required=True, help="folder of the tables")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--out", help="folder for tables.c and names.h")
    what.add_argument("--check", action="store_true", help="only check")
    args = parser.parse_args()

    problems = Problems()
    pools, endpoints, prefixes = load(problems, args.data)
    if problems.lines:
        print("\n".join(problems.lines), file=sys.stderr)
        return 1
    writer = Writer(pools, endpoints, prefixes)
    if args.check:
        print("%d endpoints, %d pools, %d parameter names: in order"
              % (len(endpoints), len(pools), len(writer.names)))
        return 0
    os.makedirs(args.out, exist_ok=True)
    write_if_changed(os.path.join(args.out, "names.h"),
                     write_names(writer.names, writer.slots, writer.hashed))
    write_if_changed(os.path.join(args.out, "tables.c"), writer.source())
    return 0


if __name__ == "__main__":
    sys.exit(main())
