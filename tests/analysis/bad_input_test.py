"""What can be wrong with recordings and with the places where results go: nrflv-analyze says what, does everything that does not
depend on it, and marks what it left out."""

import shutil
import subprocess
import textwrap

from nrflv_analyses import (ANALYZE, KINDS, PREFERENCES, SYNCHRONY, Analyses, Session, all_well, analyze, change, done_as_in,
                            expect_error, expect_warning, images_of, lines)
from nrflv_records import FILES
from nrflv_runs import check

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
        expect_error(done, "1 recording cannot be read", "report.html")
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
    keeps_what_was_found(session, path, reader)
    session.forget()


def keeps_what_was_found(session, path, reader):
    """A recording that is damaged once it was analysed: its extract serves, and nothing that was found gets lost."""
    found = {table: table.read_bytes() for table in (session.results / reader).glob("*.csv")}
    check(found, "no tables")
    half_of(path)
    for options in ([], ["--force"]):
        done = session.analyse(*options, "--steps", reader, status=1)
        expect_error(done, "1 recording cannot be read", "report.html")
        expect_warning(done, path.name, "the extract that was made of it earlier is read instead")
        check(session.states()[reader] == "done", f"{options}: {done.stderr}")
        check("in place of the recording: " in (session.results / "report.html").read_text(), "the report does not say so")
        check(all(table.read_bytes() == was for table, was in found.items()), f"{options}: other tables")


def deleted_recordings(place):
    """Results stay, and other analyses run, on the extract that was kept; what is read is told."""
    session = Session(place, "deleted")
    path, reader = session.file("just_angle_few_angles"), SYNCHRONY["just_angle_few_angles"]
    told = f"its extract is read: {session.results.relative_to(place.directory)}/extracts/just_angles_few_angles.h5"
    check(told not in session.analyse("--steps", reader).stderr, "the recording is there")
    found = {table: table.read_bytes() for table in (session.results / reader).glob("*.csv")}
    check(found, "no tables")
    path.unlink()
    for options in ([], ["--force"]):
        done = session.analyse(*options, "--steps", reader, "find_active_neurons")
        all_well(session, done)
        check(told in done.stderr, f"{options}: {done.stderr}")
        check(session.states()[reader] == session.states()["find_active_neurons.just_angles_few_angles"] == "done", done.stderr)
        check("extracts/just_angles_few_angles.h5" in (session.results / "report.html").read_text(), "the report does not say so")
        check(all(table.read_bytes() == was for table, was in found.items()), f"{options}: other tables")
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
    """Whatever it is that finds no room: one line, and what is marked as finished is what it would be elsewhere, where it goes on."""
    some = ["--steps", PREFERENCES, SYNCHRONY["long_just_fewangles"]]  # enough for all sizes but one
    for size, go_on in (("200k", some), ("1m", some), ("8m", some), ("16m", [])):
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
        done_as_in(session, reference)
        finished = [name for name, state in session.states().items() if state == "done" and (not go_on or name in go_on)]
        again = session.analyse(*go_on)
        check(f"({len(finished)} of them earlier)" in again.stdout, f"{size}: {finished} were finished: {again.stdout}")
        done_as_in(session, reference)
        if not go_on:
            all_well(session, again)
            check(session.states() == reference.states(), f"{size}: {session.states()}")
        session.forget()


def main():
    with Analyses() as place:
        nothing_to_analyse(place)
        reference = place.reference()
        missing_experiments(place)
        damaged_recordings(place)
        deleted_recordings(place)
        damaged_extracts(place)
        places_that_cannot_be_written(place, reference)
        without_gnuplot(place)
        full_disk(place, reference)


if __name__ == "__main__":
    main()
