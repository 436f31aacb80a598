#!/usr/bin/env python3
"""contrib/grafana/weir.json against what there is: Grafana itself is in no package, and a panel that asks for a label that
was renamed is an empty picture, not an error.

Each series of its expressions and variables is one of src/watch/metrics.def, each label is that series' own, each value
that is asked for is a word of the sources, each {{label}} of a legend is left by the expression; and promtool takes each
expression as PromQL. Exit status 77: there is no promtool.   tools/test_grafana.py
"""
import json
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import metrics_doc

ROOT = Path(__file__).resolve().parent.parent
BOARD = ROOT / "contrib/grafana/weir.json"
# What Prometheus puts to each series, and Grafana's own.
OF_ALL = {"instance", "job"}
VARIABLES = {"$__rate_interval": "1m", "$__range": "1h", "$__interval": "15s"}


def series():
    """{name of samples: its labels}"""
    found = {}
    for name, kind, labels, _ in metrics_doc.declared() + metrics_doc.plain_counters():
        labels = {label for label in labels.split(",") if label} | OF_ALL
        if kind == "histogram":
            found.update({f"{name}_bucket": labels | {"le"}, f"{name}_sum": labels, f"{name}_count": labels})
        else:
            found[name] = labels
    return found


def expressions(board):
    """[(where, expression, legend)]"""
    for panel in board["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"], target["legendFormat"]
    for mark in board["annotations"]["list"]:
        yield mark["name"], mark["expr"], mark["titleFormat"]


def selectors(expr):
    """[(series, [(label, operator, value)])] of an expression."""
    for match in re.finditer(r"\b((?:weir|process)_\w+)(?:\{([^}]*)\})?", expr):
        yield match.group(1), re.findall(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"', match.group(2) or "")


def words_of_sources():
    words = set()
    for path in (p for ext in ("*.c", "*.h", "*.def") for p in (ROOT / "src").rglob(ext)):
        if not path.name.startswith("test_"):
            words.update(re.findall(r'"([\w-]+)"', path.read_text(encoding="utf-8")))
    return words


class Grafana(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.board = json.loads(BOARD.read_text(encoding="utf-8"))
        cls.all = list(expressions(cls.board))
        cls.known = series()

    def test_there_are_expressions(self):
        self.assertGreater(len(self.all), 40)
        self.assertGreater(len(self.known), 80)

    def test_each_series_has_the_labels_that_are_asked_of_it(self):
        words = words_of_sources()
        for where, expr, _ in self.all:
            asked = list(selectors(expr))
            self.assertTrue(asked, f"{where}: {expr}: no series")
            for name, matchers in asked:
                self.assertIn(name, self.known, f"{where}: no such series")
                for label, _, value in matchers:
                    self.assertIn(label, self.known[name], f"{where}: {name} has no such label")
                    for word in value.split("|"):
                        self.assertTrue(word.startswith("$") or word in words, f"{where}: {name}: no {label} is {word}")

    def test_what_is_summed_by_and_shown_is_there(self):
        for where, expr, legend in self.all:
            had = set.union(*(self.known[name] for name, _ in selectors(expr)))
            for group in re.findall(r"\bby \(([^)]*)\)", expr):
                asked = {label.strip() for label in group.split(",")}
                self.assertLessEqual(asked, had, f"{where}: {expr}")
                had = asked
            self.assertLessEqual(set(re.findall(r"\{\{\s*(\w+)\s*\}\}", legend)), had, f"{where}: {expr}: {legend}")

    def test_variables_are_of_labels_that_there_are(self):
        names = {variable["name"] for variable in self.board["templating"]["list"]}
        text = json.dumps(self.board)
        used = set(re.findall(r"\$\{?(\w+)", text))
        self.assertLessEqual(used, names | {name[1:] for name in VARIABLES})
        for variable in self.board["templating"]["list"]:
            if variable["type"] != "query":
                continue
            match = re.fullmatch(r"label_values\((\w+)(?:\{([^}]*)\})?, (\w+)\)", variable["query"]["query"])
            self.assertTrue(match, variable["query"]["query"])
            asked = set(re.findall(r"(\w+)=", match.group(2) or "")) | {match.group(3)}
            self.assertLessEqual(asked, self.known[match.group(1)], variable["name"])

    def test_promtool_takes_each_as_promql(self):
        rules = []
        for i, (_, expr, _) in enumerate(self.all):
            for name, value in VARIABLES.items():
                expr = expr.replace(name, value)
            rules.append({"record": f"panel:{i}", "expr": re.sub(r"\$\w+", "x", expr)})
        with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
            # JSON is YAML.
            json.dump({"groups": [{"name": "panels", "rules": rules}]}, file)
            file.flush()
            done = subprocess.run(["promtool", "check", "rules", file.name], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(f"{len(rules)} rules found", done.stdout)


if __name__ == "__main__":
    if not shutil.which("promtool"):
        print("weir: there is no promtool; tools/packages test installs it")
        sys.exit(77)
    unittest.main()
