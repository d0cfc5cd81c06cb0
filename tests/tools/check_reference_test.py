"""check_reference notices what is wrong in a reference file, says where, and is not fooled by what is only different."""

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
TOOL = os.path.join(os.environ["NRFLV_BUILD_DIR"], "check_reference")
ONE_RUN = ["--threads", "1", "--rewrites", "on"]

SMALL = "model_NRFLV_very_small_1SL_self.h5"  # cases plain and weight_norm, one layer
RELU = "model_NRFLV_small_light_3SL_seriouscompress.h5"
SPECTRAL = "model_NRFLV_small_light_4SL_compress_noself_bigkern_cct.h5"
THESIS = "model_NRFLV_CIFAR_4SL_small_densebackw_wideSL1base.h5"


class Outcome:
    def __init__(self, arguments):
        done = subprocess.run([TOOL, *arguments], capture_output=True, text=True, timeout=300)
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


class Workshop:
    """A folder with copies of reference files to be tampered with."""

    def __init__(self, folder):
        self.folder = folder

    def copy(self, name, change=None, as_name=None):
        path = os.path.join(self.folder, as_name or name)
        shutil.copyfile(os.path.join(REFERENCE, name), path)
        os.chmod(path, 0o644)
        if change is not None:
            with h5py.File(path, "r+") as file:
                change(file)
        return path

    def check(self, name, change=None):
        return Outcome([*ONE_RUN, self.copy(name, change)])


def nudge(name, part=1e-3, index=5):
    """Moves one value by a part of the largest magnitude."""

    def change(file):
        values = file[name][()]
        if values.ndim == 0:
            values = values * (1 + part)
        else:
            values.flat[index] += part * np.abs(values).max()
        file[name][()] = values

    return change


def rename(name, new_name):
    return lambda file: file.move(name, new_name)


def keep_cases(*names):
    def change(file):
        for case in list(file["cases"]):
            if case not in names:
                del file["cases"][case]

    return change


def good_files_pass_under_any_name(shop):
    Outcome([*ONE_RUN, shop.copy(SMALL, as_name="anything.h5")]).must_pass()
    Outcome([*ONE_RUN, shop.copy("sghmc.h5", as_name="model_of_something.h5")]).must_pass()


def default_is_rewrites_on_and_off_with_one_and_two_threads(shop):
    done = Outcome([shop.copy(SMALL)])
    done.must_pass()
    for run in ("rewrites on, 1 thread", "rewrites on, 2 threads", "rewrites off, 1 thread", "rewrites off, 2 threads"):
        assert run in done.text.splitlines()[0]


def cases_may_be_missing(shop):
    shop.check(SMALL, keep_cases("weight_norm")).must_pass()
    shop.check("sghmc.h5", keep_cases("momentum_clip_diagonal")).must_pass()


def another_batch_size_is_fine(shop):
    def one_image(file):
        case = file["cases/plain"]
        del case["training_loss"], case["negative_phase"]
        phase = case["positive_phase"]
        for group in ("states", "full_energy", "pre_quadratic_output", "energy_gradient"):
            for name in list(phase[group]):
                values = phase[group][name][1:2]
                del phase[group][name]
                phase[group][name] = values
        case.attrs["batch_size"] = 1
        phase["total_energy"][()] = sum(layer[()].astype("f8").sum() for layer in phase["full_energy"].values())
        keep_cases("plain")(file)

    shop.check(SMALL, one_image).must_pass()


def results_that_are_off_are_marked(shop):
    phase = "cases/plain/positive_phase"
    shop.check(SMALL, nudge(f"{phase}/energy_gradient/layer_0")).must_fail_at("plain positive_phase/energy_gradient/layer_0")
    shop.check(SMALL, nudge(f"{phase}/pre_quadratic_output/layer_0")).must_fail_at("positive_phase/pre_quadratic_output/layer_0")
    shop.check(SMALL, nudge(f"{phase}/full_energy/layer_0", 2e-5)).must_fail_at("positive_phase/full_energy/layer_0")
    shop.check(SMALL, nudge(f"{phase}/total_energy", 4e-6)).must_fail_at("positive_phase/total_energy")
    shop.check(SMALL, nudge("cases/plain/training_loss/loss", 2e-5)).must_fail_at("training_loss/loss")


def a_tensor_of_many_is_named(shop):
    name = "quadratic_nets.0.densecctblock.top_net.1.bias"
    shop.check(SMALL, nudge(f"cases/plain/training_loss/gradient/{name}", index=0)).must_fail_at(f"training_loss/gradient/{name}")


def not_a_number_never_agrees(shop):
    def spoil(file):
        values = file["cases/plain/positive_phase/energy_gradient/layer_0"][()]
        values.flat[0] = np.nan
        file["cases/plain/positive_phase/energy_gradient/layer_0"][()] = values

    shop.check(SMALL, spoil).must_fail_at("positive_phase/energy_gradient/layer_0")


def a_changed_weight_shows_everywhere(shop):
    def change(file):
        keep_cases("plain")(file)
        nudge("cases/plain/parameters/quadratic_nets.0.densecctblock.base_cctls.0.0.conv.weight", 0.05)(file)

    done = shop.check(SMALL, change)
    assert done.status == 1
    for quantity in ("total_energy", "energy_gradient/layer_0", "pre_quadratic_output/layer_0", "training_loss/gradient/"):
        assert any(quantity in row for row in done.failed), quantity


def slopes_of_rectifiers_are_no_excuse(shop):
    def change(file):
        keep_cases("relu_hardtanh")(file)
        nudge("cases/relu_hardtanh/positive_phase/energy_gradient/layer_1")(file)

    shop.check(RELU, change).must_fail_at("positive_phase/energy_gradient/layer_1")


def another_activation_is_noticed(shop):
    def change(file):
        keep_cases("ff_dynamics")(file)
        file["cases/ff_dynamics"].attrs["activation"] = np.bytes_("relu")

    done = shop.check(RELU, change)
    assert done.status == 1 and any("update/layer_0" in row for row in done.failed)


def vectors_of_spectral_normalisation_are_compared(shop):
    name = "quadratic_nets.1.densecctblock.base_cctls.0.0.conv.weight_u"
    buffers = "cases/spectral_norm/spectral_norm_buffers"
    shop.check(SPECTRAL, nudge(f"{buffers}/after_two_forwards/{name}")).must_fail_at(f"after_two_forwards/{name}")
    weight = "quadratic_nets.0.densecctblock.base_cctls.0.0.conv_T.weight"
    shop.check(SPECTRAL, nudge(f"{buffers}/after_one_forward/{weight}")).must_fail_at(f"after_one_forward/{weight}")


def missing_and_unknown_names_are_told(shop):
    phase = "cases/plain/positive_phase"
    shop.check(SMALL, rename(f"{phase}/full_energy/layer_0", f"{phase}/full_energy/layer_5")).must_fail_at(
        "full_energy/layer_0", "full_energy/layer_5")
    shop.check(SMALL, rename(f"{phase}/total_energy", f"{phase}/whole_energy")).must_fail_at(
        "positive_phase/total_energy", "positive_phase/whole_energy")
    shop.check(SMALL, rename(f"{phase}/full_energy", f"{phase}/neuron_energy")).must_fail_at("positive_phase/neuron_energy")
    name = "biases.0.weight"
    gradient = "cases/plain/training_loss/gradient"
    shop.check(SMALL, rename(f"{gradient}/{name}", f"{gradient}/b")).must_fail_at(
        f"training_loss/gradient/{name}", "training_loss/gradient/b")

    parameters = "cases/plain/parameters"
    done = shop.check(SMALL, rename(f"{parameters}/{name}", f"{parameters}/b"))
    done.must_fail_at("plain the case as a whole")
    assert f"1 parameters missing ({name}), 1 unknown (b)" in done.failed[0]


def wrong_shapes_are_told(shop):
    def change(file):
        keep_cases("plain")(file)
        values = file["cases/plain/positive_phase/states/layer_0"][()]
        del file["cases/plain/positive_phase/states/layer_0"]
        file["cases/plain/positive_phase/states/layer_0"] = values[:, :, :-1]

    done = shop.check(SMALL, change)
    done.must_fail_at("plain the case as a whole")
    assert "[2,1,27,28] in the file" in done.failed[0]


def trajectories_of_the_optimiser_are_compared(shop):
    case = "cases/momentum_clip_16_channels"
    shop.check("sghmc.h5", nudge(f"{case}/momentum")).must_fail_at("momentum_clip_16_channels momentum")
    shop.check("sghmc.h5", nudge("inverse_mass_matrix/channels_16")).must_fail_at("channels_16")

    def other_rate(file):
        file[case].attrs["lr"] = 0.11

    done = shop.check("sghmc.h5", other_rate)
    assert done.status == 1 and any("displacement" in row for row in done.failed)


def sampler_steps_are_compared(shop):
    shop.copy(THESIS)
    shop.check("sampler_step.h5").must_pass()
    shop.check("sampler_step.h5", nudge("negative_phase/states/layer_2")).must_fail_at("negative_phase states/layer_2")
    shop.check("sampler_step.h5", nudge("positive_phase/energy_gradient/layer_3")).must_fail_at("energy_gradient/layer_3")
    channel = "visualisation/channels_energy_layer_2_channel_5"
    shop.check("sampler_step.h5", nudge(f"{channel}/gradient/layer_0")).must_fail_at(f"{channel} gradient/layer_0")
    shop.check("sampler_step.h5", nudge(f"{channel}/states/layer_3")).must_fail_at(f"{channel} states/layer_3")
    os.remove(os.path.join(shop.folder, THESIS))
    done = shop.check("sampler_step.h5")
    assert done.status == 1 and all("the case as a whole" in row and THESIS in row for row in done.failed)


def the_channel_that_is_descended_matters(shop):
    def another_channel(file):
        file["visualisation/channels_energy_layer_2_channel_5"].attrs["channel"] = 6

    shop.copy(THESIS)
    done = shop.check("sampler_step.h5", another_channel)
    for layer in (1, 2, 3):  # that of the image is the gradient of the energy of the whole field
        assert any(f"gradient/layer_{layer}" in row for row in done.failed), done.text
    assert not any("gradient/layer_0" in row for row in done.failed), done.text


def weight_updates_are_compared(shop):
    name = "biases.0.weight"
    shop.check("training_update.h5", nudge(f"adam/update_2/exp_avg_sq/{name}")).must_fail_at(f"update_2/exp_avg_sq/{name}")
    shop.check("training_update.h5", nudge(f"initialiser_network/update_1/output/layer_2")).must_fail_at("update_1/output/layer_2")

    def other_rate(file):
        file["sgd"].attrs["lr"] = 5.1e-4

    done = shop.check("training_update.h5", other_rate)
    assert done.status == 1 and any(f"update_1/parameters_after/{name}" in row for row in done.failed)


def stimuli_are_compared(shop):
    name, case = "stimuli/stimuli.h5", "just_angle"

    def check(change=None):
        path = os.path.join(shop.folder, "s.h5")
        shutil.copyfile(os.path.join(REFERENCE, name), path)
        os.chmod(path, 0o644)
        if change is not None:
            with h5py.File(path, "r+") as file:
                change(file)
        return Outcome([*ONE_RUN, path])

    def two_grey_levels(file):
        pixels = file["single/just_angle/image"]
        pixels[3, 1, 2, 2] += 2

    def many_by_one(file):
        pixels = file["single/just_angle/image"]
        pixels[5:7] = pixels[5:7] ^ 1

    def other_name(file):
        names = file["single/just_angle/file_name"]
        names[7] = names[6]

    def other_base(file):
        file["base_image"][0, 16, 16] += 40

    check().must_pass()
    check(two_grey_levels).must_fail_at(f"{case} image, largest difference")
    check(many_by_one).must_fail_at(f"{case} image, part of the values")
    check(other_name).must_fail_at(f"{case} file_name")
    check(nudge("single/just_angle/angle", 1e-12)).must_fail_at(f"{case} angle")
    check(rename("single/just_angle/contrast", "single/just_angle/strength")).must_fail_at(f"{case} strength")
    check(rename("single/just_angle", "single/all_angles")).must_fail_at("all_angles the case as a whole")
    assert check(other_base).status == 1


def unusable_files_get_one_line_and_the_others_are_checked(shop):
    good = shop.copy(SMALL, as_name="good.h5")
    truncated = shop.copy(SMALL, as_name="truncated.h5")
    os.truncate(truncated, os.path.getsize(truncated) // 2)
    text = os.path.join(shop.folder, "text.h5")
    with open(text, "w", encoding="ascii") as file:
        file.write("no HDF5 at all\n")
    foreign = os.path.join(shop.folder, "foreign.h5")
    with h5py.File(foreign, "w") as file:
        file["measurements/voltage"] = np.zeros(3)
    missing = os.path.join(shop.folder, "missing.h5")
    for bad in (truncated, text, foreign, missing, shop.folder):
        done = Outcome([*ONE_RUN, bad, good])
        assert done.status == 1, bad
        assert len(done.errors) == 1 and bad in done.errors[0], done.errors
        assert not done.failed and "good.h5" in done.text


def wrong_usage_is_status_2(shop):
    good = shop.copy(SMALL)
    for arguments in ([], ["--threads", "0", good], ["--threads", "two", good], ["--rewrites", "some", good],
                      ["--conv", "slow", good], ["--no_such_option", good]):
        done = Outcome(arguments)
        assert done.status == 2 and done.errors and not done.text, arguments
    assert Outcome(["--help"]).status == 0


TESTS = [
    good_files_pass_under_any_name,
    default_is_rewrites_on_and_off_with_one_and_two_threads,
    cases_may_be_missing,
    another_batch_size_is_fine,
    results_that_are_off_are_marked,
    a_tensor_of_many_is_named,
    not_a_number_never_agrees,
    a_changed_weight_shows_everywhere,
    slopes_of_rectifiers_are_no_excuse,
    another_activation_is_noticed,
    vectors_of_spectral_normalisation_are_compared,
    missing_and_unknown_names_are_told,
    wrong_shapes_are_told,
    trajectories_of_the_optimiser_are_compared,
    sampler_steps_are_compared,
    the_channel_that_is_descended_matters,
    weight_updates_are_compared,
    stimuli_are_compared,
    unusable_files_get_one_line_and_the_others_are_checked,
    wrong_usage_is_status_2,
]


def main():
    if not os.path.exists(os.path.join(REFERENCE, SMALL)):
        print(f"skipped: there are no reference files in '{REFERENCE}'")
        return 77
    for test in TESTS:
        with tempfile.TemporaryDirectory() as folder:
            test(Workshop(folder))
        print(f"ok: {test.__name__}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
