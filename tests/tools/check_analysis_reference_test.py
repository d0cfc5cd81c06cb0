"""check_analysis_reference reads what a file holds, of any size, notices what is wrong in it and says where; check_reference hands such
files on to it."""

import os
import shutil
import subprocess
import sys
import tempfile

try:
    import h5py
    import numpy as np
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

REFERENCE = os.path.join(os.environ.get("NRFLV_SHARED_DIR", ""), "reference")
BLOCKS = "analysis_blocks.h5"
BUILD = os.environ["NRFLV_BUILD_DIR"]


class Outcome:
    def __init__(self, arguments, tool="check_analysis_reference"):
        done = subprocess.run([os.path.join(BUILD, tool), *arguments], capture_output=True, text=True, timeout=300)
        self.status, self.text, self.errors = done.returncode, done.stdout, done.stderr.splitlines()
        self.failed = [" ".join(line.split()) for line in done.stdout.splitlines() if "  FAIL" in line]

    def must_pass(self):
        assert self.status == 0 and not self.failed and not self.errors, f"{self.status}\n{self.text}{self.errors}"

    def must_fail_at(self, *places):
        """Exactly these rows fail; each place is what a row must contain."""
        assert self.status == 1, f"status {self.status}\n{self.text}"
        for place in places:
            assert any(place in row for row in self.failed), f"no failure at {place!r} in:\n" + "\n".join(self.failed)
        strangers = [row for row in self.failed if not any(place in row for place in places)]
        assert not strangers, "unexpected failures:\n" + "\n".join(strangers)


def tampered(folder, block, change):
    """The file with this block alone, changed."""
    path = os.path.join(folder, BLOCKS)
    with h5py.File(os.path.join(REFERENCE, BLOCKS)) as source, h5py.File(path, "w") as file:
        for name, value in source.attrs.items():
            file.attrs[name] = value
        source.copy(block, file)
        change(file[block])
    return path


def set_value(name, change, index=0):
    def apply(block):
        values = block[name][()]
        flat = values.reshape(-1)
        flat[index] = change(flat[index])
        block[name][()] = flat.reshape(values.shape)

    return apply


def times(factor):
    return lambda value: value * factor


def by(amount):
    return lambda value: value + amount


# What is changed a little, and a part of the row that must then fail. Amounts are a few times what is allowed.
TAMPERED = [
    ("moments", set_value("var1", times(1 + 1e-9), 3), "moments var1/3 ar2_25Hz"),
    ("moments", set_value("mean", times(1 + 1e-11), 10), "moments mean/10 large_offset"),
    ("welch_t", set_value("t", times(1 + 1e-8), 1), "welch_t t/1 ar2_10Hz"),
    ("welch_t", set_value("p", times(1 + 1e-6), 17), "welch_t p/17 shifted by 0.1"),
    ("welch_t", set_value("p", lambda _: 0.5, 11), "welch_t p/11 constant_zero"),  # was NaN
    ("welch_t", set_value("degrees_of_freedom", times(1 + 1e-8), 2), "welch_t degrees_of_freedom/2"),
    ("one_sample_t", set_value("t", lambda _: np.nan, 6), "one_sample_t t/6 constant_nonzero"),  # was infinite
    ("mean_trace_interval", set_value("case_000/upper", times(1.0001), 7), "mean_trace_interval upper/0 n20"),
    ("mean_trace_interval", set_value("t_quantile_0.995/quantile", times(1 + 1e-7), 5), "t_quantile_0.995"),
    ("shapiro_wilk", set_value("W_double", by(1e-9), 20), "shapiro_wilk W_double/20"),
    ("shapiro_wilk", set_value("p_double", times(1 + 1e-6), 4), "shapiro_wilk p_double/4"),
    ("shapiro_wilk", set_value("p", times(1.03), 4), "shapiro_wilk p, single precision/4"),
    ("percentile", set_value("case_002/value", times(1 + 1e-10), 3), "percentile value/2"),
    ("bootstrap_ci", set_value("lower", by(0.01), 2), "bootstrap_ci lower, in units of 5 sd/2 n16"),
    ("bootstrap_ci", set_value("upper", by(0.1), 1), "bootstrap_ci upper, in units of 5 sd/1 n6"),
    ("bootstrap_ci", set_value("deterministic_upper", times(1 + 1e-10), 5), "deterministic_upper/5 n600"),
    ("straight_line", set_value("slope", times(1 + 1e-7), 9), "straight_line slope/9 large_x_offset"),
    ("straight_line", set_value("distinct_x", lambda _: 1, 4), "straight_line has a line/4"),
    ("angle_difference", set_value("difference", by(1e-10), 5), "angle_difference difference"),
    ("angle_difference", set_value("less_than_10_degrees", lambda value: 1 - value, 5), "less_than_10_degrees"),
    ("linear_detrend", set_value("case_001/y_scipy", by(1e-10), 500), "linear_detrend y_scipy/1"),
    ("specgram", set_value("case_000/power", times(1.001), 41 * 12), "specgram power"),
    ("specgram", set_value("case_000/power_dB", by(0.001), 41 * 12), "specgram power_dB/0"),
    ("specgram", set_value("case_002/time", by(0.01), 3), "specgram time/2"),
    ("welch_psd", set_value("case_004/power", times(1.0001), 17), "welch_psd power"),
    ("welch_psd", set_value("case_005/frequency", by(1e-6), 17), "welch_psd frequency/5"),
    ("cross_correlation", set_value("case_017/c", by(1e-9), 700), "cross_correlation c"),
    ("cross_correlation", set_value("lag_of_maximum", by(1), 24), "cross_correlation lag_of_maximum/24"),
    ("acorr", set_value("case_003/c", by(1e-10), 1500), "acorr c/3"),
    ("find_peaks", set_value("case_009/peaks_0", by(1), 2), "find_peaks peaks/9"),
    ("find_peaks", set_value("case_009/prominences_0", times(1.01), 2), "find_peaks prominences/9"),
    ("gabor_fit", set_value("sine_cost", times(1 + 1e-5), 7), "gabor_fit sine_cost/1"),
    ("gabor_fit", set_value("amplitude", times(1 + 1e-5), 10), "gabor_fit amplitude/10"),
    ("gabor_fit", set_value("multistart/amplitude", times(1.01), 10), "amplitude/10"),
    ("gabor_fit", set_value("multistart/cost_sine", times(0.9), 10), "cost_sine"),
    ("gabor_fit", set_value("n_peaks", by(1), 3), "gabor_fit n_peaks/3"),
    ("gabor_fit", set_value("peaks/case_004", by(1), 3), "gabor_fit peaks/4"),
    ("gabor_fit", set_value("fitted_curve", by(0.1), 250), "gabor_fit fitted_curve/2"),
    ("gabor_fit", set_value("num_peaks_correct", by(1), 20), "num_peaks, part that differs"),
    ("orientation_fit", set_value("correct/chosen_peak", by(1), 3), "correct/chosen_peak/3"),
    ("orientation_fit", set_value("as_written/phi", by(1e-4), 0), "as_written/"),
    ("orientation_fit", set_value("as_written/preferred_angle", by(1e-6), 4), "as_written/preferred_angle/4"),
    ("colour_maps", set_value("viridis", by(2), 400), "colour_maps viridis"),
    ("image_contrast", set_value("contrast_float64", by(1e-9), 2), "contrast_float64"),
    ("map_grey", set_value("grey", lambda value: value - 2 if value > 128 else value + 2, 77), "map_grey grey"),
    ("time_units", set_value("timesteps", times(1 + 1e-9), 3), "time_units"),
]


def every_block_notices_a_value_that_is_off(folder):
    covered = set()
    for block, change, place in TAMPERED:
        Outcome([tampered(folder, block, change)]).must_fail_at(place)
        covered.add(block)
    with h5py.File(os.path.join(REFERENCE, BLOCKS)) as file:
        assert covered == set(file), covered.symmetric_difference(file)


def inputs_that_change_are_noticed_too(folder):
    Outcome([tampered(folder, "shapiro_wilk", set_value("case_003/x", by(0.05), 100))]).must_fail_at("/3 ar2_25Hz_1000")
    Outcome([tampered(folder, "gabor_fit", set_value("y", times(1.1), 1050))]).must_fail_at("/10 ar2_23Hz_auto", "evaluations")


def missing_and_unknown_members_are_told(folder):
    def without(name):
        return lambda block: block.pop(name)

    def with_more(name):
        def apply(block):
            block[name] = np.zeros(3)

        return apply

    def misshapen(block):
        del block["var0"]
        block["var0"] = np.zeros(2)

    Outcome([tampered(folder, "moments", without("var0"))]).must_fail_at("moments the block as a whole")
    Outcome([tampered(folder, "moments", misshapen)]).must_fail_at("moments the block as a whole")
    Outcome([tampered(folder, "acorr", without("case_004/c"))]).must_fail_at("acorr the case as a whole/4")
    Outcome([tampered(folder, "moments", with_more("skewness"))]).must_fail_at("/moments/skewness")
    Outcome([tampered(folder, "moments", with_more("case_002/y"))]).must_fail_at("/moments/case_002/y")

    def renamed(block):
        block.file.move("moments", "cumulants")

    Outcome([tampered(folder, "moments", renamed)]).must_fail_at("cumulants the block as a whole")


# ---- files of the same layout with other contents ----------------------------------------------------------


def names(block, cases):
    block.attrs["section"] = "2"
    block["case_name"] = np.array([f"case {k}" for k in range(cases)], dtype="S")


def write_moments(file, rng):
    block = file.create_group("moments")
    series = [rng.normal(3, 2, n) for n in (5, 77, 4000)] + [np.full(9, 0.3)]
    names(block, len(series))
    for k, x in enumerate(series):
        block[f"case_{k:03d}/x"] = x
    for name, function in (("mean", np.mean), ("var0", np.var), ("minimum", np.min), ("maximum", np.max)):
        block[name] = [x[0] if name == "mean" and np.ptp(x) == 0 else function(x) for x in series]
    block["var0"][3] = 0.0
    block["var1"] = [0.0 if np.ptp(x) == 0 else np.var(x, ddof=1) for x in series]
    block["is_constant"] = [float(np.ptp(x) == 0) for x in series]


def write_correlations(file, rng):
    block = file.create_group("cross_correlation")
    names(block, 3)
    lags = []
    for k, n in enumerate((2, 40, 333)):
        a, v = rng.normal(size=n), rng.normal(size=n)
        c = np.correlate(a - a.mean(), v - v.mean(), "full")
        block[f"case_{k:03d}/a"], block[f"case_{k:03d}/v"], block[f"case_{k:03d}/c"] = a, v, c
        lags.append((np.argmax(c) - (n - 1), n - 1))
    block["lag_of_maximum"] = [lag for lag, _ in lags]
    block["zero_lag_index"] = [zero for _, zero in lags]


def write_spectrogram(file, rng):
    """Segments of 64 samples with 48 in common, of which every second is stored."""
    block = file.create_group("specgram")
    names(block, 1)
    block.attrs["NFFT"], block.attrs["noverlap"] = 64, 48
    rate, x = 10.0, rng.normal(size=500)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(64) / 63)
    starts = np.arange(0, 500 - 64 + 1, 16)
    power = np.array([np.abs(np.fft.rfft(window * x[s : s + 64])) ** 2 for s in starts]).T / rate / (window**2).sum()
    power[1:-1] *= 2
    time = (starts + 32) / rate
    case = block.create_group("case_000")
    column = np.arange(0, len(starts), 2)
    case["x"], case["column"], case["power"] = x, column, power[:, column]
    case["power_dB"] = 10 * np.log10(power[:, column])
    case["frequency"], case["time"] = np.arange(33) * rate / 64, time[column]
    case["extent"] = [time[0] - 0.5 / rate, time[-1] + 0.5 / rate, 0, rate / 2]
    case["shape"], case["sum_over_all_segments"] = power.shape, power.sum(1)
    block["Fs"] = [rate]


def write_percentiles(file, rng):
    block = file.create_group("percentile")
    block.attrs["section"] = "2.18"
    block["percent"] = [10.0, 99.0]
    for k, n in enumerate((1, 2, 57)):
        x = rng.normal(size=n)
        block[f"case_{k:03d}/x"], block[f"case_{k:03d}/value"] = x, np.percentile(x, [10, 99])


def other_files_of_the_layout_pass(folder):
    path = os.path.join(folder, "other.h5")
    rng = np.random.default_rng(5)
    with h5py.File(path, "w") as file:
        for write in (write_moments, write_correlations, write_spectrogram, write_percentiles):
            write(file, rng)
    Outcome([path]).must_pass()
    Outcome([path], tool="check_reference").must_pass()


def fewer_cases_pass(folder):
    def two_windows(block):
        def cut(name, item):
            if isinstance(item, h5py.Dataset) and item.shape and item.shape[0] == 49:
                kept.append((name, item[[10, 45]]))

        kept = []
        block.visititems(cut)
        peaks = [block[f"peaks/case_{k:03d}"][()] for k in (10, 45)]
        del block["peaks"]
        for name, values in kept:
            del block[name]
            block[name] = values
        for k, at in enumerate(peaks):
            block[f"peaks/case_{k:03d}"] = at

    Outcome([tampered(folder, "gabor_fit", two_windows)]).must_pass()


# ---- both programs -----------------------------------------------------------------------------------------


def check_reference_hands_files_on(folder):
    good = tampered(folder, "moments", lambda block: None)
    done = Outcome([good], tool="check_reference")
    done.must_pass()
    assert "moments" in done.text and "all passed" in done.text
    sghmc = os.path.join(REFERENCE, "sghmc.h5")
    both = Outcome(["--threads", "1", "--rewrites", "on", sghmc, good], tool="check_reference")
    both.must_pass()
    assert "sghmc.h5" in both.text and "moments" in both.text
    bad = tampered(folder, "moments", set_value("mean", times(2), 2))
    Outcome([bad], tool="check_reference").must_fail_at("moments mean/2")


def without_its_sibling_check_reference_says_so(folder):
    lonely = os.path.join(folder, "check_reference")
    shutil.copy(os.path.join(BUILD, "check_reference"), lonely)
    good = tampered(folder, "moments", lambda block: None)
    done = subprocess.run([lonely, good], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "check_analysis_reference" in done.stderr, done


def unusable_files_get_one_line_and_the_others_are_checked(folder):
    good = tampered(folder, "moments", lambda block: None)
    truncated = os.path.join(folder, "truncated.h5")
    shutil.copyfile(good, truncated)
    os.truncate(truncated, os.path.getsize(truncated) // 2)
    foreign = os.path.join(folder, "foreign.h5")
    with h5py.File(foreign, "w") as file:
        file["moments/mean"] = np.zeros(3)  # without `section` it is anybody's
    for bad in (truncated, foreign, os.path.join(folder, "missing.h5"), folder):
        done = Outcome([bad, good])
        assert done.status == 1 and len(done.errors) == 1 and bad in done.errors[0], done.errors
        assert not done.failed and BLOCKS in done.text


def wrong_usage_is_status_2(folder):
    for arguments in ([], ["--no_such_option", folder]):
        done = Outcome(arguments)
        assert done.status == 2 and done.errors and not done.text, arguments
    assert Outcome(["--help"]).status == 0


TESTS = [
    every_block_notices_a_value_that_is_off,
    inputs_that_change_are_noticed_too,
    missing_and_unknown_members_are_told,
    other_files_of_the_layout_pass,
    fewer_cases_pass,
    check_reference_hands_files_on,
    without_its_sibling_check_reference_says_so,
    unusable_files_get_one_line_and_the_others_are_checked,
    wrong_usage_is_status_2,
]


def main():
    if not os.path.exists(os.path.join(REFERENCE, BLOCKS)):
        print(f"skipped: there is no {BLOCKS} in '{REFERENCE}'")
        return 77
    for test in TESTS:
        with tempfile.TemporaryDirectory() as folder:
            test(folder)
        print(f"ok: {test.__name__}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
