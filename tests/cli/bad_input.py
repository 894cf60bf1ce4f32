#!/usr/bin/env python3
"""What framelift does with bad files, bad options and interruptions.

    tests/cli/bad_input.py FRAMELIFT [--table] [--only REGEX] [--except REGEX] [--keep]

For a job that must fail: an exit code that is neither 0 nor a crash, one line on stderr that says what is wrong, nothing
under the output's name, no temporary file left. For a job that must work on odd input: exit code 0 and a playable
output. Cases this machine cannot stage are listed as skipped. --table prints a Markdown table.
"""

import argparse
import pathlib
import re
import shutil
import sys
import tempfile

import compare_cases  # noqa: F401 (registers its cases)
import compress_cases  # noqa: F401
import config_cases  # noqa: F401
import dataset_cases  # noqa: F401
import decompress_cases  # noqa: F401
import exr_cases  # noqa: F401
import input_cases  # noqa: F401
import expand_cases  # noqa: F401
import hdr_cases  # noqa: F401
import light_cases  # noqa: F401
import weight_cases  # noqa: F401
import output_cases  # noqa: F401
import profile_cases  # noqa: F401
import onnx_cases  # noqa: F401
import segment_cases  # noqa: F401
import option_cases  # noqa: F401
import quantize_cases  # noqa: F401
import train_cases  # noqa: F401
import train_run_cases  # noqa: F401
from sandbox import CASES, GOLDEN, Sandbox, Skip, Wrong


def shown(text):
    text = " / ".join(line.strip() for line in text.split("\n") if line.strip())
    return text.replace("|", "\\|")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary", type=lambda p: pathlib.Path(p).resolve())
    parser.add_argument("--table", action="store_true", help="print a Markdown table of all cases")
    parser.add_argument("--only", default="", help="regular expression on the case's name")
    parser.add_argument("--except", dest="left_out", default="(?!)", help="regular expression on the names of cases to leave out")
    parser.add_argument("--keep", action="store_true", help="keep the working folders of failed cases")
    options = parser.parse_args()

    counts = {"passed": 0, "failed": 0, "skipped": 0}
    if options.table:
        print("| case | result | exit code | message |\n|---|---|---|---|")
    for name, run in CASES:
        if not re.search(options.only, name) or re.search(options.left_out, name):
            continue
        folder = pathlib.Path(tempfile.mkdtemp(prefix="framelift-cli-"))
        sandbox, why = Sandbox(options.binary, folder), ""
        try:
            run(sandbox)
            outcome = "passed"
        except Skip as skip:
            outcome, why = "skipped", str(skip)
        except (Wrong, RuntimeError) as wrong:
            outcome, why = "failed", str(wrong)
        counts[outcome] += 1
        message = sandbox.message.replace(str(folder) + "/", "").replace(str(GOLDEN) + "/", "")
        if options.table:
            print(f"| {name} | {outcome}{': ' + shown(why) if why else ''} | "
                  f"{'' if sandbox.code is None else sandbox.code} | {shown(message)} |", flush=True)
        elif outcome != "passed":
            print(f"{outcome.upper()}: {name}: {why}\n    exit code {sandbox.code}, stderr: {message or '(empty)'}", flush=True)
        if options.keep and outcome == "failed":
            print(f"    kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    print(f"\n{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    sys.exit(1 if counts["failed"] else 0)


if __name__ == "__main__":
    main()
