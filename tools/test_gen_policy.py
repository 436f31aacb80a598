#!/usr/bin/python3
"""The checker of data/ must refuse broken rows, and say where and what would be right.

Each case changes one line of a copy of the tables and names a part of the message it expects.
"""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import gen_policy  # noqa: E402

DATA = os.path.join(HERE, "..", "data")
GENERATOR = os.path.join(HERE, "gen_policy.py")

PING = "GET,/api/v3/ping,1,ip,0,NONE,reconcile,,,docs+js+py+swagger+ccxt+bnet"
DEPTH = "limit<=100:5;limit<=500:25;limit<=1000:50;limit:250"

# (table, text that stands in it once, text to put there, part of the message)
BROKEN = [
    # shape of the file
    ("spot.csv", "method,path,weight", "method,weight,path", "columns are"),
    ("spot.csv", PING, PING + ",more", "11 fields; there are 10 columns"),
    ("spot.csv", PING, "GET,/api/v3/ping,1", "3 fields"),
    ("spot.csv", PING, "", "1 fields"),
    ("spot.csv", PING, PING.replace("docs", '"docs"'), "a quote"),
    ("spot.csv", PING, PING + "\r", "byte 0x0d"),
    ("spot.csv", PING, PING.replace("ping", "p\u00efng"), "byte 0xc3"),
    # single fields
    ("spot.csv", PING, PING.replace("GET", "get"), "method is 'get'; one of GET POST PUT DELETE"),
    ("spot.csv", PING, PING.replace("/api/v3/ping", "/api/v3/ping/"), "no slash at the end"),
    ("spot.csv", PING, PING.replace("/api/v3/ping", "/fapi/v3/ping"), "is of another product"),
    ("spot.csv", PING, PING.replace("/ping", "/pi ng"), "path is '/api/v3/pi ng'"),
    ("spot.csv", PING, PING.replace("/ping", "/ping" + "g" * 95), "at most 95 bytes"),
    ("spot.csv", PING, PING.replace(",1,ip", ",-1,ip"), "weight is '-1'; a whole number"),
    ("spot.csv", PING, PING.replace(",1,ip", ",01,ip"), "weight is '01'"),
    ("spot.csv", PING, PING.replace(",1,ip", ",1000001,ip"), "a whole number up to 1000000"),
    ("spot.csv", PING, PING.replace(",1,ip", ",1,IP"), "scope is 'IP'"),
    ("spot.csv", PING, PING.replace(",1,ip", ",1,uid"), "scope uid outside sapi"),
    ("spot.csv", PING, PING.replace(",1,ip", ",1,none"), "scope none with a weight"),
    ("spot.csv", PING, PING.replace(",1,ip", ",0,ip"), "weight 0 with scope ip; scope none"),
    ("spot.csv", PING, PING.replace("NONE", "PUBLIC"), "security is 'PUBLIC'"),
    ("spot.csv", PING, PING.replace("reconcile", "urgent"), "class is 'urgent'; one of cancel"),
    ("spot.csv", PING, PING.replace("reconcile,", "reconcile,fast"), "trait 'fast' is not known"),
    ("spot.csv", PING, PING.replace("docs+js", "docs+blog"), "source 'blog' is not known"),
    ("spot.csv", PING, PING.replace("docs+js", "docs+docs"), "named twice"),
    ("spot.csv", PING, PING.replace("docs+js+py+swagger+ccxt+bnet", ""), "name who agrees"),
    ("spot.csv", PING, PING + "!", "and after ! who does not"),
    # fields that do not go together
    ("spot.csv", PING, PING.replace("reconcile", "order"), "a GET of class order"),
    ("spot.csv", PING, PING.replace(",0,NONE", ",1,NONE"), "counts orders and is of class"),
    ("spot.csv", PING, PING.replace("reconcile,", "reconcile,test"), "test and class reconcile"),
    ("usdm.csv", "POST,/fapi/v1/listenKey,1,ip,0,USER_STREAM,reconcile",
     "POST,/fapi/v1/listenKey,1,ip,0,USER_STREAM,market", "a POST of class market"),
    ("usdm.csv", "POST,/fapi/v1/order,0,none,1,TRADE,order,may-close",
     "POST,/fapi/v1/order,0,none,1,TRADE,order,test", "a test that counts orders"),
    # rows against each other
    ("spot.csv", PING, PING + "\n" + PING, "stands here twice"),
    ("spot.csv", PING, PING.replace("ping", "aaa"), "is out of order"),
    ("legacy.csv", "GET,/fapi/v1/balance,5", "GET,/fapi/v1/ping,5", "is also in data/usdm.csv:"),
    ("legacy.csv", "GET,/fapi/v1/lvtKlines", "GET,/wapi/v1/lvtKlines", "belongs to no product"),
    ("sapi.csv", "universalTransfer,360,uid,0,USER_DATA,account",
     "universalTransfer,360,uid,0,USER_DATA,order", "class differs from line"),
    # rules
    ("spot.csv", DEPTH, DEPTH + ";", "has no cost"),
    ("spot.csv", DEPTH, "limit<100:5;limit:250", "test 'limit<100' is not understood"),
    ("spot.csv", DEPTH, DEPTH.replace("limit:250", ""), "clause '' has no cost"),
    ("spot.csv", DEPTH, DEPTH.replace(";limit:250", ""), "has no end; end it with 'limit:cost'"),
    ("spot.csv", DEPTH, DEPTH.replace("<=500:25", "<=50:25"), "goes from 100 to 50"),
    ("spot.csv", DEPTH, DEPTH.replace("<=500:25", "<=500:4"), "becomes cheaper at 500"),
    ("spot.csv", DEPTH, DEPTH.replace("limit:250", "limit:49"), "becomes cheaper at its end"),
    ("spot.csv", DEPTH, DEPTH.replace("limit<=500", "#limit<=500"), "both a number and a list"),
    ("spot.csv", DEPTH, "limit:250;limit<=100:5;limit:250", "nothing after the bare 'limit'"),
    ("spot.csv", DEPTH, DEPTH.replace(":250", ":x"), "cost 'x'"),
    ("spot.csv", DEPTH, ";".join("a%d:9" % i for i in range(9)), "9 clauses; at most 8"),
    ("spot.csv", "symbol:2;symbols:2*#symbols<=40", "symbol:2;symbols:2*#symbol<=40",
     "prices another list than it tests; write symbol:2*#symbol<=40"),
    ("spot.csv", "preventedMatchId:2;@bad_symbol:2", "preventedMatchId:2;@bad_luck:2",
     "outcome '@bad_luck' is not known; one of @ok @expired @bad_symbol"),
    ("spot.csv", "preventedMatchId:2;@bad_symbol:2", "@bad_symbol:2;preventedMatchId:2",
     "@outcome comes last"),
    ("spot.csv", "preventedMatchId:2;@bad_symbol:2", "@ok:2;@bad_symbol:2", "two outcomes"),
    ("spot.csv", "preventedMatchId:2;@bad_symbol:2", "@bad_symbol:21",
     "costs more than is reserved"),
    ("sapi.csv", "POST,/sapi/v1/margin/order/oto,6,uid,2",
     "POST,/sapi/v1/margin/order/oto,1600,uid,2",
     "makes it cheaper; a word may only add"),
    # orders per interval
    ("usdm.csv", "POST,/fapi/v1/batchOrders,5,ip,10S:5/1M:1", "POST,/fapi/v1/batchOrders,5,ip,10S5",
     "orders is '10S5'; a number, or 10S:5/1M:1"),
    ("usdm.csv", "POST,/fapi/v1/batchOrders,5,ip,10S:5/1M:1",
     "POST,/fapi/v1/batchOrders,5,ip,10S:5/1W:1", "interval '1W'"),
    ("usdm.csv", "POST,/fapi/v1/batchOrders,5,ip,10S:5/1M:1",
     "POST,/fapi/v1/batchOrders,5,ip,10S:5/1H:1", "only spans that the order pool of fapi has"),
    # pools
    ("limits.csv", "spot-weight,api,ip", "spot-weight,spot,ip", "group 'spot' is not known"),
    ("limits.csv", "spot-weight,api,ip", "Spot,api,ip", "small letters"),
    ("limits.csv", "pool,6000,1M,fixed,used-weight,weight,docs+obs",
     "pool,0,1M,fixed,used-weight,weight,docs+obs", "limit 0"),
    ("limits.csv", "pool,6000,1M,fixed,used-weight,weight,docs+obs",
     "pool,6000,1MONTH,fixed,used-weight,weight,docs+obs", "interval '1MONTH'"),
    ("limits.csv", "spot-orders,api+sapi,account,orders,pool,200000,1D",
     "spot-orders,api+sapi,account,orders,pool,200000,1S", "windows ascend by span"),
    ("limits.csv", "spot-orders,api+sapi,account,orders,pool,200000,1D",
     "spot-orders,api+sapi,ip,orders,pool,200000,1D", "scope differs from line"),
    ("limits.csv", "papi-weight,papi,ip,weight", "papi-weight,eapi,ip,weight", "no weight pool"),
    ("limits.csv", "papi-orders,papi,account,orders", "papi-orders,eapi,account,orders",
     "no pool for the orders of papi"),
    ("limits.csv", "POST /papi/v1/bnb-transfer", "POST /papi/v1/bnb-transfers",
     "applies to 'POST /papi/v1/bnb-transfers', which no table has"),
    ("limits.csv", "1M,fixed,used-weight,weight,cmnotice", "1M,fixed,used-weight,every,cmnotice",
     "a pool of weight applies to 'every'"),
    # tables that are kept for people
    ("limits-other.csv", "spot-streams,spot", "spot-connect,spot",
     "'spot-connect' stands here twice"),
    ("limits-other.csv", "1024,TOTAL,stream hosts", "many,TOTAL,stream hosts", "limit is 'many'"),
    ("alternates.csv", "usdm.csv,PUT,/fapi/v1/order,1", "usdm.csv,PUT,/fapi/v1/orders,1",
     "usdm.csv has no PUT /fapi/v1/orders"),
    ("alternates.csv", "usdm.csv,PUT,/fapi/v1/order,1", "usdm.csv,PUT,/fapi/v1/order,0",
     "the same as data/usdm.csv:"),
    ("alternates.csv", "PUT,/fapi/v1/order,1,,page,2025-03-16",
     "PUT,/fapi/v1/order,1,,page,16.3.25",
     "date '16.3.25'; YYYY-MM-DD"),
    ("wsapi-usdm.csv", "WS,order.place,0,none,1", "WS,order.place,0,none,one", "orders is 'one'"),
]


def complaints(data):
    """As --check would print them; in this process, because there are many cases."""
    problems = gen_policy.Problems()
    gen_policy.load(problems, data)
    return problems.lines


def run(data, *arguments):
    return subprocess.run([sys.executable, "-B", GENERATOR, "--data", data, *arguments],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


class Checker(unittest.TestCase):
    def setUp(self):
        self.room = tempfile.mkdtemp()
        self.data = os.path.join(self.room, "data")
        shutil.copytree(DATA, self.data)

    def tearDown(self):
        shutil.rmtree(self.room)

    def change(self, table, old, new):
        path = os.path.join(self.data, table)
        with open(path, newline="") as f:
            text = f.read()
        self.assertEqual(text.count(old), 1, "%s must hold %r once" % (table, old))
        with open(path, "w", newline="", encoding="utf-8") as f:
            f.write(text.replace(old, new))
        return text[:text.index(old)].count("\n") + 1

    def restore(self, table):
        shutil.copy(os.path.join(DATA, table), os.path.join(self.data, table))

    def test_the_tables_are_in_order(self):
        r = run(self.data, "--check")
        self.assertEqual((r.returncode, r.stderr), (0, ""))

    def test_broken_rows_are_named(self):
        for table, old, new, message in BROKEN:
            with self.subTest(table=table, new=new):
                line = self.change(table, old, new)
                lines = complaints(self.data)
                self.restore(table)
                hits = [x for x in lines if message in x]
                self.assertTrue(hits, "%r not in:\n%s" % (message, "\n".join(lines)))
                near = ["data/%s:%d:" % (table, n) for n in (1, line - 1, line, line + 1, line + 2)]
                if "no pool for" not in message:
                    self.assertTrue(any(h.startswith(p) for h in hits for p in near), hits)

    def test_all_mistakes_are_reported_at_once(self):
        self.change("spot.csv", PING, PING.replace("NONE", "PUBLIC"))
        self.change("papi.csv", "GET,/papi/v1/ping,1,ip", "GET,/papi/v1/ping,1,us")
        r = run(self.data, "--check")
        self.assertEqual(len(r.stderr.splitlines()), 2, r.stderr)

    def test_nothing_is_written_from_broken_tables(self):
        self.change("spot.csv", PING, PING.replace("NONE", "PUBLIC"))
        out = os.path.join(self.room, "out")
        self.assertEqual(run(self.data, "--out", out).returncode, 1)
        self.assertFalse(os.path.exists(out))

    def test_a_missing_table_is_named(self):
        os.unlink(os.path.join(self.data, "papi.csv"))
        r = run(self.data, "--check")
        self.assertEqual(r.returncode, 1)
        self.assertIn("data/papi.csv:1: cannot be read", r.stderr)
        self.assertNotIn("Traceback", r.stderr)

    def test_a_file_without_an_end_of_line_is_refused(self):
        path = os.path.join(self.data, "spot.csv")
        with open(path, "rb+") as f:
            f.seek(-1, os.SEEK_END)
            f.truncate()
        self.assertIn("the last line has no end", run(self.data, "--check").stderr)

    def test_the_same_tables_give_the_same_code(self):
        texts = []
        for name in ("a", "b"):
            out = os.path.join(self.room, name)
            self.assertEqual(run(self.data, "--out", out).returncode, 0)
            for file in ("tables.c", "names.h"):
                with open(os.path.join(out, file)) as f:
                    texts.append(f.read())
        self.assertEqual(texts[:2], texts[2:])


if __name__ == "__main__":
    unittest.main()
