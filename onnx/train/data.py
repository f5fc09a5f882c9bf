"""The two data sets as arrays: u8 images N x 28 x 28 x C and integer labels."""

import gzip
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

LENGTHS = ["7 px", "15 px"]
WIDTHS = ["1 px", "3 px"]
COLORS = ["red", "blue"]
ANGLES = [f"{angle}°" for angle in range(0, 180, 15)]

# Class number = ((length * 2 + width) * 2 + color) * 12 + angle.
LINE_CLASSES = [f"{length} long, {width} wide, {color}, {angle}"
                for length in LENGTHS for width in WIDTHS
                for color in COLORS for angle in ANGLES]

# Seeds of the Line data that the driver script generates.
TRAIN_SEED, TEST_SEED, GOLDEN_SEED, VALIDATION_SEED = 1, 2, 3, 4

# Training images of MNIST that a trial is measured on instead of trained with.
MNIST_HELD_OUT = 5000


@dataclass(frozen=True)
class Split:
    """Images with the labels of every head that the network has."""

    images: np.ndarray
    labels: dict  # head name -> int32 labels
    name: str  # what the split is, for the metadata

    def __len__(self):
        return len(self.images)


def read_idx(path):
    """An IDX file of unsigned bytes, plain or gzip, of any rank."""
    path = Path(path)
    raw = path.read_bytes()
    if path.suffix == ".gz":
        raw = gzip.decompress(raw)
    zero, kind, rank = int.from_bytes(raw[:2]), raw[2], raw[3]
    if zero != 0 or kind != 0x08:
        raise ValueError(f"{path}: not an IDX file of unsigned bytes")
    shape = np.frombuffer(raw, ">u4", rank, 4)
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * rank).reshape(shape)


def line(folder, name):
    """Line data as `convscope dataset line` writes it."""
    images = read_idx(Path(folder) / "line-images-idx4-ubyte")
    length, width, color, angle = (
        read_idx(Path(folder) / "line-labels-idx2-ubyte").astype(np.int32).T)
    labels = {"Length": length, "Width": width, "Color": color, "Angle": angle,
              "Class": ((length * 2 + width) * 2 + color) * 12 + angle}
    return Split(images, labels, name)


def mnist(part):
    """MNIST's "train" or "t10k" part, from CONVSCOPE_MNIST or by download."""
    folder = os.environ.get("CONVSCOPE_MNIST")
    if folder:
        images = read_idx(Path(folder) / f"{part}-images-idx3-ubyte.gz")
        labels = read_idx(Path(folder) / f"{part}-labels-idx1-ubyte.gz")
    else:
        import keras
        pair = keras.datasets.mnist.load_data()
        images, labels = pair[0] if part == "train" else pair[1]
    name = "MNIST training set" if part == "train" else "MNIST test set"
    return Split(images[..., None], {"Digit": labels.astype(np.int32)}, name)


def held_out(split):
    """(the split without its last images, these images), for trials on MNIST, which has no validation set."""
    def part(rows, name):
        labels = {head: values[rows] for head, values in split.labels.items()}
        return Split(split.images[rows], labels, name)

    return (part(slice(None, -MNIST_HELD_OUT), f"{split.name} without its last {MNIST_HELD_OUT}"),
            part(slice(-MNIST_HELD_OUT, None), f"the last {MNIST_HELD_OUT} of {split.name}"))


def load(dataset, folder, trial=False):
    """(training split, split to measure on) of the data set called "line" or
    "mnist". In a trial, the second is for validation: test images stay unseen."""
    if dataset == "mnist":
        return held_out(mnist("train")) if trial else (mnist("train"), mnist("t10k"))
    train = line(Path(folder) / "train", f"Line, seed {TRAIN_SEED}")
    if trial:
        return train, line(Path(folder) / "validation", f"fresh lines, seed {VALIDATION_SEED}")
    return train, line(Path(folder) / "test", f"fresh lines, seed {TEST_SEED}")


def scaled(images):
    """What every network expects: floats in [0, 1]."""
    return images.astype(np.float32) / 255
