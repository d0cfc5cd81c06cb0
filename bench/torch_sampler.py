#!/usr/bin/env python3
"""One sampler step (SGHMC on the states of an NRFLV) in plain, eager PyTorch: the baseline of the speed comparison.

It is written as a good PyTorch user would write it. What depends on the weights alone (weight normalisation, the
inverse mass matrix) is done once; the weights take no gradient; the optimiser works in place under no_grad; there is
no loop over the batch. What the energy network computes is left as the model defines it: the rewrites of the graph
are what the comparison is about.

    torch_sampler.py --architecture FILE --batch_size 128 --steps 20 --threads 2     seconds per step
    torch_sampler.py --check ../shared/reference/sampler_step.h5                     are its numbers right?

FILE is an architecture file (data/architectures/NAME.json), or a name when --architectures_json gives a file that
holds many. The check needs h5py.
"""

import argparse
import json
import math
import os
import statistics
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

# The tabulated padding of these kernels does not count (unless it is 0); other kernels use what the table says.
PADDING_OF_KERNEL = {1: 0, 3: 1, 7: 3, 11: 5}
CONV, CONV_TRANSPOSED, FULLY_CONNECTED = 1, 2, 3  # status of an input; 0 is both convolutions side by side
FC_WIDTH = 64

ACTIVATIONS = {"swish": F.silu, "relu": F.relu, "leaky_relu": F.leaky_relu}
STATE_ACTIVATIONS = {"hardtanh": F.hardtanh, "hardsig": lambda x: F.hardtanh(x, 0.0, 1.0), "relu": F.relu}

# The thesis settings.
STEP_SIZE = 0.1
FRICTION = 0.1
MIN_SQ_SIGMA, MAX_SQ_SIGMA = 9e-5, 1e-4
BURN_IN_STEPS = 100


def padding_for(kernel, tabulated):
    return 0 if tabulated == 0 else PADDING_OF_KERNEL.get(kernel, tabulated)


# --- the energy -------------------------------------------------------------------------------------------------


class CctLayer(nn.Module):
    """A convolution, a transposed convolution, or both side by side with half of the channels each."""

    def __init__(self, in_channels, out_channels, kernel, padding, status):
        super().__init__()
        self.status = status
        padding = padding_for(kernel, padding)
        out_each = out_channels // 2 if status == 0 else out_channels
        if status != CONV_TRANSPOSED:
            self.conv = nn.Conv2d(in_channels, out_each, kernel, padding=padding)
        if status != CONV:
            self.conv_T = nn.ConvTranspose2d(in_channels, out_each, kernel, padding=padding)

    def forward(self, x):
        if self.status == CONV:
            return self.conv(x)
        if self.status == CONV_TRANSPOSED:
            return self.conv_T(x)
        return torch.cat((self.conv(x), self.conv_T(x)), dim=1)


class DenseBlock(nn.Module):
    """Every stage reads the block's input and the outputs of all earlier stages."""

    def __init__(self, in_channels, stages, growth, kernel, status, activation):
        super().__init__()
        self.activation = activation
        self.cctb_blocks = nn.ModuleList()
        for stage in range(stages):
            stage_layers = nn.Sequential(
                nn.Conv2d(in_channels + stage * growth, growth, 1), CctLayer(growth, growth, kernel, kernel // 2, status)
            )
            self.cctb_blocks.append(nn.ModuleDict({"block": stage_layers}))  # the published parameter names

    def forward(self, x):
        for stage in self.cctb_blocks:
            x = torch.cat((x, self.activation(stage["block"](x))), dim=1)
        return x


class ConvolutionalPart(nn.Module):
    def __init__(self, arch, layer, inputs, activation):
        super().__init__()
        self.sources = [source for source, _, _ in inputs]
        self.activation = activation
        channels, *self.size = arch["state_sizes"][layer]
        base_channels = arch["num_ch_base"]
        self.base_cctls = nn.ModuleList(
            nn.ModuleList([CctLayer(arch["state_sizes"][source][0], base_channels, kernel, padding, status)])
            for source, status, (kernel, padding) in inputs
        )
        wide = base_channels * len(inputs)
        stages = arch["mod_num_lyr_dict"][str(layer)]
        kernel = arch["main_kern_dict"][str(layer)]
        if stages == 0:
            self.top_net = nn.Sequential(
                nn.Conv2d(wide, base_channels, 1), CctLayer(base_channels, channels, kernel, kernel // 2, CONV)
            )
        else:
            statuses = {status for _, status, _ in inputs}
            growth = arch["growth_rate"]
            self.top_net = nn.Sequential(
                DenseBlock(wide, stages, growth, kernel, statuses.pop() if len(statuses) == 1 else 0, activation),
                nn.Conv2d(wide + stages * growth, channels, 1),
            )

    def forward(self, activated):
        bases = []
        for source, (cct,) in zip(self.sources, self.base_cctls):
            y = cct(activated[source])
            if list(y.shape[-2:]) != self.size:
                y = F.interpolate(y, size=self.size, mode="nearest")
            bases.append(self.activation(y))
        return self.top_net(torch.cat(bases, dim=1))


class FullyConnectedPart(nn.Module):
    def __init__(self, arch, layer, sources, activation):
        super().__init__()
        self.sources = sources
        self.activation = activation
        self.size = arch["state_sizes"][layer]
        # Activations stand between the layers, so the layers have the even numbers.
        widths = [sum(math.prod(arch["state_sizes"][source]) for source in sources)]
        widths += [FC_WIDTH] * (1 + arch["mod_num_lyr_dict"][str(layer)])
        widths += [math.prod(self.size)]
        self.net = nn.ModuleDict({str(2 * n): nn.Linear(*widths[n : n + 2]) for n in range(len(widths) - 1)})

    def forward(self, activated):
        *hidden, last = self.net.values()
        x = torch.cat([activated[source].flatten(1) for source in self.sources], dim=1)
        for linear in hidden:
            x = self.activation(linear(x))
        return last(x).unflatten(1, self.size)


class QuadraticNet(nn.Module):
    """The network of one layer: its convolutional and its fully connected part, added."""

    def __init__(self, arch, layer, activation):
        super().__init__()
        key = str(layer)
        # Lists of unequal length are cut to the shortest, as in the published implementation.
        inputs = list(
            zip(arch["mod_connect_dict"][key], arch["mod_cct_status_dict"][key], arch["base_kern_pad_dict"][key])
        )
        convolutional = [entry for entry in inputs if entry[1] != FULLY_CONNECTED]
        connected = [source for source, status, _ in inputs if status == FULLY_CONNECTED]
        self.densecctblock = ConvolutionalPart(arch, layer, convolutional, activation) if convolutional else None
        self.fc_net = FullyConnectedPart(arch, layer, connected, activation) if connected else None

    def forward(self, activated):
        parts = [part(activated) for part in (self.densecctblock, self.fc_net) if part is not None]
        return sum(parts[1:], start=parts[0])


class Energy(nn.Module):
    """Total energy of a batch: sum over layers of |s|^2 / 2 - <b, s> - <s, f> / 2."""

    def __init__(self, arch, activation="swish", states_activation="hardtanh"):
        super().__init__()
        self.state_sizes = arch["state_sizes"]
        self.states_activation = STATE_ACTIVATIONS[states_activation]
        self.biases = nn.ParameterList(torch.zeros(1, *size) for size in self.state_sizes)
        self.quadratic_nets = nn.ModuleList(
            QuadraticNet(arch, layer, ACTIVATIONS[activation]) for layer in range(len(self.state_sizes))
        )

    def forward(self, states):
        activated = [self.states_activation(s) for s in states]
        # (s/2 - b - f/2) s, in one pass over each layer's elements
        return sum(
            (s * (0.5 * (s - net(activated)) - b)).sum() for s, b, net in zip(states, self.biases, self.quadratic_nets)
        )


def load_parameters(energy, stored):
    """Fills the model from a mapping of the published names to arrays; weight normalisation is folded into the weights."""
    for name, parameter in energy.named_parameters():
        if name.startswith("biases."):
            value = torch.as_tensor(stored[name + ".weight"])
        elif name + "_g" in stored:
            g, v = (torch.as_tensor(stored[name + part]) for part in ("_g", "_v"))
            value = g * v / v.flatten(1).norm(dim=1).view_as(g)
        else:
            value = torch.as_tensor(stored[name])
        with torch.no_grad():
            parameter.copy_(value.view_as(parameter))


# --- the sampler ------------------------------------------------------------------------------------------------


def inverse_mass_matrix(channels):
    """Circulant: the density of a normal distribution at the circular distance of two channels. None for few channels."""
    if channels < 6:
        return None
    knots = ((8, 0.1), (16, 0.3), (32, 0.55))  # constant outside, linear between
    if channels <= knots[0][0]:
        sd = knots[0][1]
    elif channels >= knots[-1][0]:
        sd = knots[-1][1]
    else:
        (c0, sd0), (c1, sd1) = next((a, b) for a, b in zip(knots, knots[1:]) if channels <= b[0])
        sd = sd0 + (sd1 - sd0) * (channels - c0) / (c1 - c0)
    index = torch.arange(channels, dtype=torch.float64)
    distance = (index[:, None] - index[None, :]).abs()
    distance = torch.minimum(distance, channels - distance)
    density = torch.exp(-0.5 * (distance / sd) ** 2) / (sd * math.sqrt(2.0 * math.pi))
    density[density < 1e-15] = 0.0
    return density.float()[:, :, None, None]


class Sghmc:
    """Adaptive SGHMC for one layer."""

    def __init__(self, state):
        self.step_count = 0
        self.momentum = torch.zeros_like(state)
        self.tau, self.g, self.v_hat = (torch.ones_like(state) for _ in range(3))
        self.inverse_mass = inverse_mass_matrix(state.shape[1])

    def draw_noise(self):
        # Drawn in the order of memory: filling a channels-last tensor takes a path about ten times slower.
        batch, channels, height, width = self.momentum.shape
        if self.momentum.is_contiguous():
            return torch.randn(batch, channels, height, width)
        return torch.randn(batch, height, width, channels).permute(0, 3, 1, 2)

    def mix(self, p):
        return p if self.inverse_mass is None else F.conv2d(p, self.inverse_mass)

    @torch.no_grad()
    def step(self, state, gradient, noise=None):
        self.step_count += 1
        minv = self.v_hat.rsqrt()
        if self.step_count <= BURN_IN_STEPS:
            r = 1.0 / (self.tau + 1.0)
            self.tau.sub_(self.tau * self.g.square() / self.v_hat).add_(1.0)
            self.g.lerp_(gradient, r)
            self.v_hat.lerp_(gradient.square(), r)
        # the noise estimate of the thesis settings is 0, so the variance has no term in minv^2
        sigma = minv.mul(2.0 * STEP_SIZE**2 * FRICTION).sub_(STEP_SIZE**4).clamp_(MIN_SQ_SIGMA, MAX_SQ_SIGMA).sqrt_()
        noise = self.draw_noise() if noise is None else noise
        self.momentum.sub_(self.mix(self.momentum), alpha=FRICTION)
        self.momentum.addcmul_(minv, gradient, value=-(STEP_SIZE**2)).addcmul_(sigma, noise)
        state.add_(self.mix(self.momentum))


class Sampler:
    """A phase: its states (updated in place) and one optimiser per layer."""

    def __init__(self, energy, states, clamp_image):
        self.energy = energy
        self.states = [s.requires_grad_() for s in states]
        self.first_free = 1 if clamp_image else 0
        self.states[0].requires_grad_(not clamp_image)
        self.optimisers = [Sghmc(s) for s in self.states[self.first_free :]]

    def step(self, noise=None):
        """noise: one standard normal field per free layer, or None to draw them. Returns the energy before the step."""
        free = self.states[self.first_free :]
        total = self.energy(self.states)
        gradients = torch.autograd.grad(total, free)
        for n, (state, gradient, optimiser) in enumerate(zip(free, gradients, self.optimisers)):
            optimiser.step(state, gradient, None if noise is None else noise[n])
        with torch.no_grad():
            for state in self.states:
                state.clamp_(-1.0, 1.0)
        return total.detach()


# --- programs ---------------------------------------------------------------------------------------------------


def load_architecture(name_or_path, collection):
    path = collection or name_or_path
    if not path.endswith(".json"):
        here = os.path.dirname(os.path.abspath(__file__))
        path = os.path.join(here, "..", "data", "architectures", name_or_path + ".json")
    with open(path, encoding="utf-8") as file:
        arch = json.load(file)
    if collection:
        arch = arch["architectures"][name_or_path]
    if arch.get("spec_norm_reg") is True:
        sys.exit(f"{name_or_path}: architectures with spectral normalisation are not part of this comparison")
    return arch


def make_sampler(arch, batch_size, channels_last, clamp_image, seed=1):
    torch.manual_seed(seed)
    energy = Energy(arch).requires_grad_(False)
    states = [torch.rand(batch_size, *size) * 2.0 - 1.0 for size in arch["state_sizes"]]
    if channels_last:
        energy = energy.to(memory_format=torch.channels_last)
        states = [s.contiguous(memory_format=torch.channels_last) for s in states]
    return Sampler(energy, states, clamp_image)


def print_profile(sampler, steps):
    from torch.profiler import ProfilerActivity, profile

    with profile(activities=[ProfilerActivity.CPU]) as recorded:
        for _ in range(steps):
            sampler.step()
    print(f"profile over {steps} steps:")
    print(recorded.key_averages().table(sort_by="self_cpu_time_total", row_limit=20, max_name_column_width=45))


def run_benchmark(args):
    arch = load_architecture(args.architecture, args.architectures_json)
    layout = {"auto": (False, True), "nchw": (False,), "channels_last": (True,)}[args.layout]
    samplers = [make_sampler(arch, args.batch_size, channels_last, args.clamp_image) for channels_last in layout]

    def seconds(sampler):
        start = time.perf_counter()
        sampler.step()
        return time.perf_counter() - start

    for sampler in samplers:
        for _ in range(args.warmup):
            sampler.step()
    if len(samplers) > 1:  # the better layout is the baseline
        trial = [statistics.median(seconds(sampler) for _ in range(3)) for sampler in samplers]
        for channels_last, value in zip(layout, trial):
            print(f"trial {'channels_last' if channels_last else 'nchw'} {value:.4f}")
        best = trial.index(min(trial))
        samplers, layout = [samplers[best]], (layout[best],)
    (sampler,) = samplers

    times = [seconds(sampler) for _ in range(args.steps)]
    median = statistics.median(times)
    print(f"torch {torch.__version__} threads {torch.get_num_threads()} batch_size {args.batch_size} steps {args.steps}")
    print(f"layout {'channels_last' if layout[0] else 'nchw'}")
    print(f"fastest_seconds_per_step {min(times):.4f}")
    print(f"slowest_seconds_per_step {max(times):.4f}")
    print(f"median_seconds_per_step {median:.4f}")
    print(f"images_steps_per_second {args.batch_size / median:.1f}")
    if args.profile:
        print_profile(sampler, min(args.steps, 3))


def check_phase(energy, phase, noise_group, clamp_image):
    """Largest error over the steps relative to the largest magnitude, for the energy, the states and the momentum."""

    def layers(group, take=lambda d: d[()]):
        return {int(name[-1]): torch.as_tensor(take(data)) for name, data in group.items()}

    def relative(got, want):
        return float((got.double() - want.double()).abs().max() / want.double().abs().max())

    initial, noise, wanted = layers(phase["initial_states"]), layers(noise_group), layers(phase["states"])
    count = len(initial)
    sampler = Sampler(energy, [initial[layer].clone() for layer in range(count)], clamp_image)
    free = range(sampler.first_free, count)
    errors = {"energy": 0.0, "states": 0.0, "momentum": 0.0}
    for step in range(wanted[0].shape[0]):
        total = sampler.step([noise[layer][step] for layer in free])
        errors["energy"] = max(errors["energy"], relative(total, torch.tensor(phase["total_energy"][step])))
        for layer in range(count):
            errors["states"] = max(errors["states"], relative(sampler.states[layer].detach(), wanted[layer][step]))
    momenta = layers(phase["optimizer_state_after_last_step/momentum"])
    for layer, optimiser in zip(free, sampler.optimisers):
        errors["momentum"] = max(errors["momentum"], relative(optimiser.momentum, momenta[layer]))
    return errors


def run_check(path):
    """Recomputes the stored sampler steps with the stored noise. Returns the exit status."""
    import h5py

    limits = {"energy": 2e-6, "states": 5e-6, "momentum": 1e-5}  # suggested beside the reference numbers

    def text(value):
        return value.decode() if isinstance(value, bytes) else str(value)

    with h5py.File(path) as steps:
        with h5py.File(os.path.join(os.path.dirname(path), text(steps.attrs["parameters_file"]))) as model:
            arch = json.loads(text(model.attrs["architecture_dictionary_json"]))
            arch["state_sizes"] = json.loads(text(model.attrs["state_sizes_json"]))
            stored = {}
            model[text(steps.attrs["parameters_group"])].visititems(
                lambda name, item: stored.__setitem__(name, item[()]) if hasattr(item, "shape") else None
            )
        energy = Energy(arch).requires_grad_(False)
        load_parameters(energy, stored)
        failed = False
        for name, clamp_image in (("negative_phase", False), ("positive_phase", True)):
            errors = check_phase(energy, steps[name], steps["negative_phase/noise_z"], clamp_image)
            for quantity, error in errors.items():
                good = error <= limits[quantity]  # a NaN is not good
                failed |= not good
                print(f"{name} {quantity}: {error:.2e} (limit {limits[quantity]:.0e}) {'ok' if good else 'WRONG'}")
    return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--architecture", default="NRFLV_CIFAR_4SL_small_densebackw_wideSL1base",
                        help="a file, or a name in data/architectures")
    parser.add_argument("--architectures_json", help="one file with many architectures, as in the reference numbers")
    parser.add_argument("--batch_size", type=int, default=128)
    parser.add_argument("--steps", type=int, default=20, help="timed steps")
    parser.add_argument("--warmup", type=int, default=3, help="steps before the clock starts")
    parser.add_argument("--threads", type=int, help="default: PyTorch's, all cores")
    parser.add_argument("--clamp_image", action="store_true", help="a step of the positive phase")
    parser.add_argument("--layout", choices=("auto", "nchw", "channels_last"), default="auto",
                        help="memory format; auto tries both and keeps the faster")
    parser.add_argument("--profile", action="store_true", help="also print where the time goes")
    parser.add_argument("--check", metavar="SAMPLER_STEP_H5", help="compare with reference numbers, measure nothing")
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    if args.check:
        return run_check(args.check)
    run_benchmark(args)
    return 0


if __name__ == "__main__":
    sys.exit(main())
