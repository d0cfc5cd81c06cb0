"""Runs every analysis of a session as a process of its own; prints what each took.

    time_analyses.py build/nrflv-analyze --root_path DIR --results_dir DIR [--threads N]     (all but --steps)
"""

import os
import pathlib
import re
import subprocess
import sys
import time

ENDED = re.compile(r"^(\S+): (done, .*|skipped: .*|blocked: .*|failed: .*)$", re.MULTILINE)
SECONDS = re.compile(r", ([0-9.]+) s$")


def run(command):
    """Standard error; seconds of wall and of processor, and the largest process in MiB."""
    start = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    text = process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return text, time.monotonic() - start, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def names_of(program):
    listed = subprocess.run([program, "--list"], stdout=subprocess.PIPE, text=True, check=True).stdout
    return [line for line in listed.splitlines() if line and not line.startswith(" ")]


def size_of(folder):
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def main(command):
    results = pathlib.Path(command[command.index("--results_dir") + 1])
    session = pathlib.Path(command[command.index("--root_path") + 1]).name
    names = names_of(command[0])
    width = max(map(len, names))
    line = f"{{:{width}}} {{:>8}} {{:>9}} {{:>6}} {{:>9}}  {{}}"
    print(line.format("analysis", "seconds", "processor", "MiB", "MB left", "result"))
    total, most = [0.0, 0.0], 0.0
    for name in names:
        text, wall, processor, peak = run(command + ["--steps", name])
        ended = [result for finished, result in ENDED.findall(text.replace("\r", "\n")) if finished == name]
        result = ended[-1] if ended else text.strip().splitlines()[-1]
        said = SECONDS.search(result)
        seconds = float(said.group(1)) if said else wall
        left = size_of(results / session / name) / 1e6
        print(line.format(name, f"{seconds:.1f}", f"{processor:.1f}", f"{peak:.0f}", f"{left:.1f}", result[:60]), flush=True)
        total = [total[0] + seconds, total[1] + processor]
        most = max(most, peak)
    print(line.format("all", f"{total[0]:.1f}", f"{total[1]:.1f}", f"{most:.0f}",
                      f"{size_of(results / session) / 1e6:.1f}", "of it report.html: "
                      f"{(results / session / 'report.html').stat().st_size / 1e6:.1f} MB"))


if __name__ == "__main__":
    main(sys.argv[1:])
