"""Whatever numbers and whatever parts of the maps recordings hold, nrflv-analyze comes to an end, and says what it left out."""

import shutil

from nrflv_analyses import (CHANNELS, KINDS, PREFERENCES, Analyses, Session, all_well, change, expect_warning, h5py, images_of, lines, np)
from nrflv_runs import check

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


def untuned(rows, channels, what):
    for channel in channels & rows.keys():
        check(rows[channel]["tuned"] in ("0", "False"), f"{what}: {rows[channel]}")


def traces_that_are_not_finite(place, reference):
    """One channel of NaN, an infinity in one image of another, two channels that are never active: what is not finite is told, none
    of these channels is tuned, and nothing changes for others."""
    def edit(values, number):
        values[:, 1] = values[:, 3] = 0
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
    for channel in set(range(CHANNELS)) - {1, 2, 3, 5}:
        check(good[channel] == bad[channel], f"channel {channel}: {bad[channel]}, not {good[channel]}")
    untuned(bad, {2}, "a channel of NaN is tuned")
    untuned(bad, {1, 3}, "a constant channel is tuned")
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
    """Of all channels: none is tuned, and nobody complains of a NaN."""
    def edit(values, _):
        values[...] = 0.25
    session = with_values(place, "constant", edit)
    done = session.analyse(gnuplot=True)
    all_well(session, done)
    check(not any("NaN" in line or "could not be drawn" in line for line in lines(done, warnings=True)), done.stderr)
    untuned(channel_rows(session, "orientation_pref_results_just_angles"), set(range(CHANNELS)), "a constant channel is tuned")
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


def main():
    with Analyses() as place:
        traces_that_are_not_finite(place, place.reference())
        nothing_but_nan(place)
        constant_traces(place)
        huge_numbers(place)
        recordings_of_parts(place)


if __name__ == "__main__":
    main()
