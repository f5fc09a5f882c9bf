"""The bars that the trained networks must clear, as a table; ends with 1 if one of them is not cleared.

Accuracy comes from the training's records. What training left of the random start, and whether a kernel of the first
convolution shows a pattern, is measured here on the kernels of the shipped networks (`--onnx` reads the exported files).
"""

import argparse
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import onnx
from onnx import numpy_helper

from networks import NETWORKS
from train import run_name, started

# Smallest accuracy of a head; Angle is reported without a bar.
ACCURACY = {"Class": 0.99, "Digit": 0.985, "Length": 0.99, "Width": 0.99, "Color": 0.99}
# Largest median correlation of a kernel with its own start.
CORRELATION = 0.3
# A kernel whose norm is at most this part of the largest is faint.
FAINT = 0.1
# Smallest share of patterned kernels among those that are not faint.
PATTERNED = 2 / 3
# Kernels of white noise, and the percentile of their patterns that a patterned kernel exceeds.
NOISE_KERNELS, PERCENTILE = 10_000, 95


@dataclass(frozen=True)
class Kernels:
    """What was measured on the first convolution of one network."""

    correlations: np.ndarray  # of each kernel with its start, over the channels that the data set uses
    norms: np.ndarray
    patterns: np.ndarray
    noise: float  # the pattern that the percentile of white noise has

    @property
    def faint(self):
        return self.norms <= FAINT * self.norms.max()

    @property
    def patterned(self):
        return (self.patterns > self.noise) & ~self.faint


def pattern(kernels):
    """How much of a grating each kernel [n, channels, height, width] is, in [0, 1]: the share of its power outside
    frequency 0 times 1 - entropy / largest entropy of that power, conjugate frequencies taken as one."""
    rows, columns = kernels.shape[2:]
    power = (np.abs(np.fft.fft2(kernels.astype(np.float64))) ** 2).sum(axis=1)
    varying = []
    for v in range(rows):
        for u in range(columns):
            twin = (-v % rows, -u % columns)
            if (v, u) != (0, 0) and (v, u) <= twin:
                varying.append(power[:, v, u] * (1 if twin == (v, u) else 2))
    varying = np.stack(varying, axis=1)
    total = power.sum(axis=(1, 2))
    varying[varying <= 1e-12 * total[:, None]] = 0
    sums = varying.sum(axis=1)
    shares = varying / np.where(sums > 0, sums, 1)[:, None]
    entropy = -(shares * np.log(np.where(shares > 0, shares, 1))).sum(axis=1)
    concentration = np.where(sums > 0, 1 - entropy / np.log(varying.shape[1]), 0)
    return concentration * sums / np.where(total > 0, total, 1)


def noise_pattern(shape):
    """The percentile of the patterns of white noise of one kernel's shape [channels, height, width]."""
    noise = np.random.default_rng(0).standard_normal((NOISE_KERNELS, *shape))
    return float(np.percentile(pattern(noise), PERCENTILE))


def first_kernels(model):
    """The kernels [n, channels, height, width] of a Keras model's first convolution."""
    layer = next(layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D))
    return layer.kernel.numpy().transpose(3, 2, 0, 1)


def first_kernels_of_file(path):
    """The same of an ONNX file."""
    graph = onnx.load(path).graph
    node = next(node for node in graph.node if node.op_type == "Conv")
    return next(numpy_helper.to_array(w) for w in graph.initializer if w.name == node.input[1])


def measure(kernels, start, lit):
    """`lit` lists the channels that the data set uses: the others are left out of the correlation, in which they
    would hide what is left of the start."""
    pairs = zip(kernels[:, lit].reshape(len(kernels), -1), start[:, lit].reshape(len(start), -1), strict=True)
    correlations = [float(np.corrcoef(kernel, start)[0, 1]) if kernel.std() > 0 else 0.0 for kernel, start in pairs]
    return Kernels(np.array(correlations), np.linalg.norm(kernels.reshape(len(kernels), -1), axis=1),
                   pattern(kernels), noise_pattern(kernels.shape[1:]))


def failures(accuracy, kernels):
    """The bars that one network does not clear, in words."""
    found = [f"{head} {value:.2%}" for head, value in accuracy.items() if value < ACCURACY.get(head, 0)]
    if np.median(kernels.correlations) > CORRELATION:
        found.append("the start is left in the kernels")
    if kernels.patterned.sum() < PATTERNED * (~kernels.faint).sum():
        found.append("too few patterned kernels")
    return found


def main():
    here = Path(__file__).parent
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", default=list(NETWORKS), help="all of them if none is named")
    parser.add_argument("--work", type=Path, default=here / "work")
    parser.add_argument("--onnx", type=Path, help="folder with ONNX files, whose kernels are measured instead")
    parser.add_argument("--all-seeds", action="store_true", help="not only the shipped networks")
    options = parser.parse_args()
    print("| network | seed | correlation with the start | patterned kernels | faint | accuracy | fails |")
    print("|---|---:|---:|---:|---:|---|---|")
    failed = False
    for name in options.networks:
        network = NETWORKS[name]
        for seed in network.seeds if options.all_seeds else network.seeds[:1]:
            run = options.work / run_name(name, seed)
            accuracy = json.loads(Path(f"{run}.json").read_text())["accuracy"]
            trained = (first_kernels_of_file(options.onnx / f"{name}.onnx") if options.onnx
                       else first_kernels(keras.models.load_model(f"{run}.keras", compile=False)))
            kernels = measure(trained, first_kernels(started(network, seed)), network.lit)
            found = failures(accuracy, kernels)
            failed |= bool(found)
            heads = ", ".join(f"{head} {value:.2%}" for head, value in accuracy.items())
            print(f"| {name} | {seed} | {np.median(kernels.correlations):.2f} "
                  f"| {kernels.patterned.sum()} of {(~kernels.faint).sum()} | {kernels.faint.sum()} of {len(trained)} "
                  f"| {heads} | {'; '.join(found) or 'none'} |", flush=True)
    sys.exit(int(failed))


if __name__ == "__main__":
    main()
