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


def run_name(name, seed):
    return f"{name}-seed{seed}"


def batches(split, heads, size, seed):
    """Shuffled batches. Only row numbers go through the shuffle buffer; the
    images stay bytes in one tensor until a batch is gathered and scaled."""
    images = tf.constant(split.images)
    labels = [tf.constant(split.labels[head]) for head in heads]

    def gather(rows):
        scaled = tf.cast(tf.gather(images, rows), tf.float32) / 255
        return scaled, tuple(tf.gather(label, rows) for label in labels)

    rows = tf.data.Dataset.range(len(split)).shuffle(len(split), seed=seed)
    return rows.batch(size, drop_remainder=True).map(gather).prefetch(4)


def accuracy(model, split, heads):
    """Share of right answers per head."""
    outputs = model.predict(data.scaled(split.images), batch_size=512, verbose=0)
    outputs = [outputs] if len(heads) == 1 else outputs
    return {head: float(np.mean(output.argmax(-1) == split.labels[head]))
            for head, output in zip(heads, outputs, strict=True)}


def fit(network, seed, train, epochs):
    """A trained model: Adam, the learning rate falling along a cosine to zero
    so that the unexcited weights settle instead of trembling about zero."""
    keras.utils.set_random_seed(seed)
    model = network.build()
    steps = epochs * (len(train) // network.batch)
    warmup = steps // 50
    schedule = keras.optimizers.schedules.CosineDecay(
        network.learning_rate / 10, steps - warmup,
        warmup_target=network.learning_rate, warmup_steps=warmup)
    model.compile(keras.optimizers.Adam(schedule),
                  loss=["sparse_categorical_crossentropy"] * len(network.heads),
                  jit_compile=False)
    model.fit(batches(train, network.heads, network.batch, seed),
              epochs=epochs, shuffle=False, verbose=2)
    return model


def train_one(name, seed, folder, work, epochs):
    record = work / f"{run_name(name, seed)}.json"
    if record.exists():
        print(f"{run_name(name, seed)}: already trained", flush=True)
        return
    network = NETWORKS[name]
    train, test = data.load(network.dataset, folder)
    epochs = epochs or network.epochs
    start = time.monotonic()
    model = fit(network, seed, train, epochs)
    minutes = (time.monotonic() - start) / 60
    model.save(work / f"{run_name(name, seed)}.keras")
    # Written last: its presence says that the run is complete.
    record.write_text(json.dumps({
        "seed": seed, "epochs": epochs, "train": train.name, "samples": len(train),
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
    parser.add_argument("--epochs", type=int, help="instead of the usual number")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    for name, seed in plan():
        if not options.networks or name in options.networks:
            train_one(name, seed, options.data, options.work, options.epochs)


if __name__ == "__main__":
    main()
