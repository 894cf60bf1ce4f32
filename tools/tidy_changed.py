#!/usr/bin/env python3
"""Runs clang-tidy (.clang-tidy) on the .cpp files changed against origin/main, or in the last commit if that is it.

    tools/tidy_changed.py BUILD_DIR [--seconds N] [--all]

Stops starting new files after N seconds (default 240) and names what it did not reach; those are not counted as clean.
"""

import argparse
import concurrent.futures
import os
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent


def git(*words):
    result = subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True)
    return result.stdout.strip() if result.returncode == 0 else None


def changed_files():
    head = git("rev-parse", "HEAD")
    base = git("merge-base", "HEAD", "origin/main")
    if base is None or base == head:
        base = git("rev-parse", "HEAD~1")
    if base is None:
        return []
    names = git("diff", "--name-only", "--diff-filter=d", base) or ""
    new = git("ls-files", "--others", "--exclude-standard") or ""
    return sorted(set(names.split("\n")) | set(new.split("\n")))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--seconds", type=float, default=240)
    parser.add_argument("--all", action="store_true", help="every file of src/ and apps/")
    options = parser.parse_args()
    if options.all:
        names = [str(p.relative_to(ROOT)) for d in ("src", "apps") for p in (ROOT / d).rglob("*.cpp")]
    else:
        names = changed_files()
    # Tests are left out: the test framework's macros take most of the time and hide what the checks look for.
    files = [n for n in names if n.endswith(".cpp") and n.startswith(("src/", "apps/"))
             and not n.endswith(("_test.cpp", "_bench.cpp"))]
    deadline = time.monotonic() + options.seconds

    def tidy(name):
        if time.monotonic() > deadline:
            return name, None
        return name, subprocess.run(["clang-tidy", "-quiet", "-p", options.build, ROOT / name], capture_output=True,
                                    text=True)

    bad, unreached = 0, []
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for name, result in pool.map(tidy, files):
            if result is None:
                unreached.append(name)
            elif result.returncode != 0:
                bad += 1
                print(result.stdout.strip() or result.stderr.strip())
    print(f"clang-tidy: {len(files) - len(unreached) - bad} clean, {bad} with findings, {len(unreached)} not reached"
          + (": " + " ".join(unreached) if unreached else ""))
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
