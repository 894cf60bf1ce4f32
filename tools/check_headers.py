#!/usr/bin/env python3
"""Compiles every header of include/ and src/ by itself: a header includes what it uses.

    tools/check_headers.py BUILD_DIR      (BUILD_DIR has compile_commands.json; compiler and include paths come from it)
"""

import concurrent.futures
import json
import os
import pathlib
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def compiler_and_flags(build):
    """The compiler and the union of all include folders and definitions of the build."""
    compiler, flags = None, []
    for entry in json.loads((build / "compile_commands.json").read_text()):
        words = shlex.split(entry["command"])
        if "ccache" in pathlib.Path(words[0]).name:
            words = words[1:]
        compiler = words[0]
        for i, word in enumerate(words):
            flag = None
            if word == "-isystem":
                flag = (word, words[i + 1])
            elif word.startswith(("-I", "-D")):
                flag = (word,)
            if flag and flag not in flags:
                flags.append(flag)
    return compiler, [word for flag in flags for word in flag]


def main():
    build = pathlib.Path(sys.argv[1])
    compiler, flags = compiler_and_flags(build)
    headers = sorted(p for folder in ("include", "src") for p in (ROOT / folder).rglob("*.h*")
                     if p.suffix in (".h", ".hpp") and not p.stem.endswith("-inl"))

    def compile_alone(header):
        language = "c" if header == ROOT / "include/framelift/framelift.h" else "c++"
        standard = "-std=c11" if language == "c" else "-std=c++20"
        # Through standard input: a header given as the main file would warn about its #pragma once.
        command = [compiler, "-x", language, standard, "-fsyntax-only", "-Wall", "-Wextra", "-Werror", *flags, "-"]
        source = f'#include "{header}"\n'
        return header, subprocess.run(command, input=source, capture_output=True, text=True, cwd=build)

    bad = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for header, result in pool.map(compile_alone, headers):
            if result.returncode != 0:
                bad += 1
                print(f"check_headers: {header.relative_to(ROOT)} does not compile alone:\n{result.stderr}")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
