"""A run that was interrupted and resumed leaves the same checkpoint, byte for byte, as one that was not."""

import h5py
from nrflv_runs import Workplace, check, same_bytes

# What each way of training adds to the state that has to survive.
VARIANTS = {
    "thesis_like": [],
    "previous_sgd": ["--initializer", "previous", "--weights_optimizer", "sgd", "--randomize_neg_its"],
    "zeros_neg_ff_init": ["--initializer", "zeros", "--neg_ff_init", "--state_optimizer", "adam", "--sigma", "0.01"],
    "random_nesterov": ["--initializer", "random", "--state_optimizer", "nesterov", "--momentum_param", "0.5"],
    "layer_norm_relu": ["--initter_network_layer_norm", "--no_initter_network_weight_norm", "--activation", "leaky_relu",
                        "--states_activation", "relu"],
}


def batches_in_two_sessions(place, variant, options):
    """3 batches and 3 batches; an epoch ends on the way, and the saves of the one run fall elsewhere."""
    place.train(f"{variant}_whole", *options, "--max_batches", 12, "--epochs", 3)
    place.train(f"{variant}_parts", *options, "--max_batches", 5, "--epochs", 3)
    place.resume(f"{variant}_parts", "--max_batches", 7)
    same_bytes(place.model(f"{variant}_whole"), place.model(f"{variant}_parts"), variant)


def the_files_hold_what_they_should(place):
    with h5py.File(place.model("thesis_like_whole")) as f:
        check(f["progress"].attrs["batches"] == 12, "12 batches should be done")
        check(f["progress"].attrs["epoch"] == 1, "the second epoch should be under way: 44 images are 11 batches of 4")
        check(f["replay_buffer/layer_0"].shape == (48, 3, 32, 32), "the buffer should hold all 48 samples")
        check(f["model_optimizer"].attrs["step"] == 12, "Adam should have made 12 steps")
        check("states" not in f, "nothing is left over between batches")
    with h5py.File(place.model("previous_sgd_whole")) as f:
        check(f["states/positive/layer_1"].shape == (4, 8, 8, 8), "the previous states belong into the file")


def every_epoch_has_its_own_order(place):
    place.train("order", "--max_batches", 12, "--epochs", 3, "--save_pos_images", "--img_logging_interval", 11)
    pictures = place.directory / "exps" / "samples" / "order"
    first, second = ((pictures / f"p0_{batch:06d}.png").read_bytes() for batch in (0, 11))
    check(first != second, "the second epoch begins with the images of the first")


def threads_do_not_matter(place):
    place.train("two_threads", "--max_batches", 12, "--epochs", 3, "--threads", 2)
    same_bytes(place.model("thesis_like_whole"), place.model("two_threads"), "two threads")


def a_loaded_model_goes_on_under_a_new_name(place):
    place.train("base", "--max_batches", 5, "--epochs", 3)
    before = place.model("base").read_bytes()
    place.run("--train", "--threads", 1, "--load_model", "base", "--model_name", "copy", "--max_batches", 7)
    same_bytes(place.model("thesis_like_whole"), place.model("copy"), "loaded")
    check(place.model("base").read_bytes() == before, "--load_model changed the loaded model")


def main():
    with Workplace() as place:
        for variant, options in VARIANTS.items():
            batches_in_two_sessions(place, variant, options)
        the_files_hold_what_they_should(place)
        every_epoch_has_its_own_order(place)
        threads_do_not_matter(place)
        a_loaded_model_goes_on_under_a_new_name(place)


main()
