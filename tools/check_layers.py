#!/usr/bin/env python3
"""Checks the rules that keep the source tree readable; prints every violation and exits with 1 if there is one.

- An include points to its own layer or to one that the layer's framelift_layer() call in CMakeLists.txt reaches through
  NEEDS; NEEDS names earlier layers only. That file is the one place where the order of the layers is written down.
- No cycle of includes between layers, none between files.
- At most 25 source files in a folder (tests and benchmarks beside the code not counted), 600 lines in a file.
- preprocess/, postprocess/ and pipeline/ do not know any network by name (tests excepted).
- Headers have `#pragma once` (but not Highway's *-inl.h, which are meant to be read once per instruction set).

    tools/check_layers.py [--root DIR] [--self-test]
"""

import argparse
import pathlib
import re
import sys
import tempfile
import unittest

MAX_FILES_IN_FOLDER = 25
MAX_LINES_IN_FILE = 600
CODE = {".h", ".hpp", ".cpp", ".cc", ".c", ".cu", ".cuh", ".py", ".sh"}
HEADERS = {".h", ".hpp", ".cuh"}
FOLDERS = ("include", "src", "apps", "integrations", "tests", "bench", "tools")
NETWORK_FREE_LAYERS = ("preprocess", "postprocess", "pipeline")
NETWORK_NAMES = re.compile(
    r"srvgg|rrdb|esrgan|animevideo|x4v3|x4plus|x2plus|hdrtvnet|agcm|hinerv|deeplab|expandnet|hdrnet|mobilenet", re.I)
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)
GUARD = re.compile(r"^#pragma once$|^#ifndef \w+_H$", re.M)  # the C interface has a classic include guard
TEST_FILE = re.compile(r"_(test|bench|for_test|test_support)$")
KEYWORDS = {"NEEDS", "LINK", "SUBDIRS", "FFMPEG_TESTS"}


def read_layers(cmake_text):
    """{layer: needed layers} in the order of the framelift_layer() calls."""
    layers = {}
    for call in re.findall(r"^\s*framelift_layer\(([^)]*)\)", re.sub(r"#.*", "", cmake_text), re.M):
        words = call.split()
        needs, keyword = [], None
        for word in words[1:]:
            if word in KEYWORDS:
                keyword = word
            elif keyword == "NEEDS":
                needs.append(word)
        layers[words[0]] = needs
    return layers


def reachable(layers, name):
    seen, todo = {name}, [name]
    while todo:
        for need in layers.get(todo.pop(), []):
            if need not in seen:
                seen.add(need)
                todo.append(need)
    return seen


def find_cycle(edges):
    """One cycle of a directed graph {node: nodes} as a list with its first node repeated, or None."""
    done, path = set(), []

    def visit(node):
        if node in path:
            return path[path.index(node):] + [node]
        if node in done:
            return None
        path.append(node)
        for following in sorted(edges.get(node, ())):
            cycle = visit(following)
            if cycle:
                return cycle
        path.pop()
        done.add(node)
        return None

    for node in sorted(edges):
        cycle = visit(node)
        if cycle:
            return cycle
    return None


def check(root):
    problems = []
    layers = read_layers((root / "CMakeLists.txt").read_text())
    if not layers:
        return ["CMakeLists.txt: no framelift_layer() call found"]
    order = list(layers)
    for name, needs in layers.items():
        for need in needs:
            if need not in order[: order.index(name)]:
                problems.append(f"CMakeLists.txt: layer {name} needs {need}, which is not declared before it")

    files = sorted(p for folder in FOLDERS for p in (root / folder).rglob("*")
                   if p.is_file() and p.suffix in CODE and "__pycache__" not in p.parts)
    folders = {}
    for path in files:
        if not TEST_FILE.search(path.stem):
            folders.setdefault(path.parent, []).append(path)
    for folder, members in sorted(folders.items()):
        if len(members) > MAX_FILES_IN_FOLDER:
            problems.append(f"{folder.relative_to(root)}: {len(members)} source files, at most {MAX_FILES_IN_FOLDER}")

    src = root / "src"
    file_edges, layer_edges = {}, {}
    for path in files:
        text = path.read_text(errors="replace")
        shown = path.relative_to(root)
        lines = text.count("\n")
        if lines > MAX_LINES_IN_FILE:
            problems.append(f"{shown}: {lines} lines, at most {MAX_LINES_IN_FILE}")
        if path.suffix in HEADERS and not path.stem.endswith("-inl") and not GUARD.search(text):
            problems.append(f"{shown}: no #pragma once")
        if src not in path.parents:
            continue
        parts = path.relative_to(src).parts
        layer = parts[0]
        if len(parts) == 1:
            problems.append(f"{shown}: not in a layer")
            continue
        if layer not in layers:
            problems.append(f"{shown}: layer {layer} has no framelift_layer() call in CMakeLists.txt")
            continue
        is_test = TEST_FILE.search(path.stem) is not None
        if layer in NETWORK_FREE_LAYERS and not is_test:
            found = NETWORK_NAMES.search(text)
            if found:
                line = text.count("\n", 0, found.start()) + 1
                problems.append(f"{shown}:{line}: names a network ({found.group()}); ask the contract instead")
        allowed = reachable(layers, layer)
        for match in INCLUDE.finditer(text):
            target = match.group(1)
            line = text.count("\n", 0, match.start()) + 1
            included = src / target
            if not included.exists():
                if (path.parent / target).exists():
                    problems.append(f'{shown}:{line}: "{target}": includes are written from src/')
                continue
            file_edges.setdefault(str(path.relative_to(src)), set()).add(target)
            other = pathlib.PurePath(target).parts[0]
            if other != layer:
                layer_edges.setdefault(layer, set()).add(other)
            if other not in allowed:
                problems.append(f'{shown}:{line}: includes "{target}", but layer {layer} reaches only '
                                f'{", ".join(name for name in order if name in allowed)}')
    for what, edges in (("layers", layer_edges), ("files", file_edges)):
        cycle = find_cycle(edges)
        if cycle:
            problems.append(f"include cycle between {what}: {' -> '.join(cycle)}")
    return problems


class SelfTest(unittest.TestCase):
    """Proves that each rule can fail."""

    CMAKE = "framelift_layer(base LINK x)\nframelift_layer(graph NEEDS base)\nframelift_layer(pipeline NEEDS graph)\n"

    def problems(self, files, cmake=CMAKE):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for name, text in {"CMakeLists.txt": cmake, **files}.items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(text)
            return check(root)

    def assert_one(self, needle, files, **options):
        problems = self.problems(files, **options)
        self.assertEqual(len(problems), 1, problems)
        self.assertIn(needle, problems[0])

    def test_good_tree(self):
        good = {"src/base/a.h": "#pragma once\n", "src/graph/b.h": '#pragma once\n#include "base/a.h"\n',
                "src/pipeline/c.cpp": '#include "base/a.h"\n#include "graph/b.h"\n#include <vector>\n'}
        self.assertEqual(self.problems(good), [])

    def test_include_against_the_river(self):
        self.assert_one("layer base reaches only base", {
            "src/graph/b.h": "#pragma once\n", "src/base/a.cpp": '#include "graph/b.h"\n'})

    def test_needs_of_a_later_layer(self):
        self.assert_one("not declared before", {}, cmake="framelift_layer(a NEEDS b)\nframelift_layer(b)\n")

    def test_unknown_layer(self):
        self.assert_one("no framelift_layer() call", {"src/new/a.cpp": "\n"})

    def test_too_long(self):
        self.assert_one("601 lines", {"src/base/a.cpp": "\n" * 601})

    def test_too_many_files(self):
        self.assert_one("26 source files", {f"apps/x/{i}.cpp": "\n" for i in range(26)})
        self.assertEqual(self.problems({f"apps/x/{i}_test.cpp": "\n" for i in range(26)}), [])

    def test_network_name(self):
        self.assert_one("pipeline/a.cpp:2: names a network", {
            "src/pipeline/a.cpp": "\nif (name == \"SRVGG\") {}\n", "src/pipeline/a_test.cpp": "// srvgg\n"})

    def test_file_cycle(self):
        self.assert_one("between files", {
            "src/base/a.h": '#pragma once\n#include "base/b.h"\n', "src/base/b.h": '#pragma once\n#include "base/a.h"\n'})

    def test_layer_cycle(self):
        problems = self.problems({
            "src/base/a.h": '#pragma once\n#include "graph/b.h"\n', "src/graph/b.h": "#pragma once\n",
            "src/graph/c.h": '#pragma once\n#include "base/d.h"\n', "src/base/d.h": "#pragma once\n"})
        self.assertTrue(any("between layers: base -> graph -> base" in p for p in problems), problems)

    def test_no_pragma_once(self):
        self.assert_one("no #pragma once", {"src/base/a.h": "int x;\n"})

    def test_relative_include(self):
        self.assert_one("written from src/", {"src/base/a.h": "#pragma once\n", "src/base/a.cpp": '#include "a.h"\n'})


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent.parent)
    parser.add_argument("--self-test", action="store_true")
    options = parser.parse_args()
    if options.self_test:
        suite = unittest.defaultTestLoader.loadTestsFromTestCase(SelfTest)
        sys.exit(not unittest.TextTestRunner().run(suite).wasSuccessful())
    problems = check(options.root)
    for problem in problems:
        print(f"check_layers: {problem}")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
