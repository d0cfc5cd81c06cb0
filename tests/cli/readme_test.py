"""README.md shows the options as the program has them, and names only files that are there."""

import os
import pathlib
import re
import subprocess
import sys

SOURCE = pathlib.Path(os.environ["NRFLV_SOURCE_DIR"])
BUILD = pathlib.Path(os.environ["NRFLV_BUILD_DIR"])


def main():
    readme = (SOURCE / "README.md").read_text()
    problems = []

    help_text = subprocess.run([BUILD / "nrflv", "--help"], capture_output=True, text=True, check=True,
                               stdin=subprocess.DEVNULL, env={**os.environ, "COLUMNS": ""}).stdout
    if f"```text\n{help_text}```" not in readme:
        problems.append("the options in README.md are not what `nrflv --help` prints: paste it again")

    for target in re.findall(r"\]\(([^)#:]+)\)", readme):
        if not (SOURCE / target).exists():
            problems.append(f"README.md links to {target}, which is not there")
    for path in re.findall(r"`((?:scripts|bench|tests|src|include|cmake|kernels|data)/[\w./-]+)`", readme):
        if not (SOURCE / path).exists():
            problems.append(f"README.md speaks of {path}, which is not there")

    print("\n".join(problems))
    sys.exit(1 if problems else 0)


main()
