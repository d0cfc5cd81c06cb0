"""What can be wrong with recordings and with the places where results go: nrflv-analyze says what, does everything that does not
depend on it, and marks what it left out."""

import json
import os
import shutil
import subprocess
import sys
import textwrap

try:
    import h5py
    import numpy as np
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

sys.path.insert(0, os.path.join(os.environ["NRFLV_SOURCE_DIR"], "tests", "record"))

from nrflv_records import FILES, Recordings  # noqa: E402
from nrflv_runs import BUILD, check  # noqa: E402

ANALYZE = BUILD / "nrflv-analyze"
KINDS = [name for name in FILES if name != "observeCIFAR10"]
CHANNELS = 8  # of the model
STEPS = ["--exp_pre_steps", "40", "--exp_stim_steps", "48", "--exp_post_steps", "24", "--record_variables", "state", "momentum"]
STATES = ("done", "skipped", "blocked", "failed", "unfinished")
PREFERENCES = "find_orientation_preferences"  # reads just_angle
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
        shutil.copytree(place.folder(model), self.folder)

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


def images_of(file, variable):
    """The data sets of one variable."""
    group = file[f"processing/{variable}_1"]
    return [group[name]["data"] for name in sorted(group) if name.startswith("image_")]


def change(path, edit):
    with h5py.File(path, "r+") as f:
        edit(f)


# ---- what there is to analyse ----


def nothing_to_analyse(place):
    (place.directory / "empty").mkdir()
    (place.directory / "file").write_text("no folder")
    for where, words in (("nowhere", ["--root_path", "nowhere"]), ("file", ["--root_path", "file"]),
                         ("empty", ["--root_path", "empty", FILES["contrast_and_angle"]])):
        done = analyze(place, "--root_path", where)
        check(done.returncode in (1, 2), f"{where}: ended with {done.returncode}")
        expect_error(done, *words)
        check(not (place.directory / "analysis_results").exists(), f"{where}: results of nothing")


def missing_experiments(place):
    """One there, one that was cut short, the others never recorded: that is no error."""
    session = Session(place, "missing")
    for name in KINDS:
        if name == "just_angle_few_angles":
            session.file(name).rename(session.file(name, ".partial.nwb"))
        elif name != "just_angle":
            session.file(name).unlink()
    done = session.analyse()
    all_well(session, done)
    check(session.states()[PREFERENCES] == "done", "the experiment that is there was not analysed")
    for name, word in (("just_angle_few_angles", "is not complete"), ("long_just_fewangles", "there is no recording of")):
        record = session.record(SYNCHRONY[name])
        check(record["state"] == "skipped" and word in record["message"] and name in record["message"], f"{record}")
        check(record["message"] in (session.results / "report.html").read_text(), f"the report does not say '{word}'")
    check("damaged" not in done.stderr, done.stderr)
    session.forget()


def half_of(path):
    path.write_bytes(path.read_bytes()[:path.stat().st_size // 2])


def but_the_end(path):
    path.write_bytes(path.read_bytes()[:-5000])


def nothing(path):
    path.write_bytes(b"")


def foreign(path):
    path.write_bytes(b"somebody else's\n" * 1000)


def another_table(path):
    shutil.copy(path.parent.parent.parent / "exps" / "models" / "m.h5", path)


def shape(data):
    """Other data in place of the third image's."""
    def edit(path):
        def put(f):
            old = images_of(f, "state")[2]
            name, values = old.name, old[...]
            del f[name]
            if data is not None:
                f.create_dataset(name, data=data(values))
        change(path, put)
    return edit


def without_description(path):
    change(path, lambda f: f["general"].__delitem__("nrflv"))


DAMAGES = {
    "half": half_of,
    "end": but_the_end,
    "empty": nothing,
    "foreign": foreign,
    "model": another_table,
    "rows": shape(lambda x: x[:50]),
    "channels": shape(lambda x: x[:, :3]),
    "place": shape(lambda x: x[:, :, :4]),
    "numbers": shape(lambda x: x.astype("i4")),
    "flat": shape(lambda x: x.reshape(-1)),
    "no_data": shape(None),
    "description": without_description,
}


def damaged_recordings(place):
    """Each is named, and nothing but what reads it is left out; once it is whole again, that is made up for."""
    session = Session(place, "damaged")
    path, reader = session.file("just_angle_few_angles"), SYNCHRONY["just_angle_few_angles"]
    whole = path.read_bytes()
    selected = ["--steps", reader, PREFERENCES]
    for name, damage in DAMAGES.items():
        path.write_bytes(whole)
        damage(path)
        done = session.analyse(*selected, status=1)
        expect_error(done, "1 recordings cannot be read", "report.html")
        expect_warning(done, path.name, "skipped")
        record = session.record(reader)
        check(record["state"] == "skipped" and path.name in record["message"], f"{name}: {record}")
        check(path.name in (session.results / "report.html").read_text(), f"{name}: the report does not name the recording")
        check(session.states()[PREFERENCES] == "done", f"{name}: what does not depend on it was left out")
        expect_warning(session.analyse("--quiet", *selected, status=1), path.name)
        session.analyse("--steps", PREFERENCES)  # does not read it
    path.write_bytes(whole)
    done = session.analyse(*selected)
    check(session.states()[reader] == "done" and not any(path.name in line for line in lines(done, warnings=True)), done.stderr)
    session.forget()


def damaged_extracts(place):
    """Of a recording that is there they are made again; that which was recorded in place of a recording is named."""
    session = Session(place, "extracts")
    steps = ["--steps", SYNCHRONY["just_angle_few_angles"]]
    session.analyse(*steps)
    made = session.results / "extracts" / "just_angles_few_angles.h5"
    whole = made.read_bytes()
    for damage in (half_of, but_the_end, nothing, foreign):
        damage(made)
        all_well(session, session.analyse("--force", *steps))
        check(len(made.read_bytes()) == len(whole), f"{damage.__name__}: was not made again")
    recording = session.file("just_angle_few_angles")
    recording.unlink()
    made.unlink()
    recorded = session.file("just_angle_few_angles", ".extract.h5")
    for damage in (half_of, but_the_end, nothing, foreign):
        recorded.write_bytes(whole)
        damage(recorded)
        done = session.analyse(*steps, status=1)
        expect_warning(done, recorded.name)
        check(recorded.exists(), "a damaged extract was removed, and there is no recording to make it of")
    recorded.write_bytes(whole)
    all_well(session, session.analyse(*steps))
    session.forget()


# ---- what is in the recordings ----


def with_values(place, name, edit):
    session = Session(place, name)
    for kind in KINDS:
        def put(f):
            for variable in ("state", "momentum"):
                for number, data in enumerate(images_of(f, variable)):
                    values = data[...]
                    edit(values, number)
                    data[...] = values
        change(session.file(kind), put)
    return session


def channel_rows(session, table):
    """Rows of a table by channel, as texts."""
    with h5py.File(session.results / PREFERENCES / f"{table}.h5") as f:
        columns = [name for name, item in f["table"].items() if isinstance(item, h5py.Dataset)]
        values = {name: f["table"][name][()] for name in columns}
        return {int(c): {name: str(values[name][i]) for name in columns} for i, c in enumerate(values["channel"])}


def traces_that_are_not_finite(place, reference):
    """One channel of NaN, an infinity in one image of another: they are told, and change nothing else."""
    def edit(values, number):
        values[:, 2] = np.nan
        if number == 1:
            values[50, 5, 4, 4] = np.inf
    session = with_values(place, "nan", edit)
    done = session.analyse(gnuplot=True)
    all_well(session, done)
    for key in ("just_angles", "just_angles_few_angles", "double_stim", "long_just_fewangles", "primary"):
        expect_warning(done, f"{key}: ", "traces of neurons hold a NaN or an infinity")
    check(not any("could not be drawn" in line for line in lines(done, warnings=True)), done.stderr)
    notes = session.record(PREFERENCES)["notes"]
    check(any(f"{16 * 64 + 1} hold a NaN or an infinity" in note for note in notes), f"notes: {notes}")
    good, bad = (channel_rows(s, "orientation_pref_results_just_angles") for s in (reference, session))
    for channel in set(range(CHANNELS)) - {2, 5}:
        check(good[channel] == bad[channel], f"channel {channel}: {bad[channel]}, not {good[channel]}")
    check(bad.get(2, {"tuned": "0"})["tuned"] in ("0", "False"), f"a channel of NaN is tuned: {bad[2]}")
    again = session.analyse("--quiet")
    check(session.record(PREFERENCES)["notes"] == notes, f"the note got lost: {again.stderr}")
    session.forget()


def nothing_but_nan(place):
    def edit(values, _):
        values[...] = np.nan
    session = with_values(place, "nothing", edit)
    done = session.analyse(gnuplot=True)
    all_well(session, done)
    check(not any("could not be drawn" in line for line in lines(done, warnings=True)), done.stderr)
    session.forget()


def constant_traces(place):
    """Two channels that are never active, then all of them: neither is tuned, active or oscillating."""
    def two(values, _):
        values[:, 1:3] = 0

    def every(values, _):
        values[...] = 0.25
    for name, edit, dead in (("two", two, {1, 2}), ("every", every, set(range(CHANNELS)))):
        session = with_values(place, name, edit)
        done = session.analyse(gnuplot=True)
        all_well(session, done)
        check(not any("NaN" in line or "could not be drawn" in line for line in lines(done, warnings=True)), done.stderr)
        rows = channel_rows(session, "orientation_pref_results_just_angles")
        for channel in dead & rows.keys():
            check(rows[channel]["tuned"] in ("0", "False"), f"a constant channel is tuned: {rows[channel]}")
        session.forget()


def huge_numbers(place):
    """Whose squares are beyond single precision."""
    def edit(values, _):
        values *= np.float32(1e30)
    session = with_values(place, "huge", edit)
    all_well(session, session.analyse())
    session.forget()


def recordings_of_parts(place):
    """One image of each set; places without the centre; of each experiment something else."""
    one, corner = Session(place, "one", "one"), Session(place, "corner", "corner")
    all_well(one, one.analyse())
    all_well(corner, corner.analyse())
    check(corner.record(PREFERENCES)["state"] == "skipped" and "centre" in corner.record(PREFERENCES)["message"], "the centre")
    mixed = Session(place, "mixed")
    shutil.copy(one.file("contrast_and_angle"), mixed.file("contrast_and_angle"))
    shutil.copy(corner.file("fewlocs_and_fewerangles"), mixed.file("fewlocs_and_fewerangles"))
    shutil.copy(one.file("long_just_fewangles"), mixed.file("long_just_fewangles"))
    all_well(mixed, mixed.analyse())
    check(mixed.states()[PREFERENCES] == "done", "what is whole was left out")
    for session in (one, corner, mixed):
        session.forget()


# ---- where results go ----


def places_that_cannot_be_written(place, reference):
    root = ["--root_path", reference.folder, "--steps", SYNCHRONY["long_just_fewangles"], "--results_dir"]
    (place.directory / "in_the_way").write_text("a file")
    for where in ("in_the_way", "/proc/results"):
        done = analyze(place, *root, where)
        check(done.returncode == 1, f"{where}: ended with {done.returncode}")
        expect_error(done, where)
    check((place.directory / "in_the_way").read_text() == "a file", "somebody else's file was touched")


def without_gnuplot(place):
    """Everything but the pictures, and one line that says so; they are drawn when it is there."""
    session = Session(place, "undrawn")
    done = session.analyse()
    all_well(session, done)
    check(len([line for line in lines(done, warnings=True) if "no gnuplot" in line]) == 1, f"said once: {done.stderr}")
    check(not list(session.results.glob("*/*.png")), "pictures without gnuplot")
    check("is not drawn" in (session.results / "report.html").read_text(), "the report does not say that pictures are missing")
    figures = {name: session.record(name)["figures"] for name in session.states()}
    check(sum(map(len, figures.values())) > 5, f"{figures}")
    before = {p: p.stat().st_mtime_ns for p in session.results.glob("*/*.h5")}
    check(len(before) > 10, f"tables: {before}")
    if shutil.which("gnuplot"):
        all_well(session, session.analyse(gnuplot=True))
        for name in session.states():
            for figure in session.record(name)["figures"]:
                check((session.results / name / f"{figure['name']}.png").stat().st_size > 0, f"{name}: {figure['name']} is not drawn")
        check(before == {p: p.stat().st_mtime_ns for p in session.results.glob("*/*.h5")}, "computed again to be drawn")
    session.forget()


def full_disk(place, reference):
    """Whatever it is that finds no room: one line, and nothing is marked as finished that is not. Elsewhere it goes on."""
    for size in ("200k", "1m", "2500k", "8m"):
        session = Session(place, f"full_{size}")
        name = session.folder.name
        script = f"""
            set -e
            mkdir -p small results
            mount -t tmpfs -o size={size} tmpfs small
            status=0
            {ANALYZE} --root_path {session.folder} --results_dir small || status=$?
            cp -r small/{name} results/ || true
            exit $status
        """
        done = subprocess.run(["unshare", "--mount", "/bin/bash", "-c", textwrap.dedent(script)], cwd=place.directory, text=True,
                              capture_output=True, check=False)
        if "mount:" in done.stderr or "unshare:" in done.stderr:
            print("left out: a full disk (no right to mount a small one)")
            return
        check(done.returncode == 1, f"{size}: ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        expect_error(done, "No space left", "small/")
        check("unfinished" in session.states().values() or "failed" in session.states().values() or
              len(session.states()) < len(reference.states()), f"{size}: everything is finished: {session.states()}")
        tables_of_the_done_are_there(session)
        finished = [name for name, state in session.states().items() if state == "done"]
        again = session.analyse()
        all_well(session, again)
        check(f"({len(finished)} of them earlier)" in again.stdout, f"{size}: {finished} were finished: {again.stdout}")
        check(session.states() == reference.states(), f"{size}: {session.states()}")
        session.forget()


def record_sessions(place):
    directions = ["--experiments", "just_angle", "--record_images", *map(str, range(0, 128, 8))]  # all round the circle
    others = ["--experiments", *[name for name in KINDS if name != "just_angle"], "--record_images", "0-3", "32-35", "64-67", "96-99"]
    for images in (directions, others):
        place.experiment("--model_name", "good", *STEPS, *images)
    place.experiment("--model_name", "one", *STEPS, "--record_images", "5")
    place.experiment("--model_name", "corner", *STEPS, "--record_images", "0-3", "--record_region", "0-2", "0-2")


def main():
    if not ANALYZE.exists():
        print("skipped: nrflv-analyze is not built")
        sys.exit(77)
    with Recordings() as place:
        (place.directory / "sessions").mkdir()
        record_sessions(place)
        nothing_to_analyse(place)
        reference = Session(place, "reference")
        all_well(reference, reference.analyse())
        missing_experiments(place)
        damaged_recordings(place)
        damaged_extracts(place)
        traces_that_are_not_finite(place, reference)
        nothing_but_nan(place)
        constant_traces(place)
        huge_numbers(place)
        recordings_of_parts(place)
        places_that_cannot_be_written(place, reference)
        without_gnuplot(place)
        full_disk(place, reference)


if __name__ == "__main__":
    main()
