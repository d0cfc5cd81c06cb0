"""Runs the scripts of tests/cli/cases/: what nrflv is told, and what it must answer.

A case is a file NAME.case. Lines beginning with "$ " are shell commands, run one after the other in one
temporary directory, with nrflv on the PATH; what they must answer follows:

    # a remark
    $ nrflv --lrr 3
    ? 2                 exit status; 0 if left out
    > text              a line of standard output; * stands for anything, as in file names
    ! text              a line of standard error
    > ...               any number of lines (also ! ...)

Without > or ! lines nothing may be printed there.
"""

import fnmatch
import os
import pathlib
import subprocess
import sys
import tempfile

CASES = pathlib.Path(os.environ["NRFLV_SOURCE_DIR"]) / "tests" / "cli" / "cases"
SECONDS = 120


class Step:
    def __init__(self, line, command):
        self.line, self.command = line, command
        self.status, self.out, self.err = 0, [], []


def read_case(path):
    steps = []
    for number, text in enumerate(path.read_text().splitlines(), start=1):
        mark, rest = text[:1], text[2:]
        if mark in ("", "#"):
            continue
        if mark == "$":
            steps.append(Step(number, rest))
        elif mark == "?" and steps:
            steps[-1].status = int(rest)
        elif mark == ">" and steps:
            steps[-1].out.append(rest)
        elif mark == "!" and steps:
            steps[-1].err.append(rest)
        else:
            raise SystemExit(f"{path}:{number}: not a line of a case: {text}")
    return steps


def literal_brackets(pattern):
    """Square brackets are common in our messages; only * is a wildcard."""
    return pattern.replace("[", "[[]").replace("?", "[?]")


def matches(lines, patterns):
    if not patterns:
        return not lines
    if patterns[0] == "...":
        return any(matches(lines[i:], patterns[1:]) for i in range(len(lines) + 1))
    return bool(lines) and fnmatch.fnmatchcase(lines[0], literal_brackets(patterns[0])) and matches(lines[1:], patterns[1:])


def run_case(path):
    """Problems found, as text; empty if the case passes."""
    problems = []
    environment = dict(os.environ, PATH=os.environ["NRFLV_BUILD_DIR"] + os.pathsep + os.environ["PATH"], COLUMNS="100")
    with tempfile.TemporaryDirectory() as directory:
        for step in read_case(path):
            done = subprocess.run(["bash", "-c", step.command], cwd=directory, env=environment, capture_output=True,
                                  stdin=subprocess.DEVNULL, text=True, timeout=SECONDS, check=False)
            where = f"{path.name}:{step.line}: {step.command}"
            if done.returncode != step.status:
                problems.append(f"{where}\n  exit status {done.returncode}, not {step.status}")
            for name, got, wanted in (("output", done.stdout, step.out), ("errors", done.stderr, step.err)):
                if not matches(got.splitlines(), wanted):
                    problems.append(f"{where}\n  {name}:\n" + "\n".join("    " + line for line in got.splitlines()[:40])
                                    + "\n  wanted:\n" + "\n".join("    " + line for line in wanted))
    return problems


def main():
    paths = sorted(CASES.glob("*.case"))
    if not paths:
        raise SystemExit(f"{CASES}: no cases")
    failed = 0
    for path in paths:
        problems = run_case(path)
        print(f"{path.stem}: {'FAILED' if problems else 'ok'}")
        print("".join(problem + "\n" for problem in problems), end="")
        failed += bool(problems)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
