"""150 updates on real images: the initialiser network learns, the energies stay finite, pictures come out."""

import math
import sys

from nrflv_runs import SHARED, SOURCE, Workplace, check

try:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
except ImportError:
    print("left out: there is no tensorboard package for this Python")
    sys.exit(77)

IMAGES = SHARED / "data"
UPDATES = 150
RUN = ["--train", "--model_name", "real", "--seed", "1", "--data_dir", IMAGES, "--architectures_dir",
       SOURCE / "data" / "architectures", "--architecture", "demo_colour_3SL", "--batch_size", "32", "--num_it_pos", "20",
       "--num_it_neg", "20", "--initter_network_lr", "0.2", "--max_batches", UPDATES, "--scalar_logging_interval", "20",
       "--no_log_histograms", "--img_logging_interval", "50"]


def curve(place, tag):
    log = EventAccumulator(str(place.directory / "exps" / "tblogs" / "real"), size_guidance={"scalars": 0})
    log.Reload()
    return [event.value for event in log.Scalars(tag)]


def main():
    if not (IMAGES / "cifar-10-batches-bin").exists():
        print(f"left out: no images in {IMAGES}")
        sys.exit(77)
    with Workplace() as place:
        place.run(*RUN)
        losses = curve(place, "Initializer/total_loss")
        first, last = losses[0], sum(losses[-20:]) / 20
        print(f"initialiser loss: {first:.3f} in the first update, at most {max(losses):.3f}, {last:.3f} in the last twenty")
        check(len(losses) == UPDATES and last < first / 2, "the initialiser's loss has not fallen by half")
        for tag in ("train/PosSamplesEnergy", "train/NegSamplesEnergy", "train/loss"):
            check(all(math.isfinite(value) for value in curve(place, tag)), f"{tag} is not finite")
        pictures = place.directory / "exps" / "samples" / "real"
        check(sum(1 for _ in pictures.glob("*.png")) == 3, "three pictures should have been written")


main()
