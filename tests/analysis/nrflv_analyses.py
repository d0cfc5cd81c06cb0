"""For the tests of nrflv-analyze as a whole: sessions of tiny recordings, analysing copies of them, and what has to hold then."""

import json
import os
import shutil
import subprocess
import sys

try:
    import h5py
    import numpy as np
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

sys.path.insert(0, os.path.join(os.environ["NRFLV_SOURCE_DIR"], "tests", "record"))

from nrflv_records import FILES, Recordings  # noqa: E402
from nrflv_runs import BUILD, check, same_bytes  # noqa: E402

ANALYZE = BUILD / "nrflv-analyze"
KINDS = [name for name in FILES if name != "observeCIFAR10"]
CHANNELS = 8  # of the model
VARIABLES = ["--record_variables", "state", "momentum"]
LONG = ["--exp_pre_steps", "40", "--exp_stim_steps", "48", "--exp_post_steps", "24", *VARIABLES]
SHORT = ["--exp_pre_steps", "20", "--exp_stim_steps", "24", "--exp_post_steps", "12", *VARIABLES]
MODELS = {  # sessions, and how each is recorded
    "good": [  # all experiments, just_angle all round the circle
        [*LONG, "--experiments", "just_angle", "--record_images", *map(str, range(0, 128, 8))],
        [*LONG, "--experiments", *[name for name in KINDS if name != "just_angle"], "--record_images", "0-3", "32-35", "64-67",
         "96-99"]],
    "one": [[*SHORT, "--record_images", "5"]],  # image of each experiment
    "corner": [[*SHORT, "--record_images", "0-3", "--record_region", "0-2", "0-2"]],  # places without the centre
}
PREFERENCES = "find_orientation_preferences"  # reads just_angle
PNG_END = b"IEND\xaeB`\x82"
SYNCHRONY = {  # an analysis each that reads only the recording
    "just_angle_few_angles": "synchrony_experiment1_overlapping_rec_fields",
    "fewlocs_and_fewerangles": "synchrony_experiment2_xcorrs",
    "long_just_fewangles": "synchrony_experiment3_xcorrs",
}


class Session:
    """A copy of a session's recordings, to be damaged, and the results of analysing it."""

    def __init__(self, place, name, model="good"):
        self.place = place
        self.folder = place.directory / "sessions" / name
        self.results = place.directory / "results" / name
        shutil.copytree(place.session_of(model), self.folder)

    def file(self, name, ending=".nwb"):
        return self.folder / f"{FILES[name]}{ending}"

    def analyse(self, *arguments, status=0, gnuplot=False):
        """Quickly, without gnuplot."""
        done = analyze(self.place, "--root_path", self.folder, "--results_dir", "results", *arguments, gnuplot=gnuplot)
        check(done.returncode == status, f"{self.folder.name}: ended with {done.returncode}, not {status}:\n{done.stdout}{done.stderr}")
        return done

    def record(self, analysis):
        return json.loads((self.results / analysis / "step.json").read_text())

    def states(self):
        return {p.parent.name: json.loads(p.read_text())["state"] for p in self.results.glob("*/step.json")}

    def forget(self):
        shutil.rmtree(self.folder)
        shutil.rmtree(self.results, ignore_errors=True)


def analyze(place, *arguments, gnuplot=False):
    environment = dict(os.environ)
    if not gnuplot:
        environment["PATH"] = str(place.directory)
    return subprocess.run([ANALYZE, *map(str, arguments)], cwd=place.directory, text=True, capture_output=True, check=False,
                          env=environment, timeout=300)


def lines(done, warnings=False):
    """The errors, or the warnings, that are told."""
    told = [line for line in done.stderr.splitlines() if line.startswith("nrflv-analyze: ")]
    return [line for line in told if line.startswith("nrflv-analyze: warning: ") == warnings]


def expect_error(done, *words):
    told = lines(done)
    check(len(told) == 1, f"not one line of error:\n{done.stderr}")
    for word in words:
        check(str(word) in told[0], f"'{word}' is not in: {told[0]}")


def expect_warning(done, *words):
    check(any(all(str(word) in line for word in words) for line in lines(done, warnings=True)), f"no warning of {words}:\n{done.stderr}")


def all_well(session, done):
    """Nothing failed, and nothing claims to be finished that is not there."""
    states = session.states()
    check(states and set(states.values()) <= {"done", "skipped", "blocked"}, f"{states}")
    check(not lines(done), f"an error: {done.stderr}")
    for name, state in states.items():
        if state != "done":
            check(session.record(name)["message"], f"{name} is {state}, and nobody knows why")
    tables_of_the_done_are_there(session)


def tables_of_the_done_are_there(session):
    for name, state in session.states().items():
        for table in session.record(name)["tables"] if state == "done" else []:
            with h5py.File(session.results / name / f"{table['name']}.h5") as f:
                check(f["table"].attrs["rows"] == table["rows"], f"{name}: {table['name']} is not complete")


def same_numbers(one, other, what):
    """In all data sets; the provenance beside them may differ."""
    def numbers(path):
        found = {}
        with h5py.File(path) as f:
            f.visititems(lambda name, item: found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None)
        return {name: np.asarray(value).tobytes() for name, value in found.items()}
    check(numbers(one) == numbers(other), f"{what}: other numbers")


def done_as_in(session, undisturbed):
    """What is marked as done is what an undisturbed run leaves: every table and file, and scripts and data of every figure."""
    for name in [name for name, state in session.states().items() if state == "done"]:
        record, whole = session.record(name), undisturbed.record(name)
        for part in ("tables", "files", "numbers", "notes"):
            check(record[part] == whole[part], f"{name}: other {part}: {record[part]}")
        for figure in record["figures"]:
            picture = session.results / name / f"{figure['name']}.png"
            check(not figure["drawn"] or picture.read_bytes().endswith(PNG_END), f"{name}: {figure['name']} is half drawn")
        for path in (p for p in (undisturbed.results / name).rglob("*") if p.is_file() and p.name != "step.json"):
            own = session.results / path.relative_to(undisturbed.results)
            check(own.is_file(), f"{name}: {own.name} is missing")
            if path.suffix == ".h5":
                same_numbers(own, path, f"{name}: {own.name}")
            else:
                same_bytes(own, path, name)


def images_of(file, variable):
    """The data sets of one variable."""
    group = file[f"processing/{variable}_1"]
    return [group[name]["data"] for name in sorted(group) if name.startswith("image_")]


def change(path, edit):
    with h5py.File(path, "r+") as f:
        edit(f)


class Analyses(Recordings):
    """Sessions of MODELS, each recorded when it is first asked for."""

    def __init__(self):
        if not ANALYZE.exists():
            print("skipped: nrflv-analyze is not built")
            sys.exit(77)
        super().__init__()
        (self.directory / "sessions").mkdir()

    def session_of(self, model):
        if not self.folder(model).exists():
            for arguments in MODELS[model]:
                self.experiment("--model_name", model, *arguments)
        return self.folder(model)

    def reference(self):
        session = Session(self, "reference")
        all_well(session, session.analyse())
        return session
