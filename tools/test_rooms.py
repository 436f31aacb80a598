#!/usr/bin/env python3
"""What tools/rooms.py lets pass and what it refuses."""
import contextlib
import io
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import rooms

RULES = """# a comment
base:
core: base
sim: base   # not core, on purpose
gateway: base core
"""
PICTURE = "# Rooms\n\n```\nrooms:\nbase:\ncore:    base\nsim: base\ngateway: base core\n```\n"


class Rooms(unittest.TestCase):
    def check(self, files, rules=RULES):
        """The mistakes found in a tree of these files."""
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            for name, text in {"tools/rooms.txt": rules, "src/base/base.h": "", **files}.items():
                path = root / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            with contextlib.redirect_stdout(io.StringIO()):
                return rooms.check(root)

    def assert_refused(self, files, *parts, rules=RULES):
        mistakes = self.check(files, rules)
        self.assertEqual(len(mistakes), 1, mistakes)
        for part in parts:
            self.assertIn(part, mistakes[0])

    def test_allowed_includes_pass(self):
        self.assertEqual(self.check({
            "src/core/a.c": '#include "core/a.h"\n#include "base/base.h"\n#include <stdio.h>\n',
            "src/core/test_a.c": '#include <cmocka.h>\n#include "core/a.h"\n',
            "src/gateway/g.c": '#  include "core/a.h"\n',
            "docs/architecture.md": PICTURE,
        }), [])

    def test_an_arrow_upwards_is_refused_with_file_and_line(self):
        self.assert_refused({"src/core/a.c": '\n#include "gateway/g.h"\n'},
                            "src/core/a.c:2:", "core may include base, not gateway")

    def test_the_simulator_must_not_know_core(self):
        self.assert_refused({"src/sim/s.h": ' # include "core/a.h"\n'}, "src/sim/s.h:1:", "not core")

    def test_base_may_include_no_other_room(self):
        self.assert_refused({"src/base/b.c": '#include "core/a.h"\n'}, "no other room, not core")

    def test_tests_obey_too(self):
        self.assert_refused({"src/core/test_a.c": '#include "sim/s.h"\n'}, "test_a.c:1:")

    def test_a_list_of_declarations_obeys_too(self):
        self.assert_refused({"src/core/a.def": '#include "sim/s.h"\n'}, "a.def:1:")

    def test_a_folder_below_a_room_obeys_too(self):
        self.assert_refused({"src/core/deep/a.c": '#include "sim/s.h"\n'}, "deep/a.c:1:")

    def test_an_include_must_name_the_room(self):
        self.assert_refused({"src/core/a.c": '#include "a.h"\n'}, 'write "core/a.h"')

    def test_a_way_around_is_refused(self):
        self.assert_refused({"src/core/a.c": '#include "../sim/s.h"\n'}, "there is no room ..")

    def test_an_unknown_room_is_refused(self):
        self.assert_refused({"src/core/a.c": '#include "lease/l.h"\n'}, "no room lease")

    def test_a_folder_that_is_no_room_is_refused(self):
        self.assert_refused({"src/attic/a.c": ""}, "src/attic: is no room")

    def test_cmocka_stays_in_tests(self):
        self.assert_refused({"src/core/a.c": "#include <cmocka.h>\n"}, "only test_*.c")

    def test_a_link_against_the_picture_is_refused(self):
        self.assert_refused({"src/sim/CMakeLists.txt":
                             "weir_room(sim SOURCES s.c\n  USES base core PkgConfig::X)\n"},
                            "sim links core")

    def test_a_circle_in_the_rules_is_refused(self):
        self.assert_refused({}, "base may not use core", rules="base: core\ncore: base\n")

    def test_a_picture_that_differs_is_refused(self):
        self.assert_refused({"docs/architecture.md": PICTURE.replace("sim: base", "sim: base core")},
                            "room sim:")

    def test_a_room_missing_in_the_picture_is_refused(self):
        self.assert_refused({"docs/architecture.md": PICTURE.replace("sim: base\n", "")},
                            "room sim:")

    def test_a_document_without_the_picture_is_refused(self):
        self.assert_refused({"docs/architecture.md": "# Rooms\n```\nother\n```\n"}, "no fenced block")


if __name__ == "__main__":
    unittest.main()
