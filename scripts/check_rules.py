#!/usr/bin/env python3
"""Checks the rules of the house that can be searched for; run from anywhere, exit status 1 if one is broken.

    check_rules.py [ROOT]        ROOT: the repository, default the one this file is in

* Floors: a file in src/, include/nrflv/ or kernels/ includes only its own floor and those below.
* Licences: GPL libraries are for src/analysis/ alone, and what the analyses offer is not for src/managers/, which nrflv links.
* No tabs, no blanks at the end of a line, a newline at the end of the file, no carriage returns.
* No note to the future without an issue: TODO(#12).
* No path of somebody's own machine.
"""

import pathlib
import re
import subprocess
import sys

FLOORS = {
    "base": 0,
    "io": 1,
    "backend": 2,
    "kernels": 2,
    "graph": 3,
    "model": 4,
    "stimulus": 4,
    "sampler": 5,
    "extract": 5,
    "managers": 6,
    "analysis": 6,
    "cli": 7,
    "tools": 8,  # developer's programs: may use everything
}

# A public header belongs to the room of the same name (backend.h) or of its .c files (png_grid.c; settings_table.c
# for settings.h); one in a folder (analysis/peaks.h) to the room of the folder's name. These have none.
ROOM_OF_HEADER = {
    "activation.h": "base",
    "compute.h": "backend",
    "elementwise.h": "backend",
    "rng.h": "base",
}

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*[<"]([^>"]+)[>"]', re.MULTILINE)
GPL_HEADER = re.compile(r"gsl/|fftw3")
NOTE = re.compile(r"\b(?:TODO|FIXME|XXX)\b(?!\(#\d+\))")
MACHINE_PATH = re.compile(r"(?<![\w.$}/])/(?:home|root|work|Users|mnt|scratch)/\w")
SOURCES = {".c", ".h", ".cu", ".cuh"}
TABS_ALLOWED = {".mk", ".gz"}


def tracked_files(root):
    """The files git knows or would add; outside a repository (the tests of this program), all files."""
    listed = subprocess.run(
        ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True, text=True, check=False,
    )
    if listed.returncode == 0:
        names = [name for name in listed.stdout.split("\0") if name]
    else:
        names = [path.relative_to(root).as_posix() for path in root.rglob("*")]
    return sorted(pathlib.PurePosixPath(name) for name in names if (root / name).is_file())


def room_of_source(path):
    """The room of a file in src/ or kernels/; None for other files."""
    if path.parts[0] == "src" and len(path.parts) > 2:
        return path.parts[1]
    if path.parts[0] == "kernels" and len(path.parts) > 1:
        return "kernels"
    return None


class Floors:
    """Which room each file belongs to, and where an include leads."""

    def __init__(self, files):
        self.files = set(files)
        self.problems = []
        self.rooms = {}
        sources = []
        for path in files:
            room = room_of_source(path)
            if room is None or path.suffix not in SOURCES:
                continue
            if room not in FLOORS:
                self.problems.append((path, 1, f"src/{room}/ is on no floor: add it to FLOORS in scripts/check_rules.py"))
                continue
            self.rooms[path] = room
            if path.suffix in {".c", ".cu"} and room != "tools":
                sources.append((path.stem, room))
        for path in files:
            if path.parts[:2] == ("include", "nrflv"):
                self.place_header(path, sources)

    def place_header(self, path, sources):
        stem = path.stem
        if len(path.parts) > 3:
            rooms = {path.parts[2]} & FLOORS.keys()
        elif path.name in ROOM_OF_HEADER:
            rooms = {ROOM_OF_HEADER[path.name]}
        elif stem in FLOORS:
            rooms = {stem}
        else:
            rooms = {room for name, room in sources if name == stem}
            rooms = rooms or {room for name, room in sources if name.startswith(stem + "_")}
        if len({FLOORS[room] for room in rooms}) == 1:
            self.rooms[path] = min(rooms)
        else:
            found = "no .c file of this name" if not rooms else "files of this name in " + ", ".join(sorted(rooms))
            self.problems.append((path, 1, f"{found}: name its room in ROOM_OF_HEADER in scripts/check_rules.py"))

    def resolve(self, path, name):
        """The file an include means, or None if it is not ours."""
        candidates = [path.parent / name, pathlib.PurePosixPath("src") / name, pathlib.PurePosixPath("include") / name,
                      pathlib.PurePosixPath(name)]
        return next((candidate for candidate in candidates if candidate in self.files), None)

    def check(self, path, text):
        room = self.rooms.get(path)
        if room is None:
            return
        for match in INCLUDE.finditer(text):
            name = match.group(1)
            target = self.resolve(path, name)
            line = text.count("\n", 0, match.start()) + 1
            if GPL_HEADER.match(name) and room != "analysis":
                self.problems.append((path, line, f"{room}/ includes {name}, which is GPL"))
            if target is None:
                if name.startswith("nrflv/"):
                    self.problems.append((path, line, f"there is no {name}"))
                continue
            theirs = self.rooms.get(target)
            if theirs == "analysis" and room == "managers":
                self.problems.append((path, line, f"managers/ includes {name} of analysis/, which links GPL libraries"))
            if theirs is not None and FLOORS[theirs] > FLOORS[room]:
                self.problems.append(
                    (path, line, f"{room}/ (floor {FLOORS[room]}) includes {name} of {theirs}/ (floor {FLOORS[theirs]})")
                )


def check_text(path, text):
    """Yields (line, what) for the rules every text file keeps."""
    for number, line in enumerate(text.split("\n"), start=1):
        if "\r" in line:
            yield number, "carriage return"
        elif line != line.rstrip():
            yield number, "blank at the end of the line"
        if "\t" in line and path.suffix not in TABS_ALLOWED:
            yield number, "tab"
        if NOTE.search(line) and path.name != "check_rules.py":
            yield number, "note to the future without an issue: write TODO(#12)"
        if MACHINE_PATH.search(line):
            yield number, "path of somebody's own machine"
    if text and not text.endswith("\n"):
        yield text.count("\n") + 1, "no newline at the end of the file"


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent).resolve()
    files = tracked_files(root)
    floors = Floors(files)
    problems = []
    for path in files:
        data = (root / path).read_bytes()
        if b"\0" in data:
            continue  # not text
        text = data.decode("utf-8", errors="replace")
        problems += [(path, line, what) for line, what in check_text(path, text)]
        floors.check(path, text)
    problems += floors.problems
    for path, line, what in sorted(problems):
        print(f"{path}:{line}: {what}")
    print(f"{len(files)} files, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
