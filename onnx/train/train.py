"""Trains the networks and leaves, per network and seed, a `.keras` file and a
record of its test accuracy in the work folder. A run whose record exists is
skipped, so an interrupted session continues where it stopped.
"""

import argparse
import json
import os
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf

import data
from networks import NETWORKS
from recipe import RECIPE

# Lines that a training prints; the steps are a multiple of it.
REPORTS = 20


def run_name(name, seed):
    return f"{name}-seed{seed}"


def lit(images, recipe, channels, seed):
    """Training images [n, 28, 28, channels] in [0, 1] with the recipe's light behind them and its noise over them,
    both of them different for each image; `channels` has a 1 for each channel that the data set uses, else a 0."""
    count = tf.shape(images)[0]
    light_seed, strength_seed, noise_seed = tf.unstack(tf.random.experimental.stateless_split(seed, 3))
    light = recipe.light * tf.random.stateless_uniform([count, 1, 1, images.shape[3]], light_seed)
    strength = recipe.noise * tf.random.stateless_uniform([count, 1, 1, 1], strength_seed)
    noise = strength * tf.random.stateless_normal(tf.shape(images), noise_seed)
    uncovered = 1 - tf.reduce_max(images, axis=3, keepdims=True)
    return images + channels * (uncovered * light + noise)


def batches(split, heads, recipe, seed):
    """Shuffled batches without end. Only row numbers go through the shuffle
    buffer; the images stay bytes in one tensor until a batch is gathered."""
    images = tf.constant(split.images)
    labels = [tf.constant(split.labels[head]) for head in heads]
    channels = tf.constant(split.images.any(axis=(0, 1, 2)), tf.float32)

    def gather(step, rows):
        scaled = tf.cast(tf.gather(images, rows), tf.float32) / 255
        shown = lit(scaled, recipe, channels, tf.stack([seed, step]))
        return shown, tuple(tf.gather(label, rows) for label in labels)

    rows = tf.data.Dataset.range(len(split)).shuffle(len(split), seed=seed)
    rows = rows.batch(recipe.batch, drop_remainder=True).repeat()
    return rows.enumerate().map(gather).prefetch(4)


def accuracy(model, split, heads):
    """Share of right answers per head."""
    outputs = model.predict(data.scaled(split.images), batch_size=512, verbose=0)
    outputs = [outputs] if len(heads) == 1 else outputs
    return {head: float(np.mean(output.argmax(-1) == split.labels[head]))
            for head, output in zip(heads, outputs, strict=True)}


def started(network, seed):
    """The model at the random start of its training."""
    keras.utils.set_random_seed(seed)
    return network.build()


def optimizer(model, recipe):
    """AdamW by the recipe, whose decay takes the convolutions' kernels only."""
    warmup = round(recipe.steps * recipe.warmup)
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, recipe.steps - warmup, warmup_target=recipe.learning_rate, warmup_steps=warmup)
    adam = keras.optimizers.AdamW(schedule, weight_decay=recipe.decay)
    kernels = [layer.kernel for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    adam.exclude_from_weight_decay([weight for weight in model.trainable_weights
                                    if not any(weight is kernel for kernel in kernels)])
    return adam


def fit(network, seed, train, recipe):
    """A trained model."""
    model = started(network, seed)
    model.compile(optimizer(model, recipe),
                  loss=["sparse_categorical_crossentropy"] * len(network.heads),
                  jit_compile=False)
    model.fit(batches(train, network.heads, recipe, seed), verbose=2,
              epochs=REPORTS, steps_per_epoch=recipe.steps // REPORTS)
    return model


def train_one(name, seed, options):
    record = options.work / f"{run_name(name, seed)}.json"
    if record.exists():
        print(f"{run_name(name, seed)}: already trained", flush=True)
        return
    network = NETWORKS[name]
    train, test = data.load(network.dataset, options.data, options.trial)
    start = time.monotonic()
    model = fit(network, seed, train, RECIPE)
    minutes = (time.monotonic() - start) / 60
    model.save(options.work / f"{run_name(name, seed)}.keras")
    # Written last: its presence says that the run is complete.
    record.write_text(json.dumps({
        "seed": seed, "recipe": RECIPE.text(),
        "epochs": RECIPE.steps * RECIPE.batch / len(train), "train": train.name, "samples": len(train),
        "test": test.name, "test_samples": len(test),
        "accuracy": accuracy(model, test, network.heads),
        "minutes": round(minutes, 1),
    }, indent=1))
    print(run_name(name, seed), record.read_text(), flush=True)


def plan():
    """Every run in order: first what is shipped, then the further seeds."""
    shipped = [(name, network.seeds[0]) for name, network in NETWORKS.items()]
    further = [(name, seed) for name, network in NETWORKS.items()
               for seed in network.seeds[1:]]
    return shipped + further


def main():
    here = Path(__file__).parent
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("networks", nargs="*", help="all of them if none is named")
    parser.add_argument("--data", type=Path, default=here / "work/line",
                        help="folder with the Line data in train/ and test/")
    parser.add_argument("--work", type=Path, default=here / "work")
    parser.add_argument("--seeds", type=int, nargs="*", help="these seeds only")
    parser.add_argument("--trial", action="store_true",
                        help="measure on the validation set instead of the test set")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    # One thread adds in one order, so the same seed gives the same weights.
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    for name, seed in plan():
        if name in (options.networks or [name]) and seed in (options.seeds or [seed]):
            train_one(name, seed, options)


if __name__ == "__main__":
    main()
