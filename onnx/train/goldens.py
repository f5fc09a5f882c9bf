"""Writes what TensorFlow computes, for the tests: tests/goldens/<network>.npz.

All arrays are float32 and channels-last, for two inputs a network:
  input                      the images, [2, 28, 28, channels]
  output.<layer>             every layer's output, activation included
  logits.<head>              the head before its softmax
  class.<head>               the predicted class of each image
  gradient.<head>            d logit[class] / d activation of the last convolution
  input_gradient.<head>      the same with respect to the image
  signed_cam.<head>, cam.<head>   Grad-CAM before and after its ReLU, on the layer's grid
  ascent.start               a start image, [28, 28, channels]
  ascent.<layer>.<filter>    the image after ten steps of gradient ascent from it
  ascent.<layer>.<filter>.activation   the activation before each step
"""

import argparse
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf

import data
from networks import NETWORKS
from train import run_name

# Two lines that differ in length, color and angle (both are 3 px wide), and two digits with curves and corners.
LINES, DIGITS = (31, 90), (3, 7)
STEPS, STEP, BORDER = 10, 10.0, 2
# Maps of at most this many cells are averaged whole.
SMALL_MAP = 8
FILTERS = 2


def inputs(network, options):
    """Two images of our own drawing, as the network takes them."""
    if network.dataset == "line":
        split = data.line(options.data / "golden", "lines")
        wanted = [np.flatnonzero(split.labels["Class"] == line)[0] for line in LINES]
        return data.scaled(split.images[wanted])
    images = data.read_idx(options.digits / "images-idx3-ubyte")
    labels = data.read_idx(options.digits / "labels-idx1-ubyte")
    wanted = [np.flatnonzero(labels == digit)[0] for digit in DIGITS]
    return data.scaled(images[wanted][..., None])


def logits_of(layer):
    """A head's Dense layer without its softmax."""
    return lambda x: tf.matmul(x, layer.kernel) + layer.bias


def layer_outputs(model, x):
    """Every layer's output for `x`, by name."""
    layers = [layer for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)]
    outputs = keras.Model(model.inputs, [layer.output for layer in layers])(x, training=False)
    return dict(zip([layer.name for layer in layers], outputs, strict=True))


def last_convolution(model):
    return [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)][-1]


def explanations(network, model, x):
    """Logits, gradients and maps of every head."""
    found = {}
    target = last_convolution(model)
    for head, (name, _) in network.heads.items():
        layer = model.get_layer(name)
        # One model to both ends of the tail, so that the tape connects them.
        both = keras.Model(model.inputs, [target.output, layer.input])
        image = tf.constant(x)
        with tf.GradientTape() as tape:
            tape.watch(image)
            activation, features = both(image, training=False)
            logits = logits_of(layer)(features)
            chosen = tf.argmax(logits, axis=1)
            score = tf.reduce_sum(tf.gather(logits, chosen, axis=1, batch_dims=1))
        gradient, input_gradient = tape.gradient(score, [activation, image])
        alpha = tf.reduce_mean(gradient, axis=(1, 2), keepdims=True)
        signed = tf.reduce_sum(alpha * activation, axis=-1)
        found |= {f"logits.{head}": logits, f"class.{head}": tf.cast(chosen, tf.float32),
                  f"gradient.{head}": gradient, f"input_gradient.{head}": input_gradient,
                  f"signed_cam.{head}": signed, f"cam.{head}": tf.nn.relu(signed)}
    return found


def ascent(model, layer, number, start):
    """The image after the last step, and the activation before each."""
    until = keras.Model(model.inputs, layer.output)
    image, activations = tf.constant(start[None]), []
    for _ in range(STEPS):
        with tf.GradientTape() as tape:
            tape.watch(image)
            channel = until(image, training=False)[..., number]
            edge = BORDER if min(channel.shape[1:3]) > SMALL_MAP else 0
            inner = channel[:, edge:channel.shape[1] - edge, edge:channel.shape[2] - edge]
            activation = tf.reduce_mean(inner)
        gradient = tape.gradient(activation, image)
        norm = tf.sqrt(tf.maximum(tf.reduce_sum(gradient ** 2), 1e-12))
        image += STEP * gradient / norm
        activations.append(float(activation))
    return image[0], np.array(activations, np.float32)


def ascents(model, channels):
    """Ascents of the first filters that answer in the last convolution."""
    layer = last_convolution(model)
    start = 0.5 + (np.random.default_rng(0).random((28, 28, channels)) - 0.5) * 0.25
    start = start.astype(np.float32)
    found, answered = {"ascent.start": start}, 0
    for number in range(layer.filters):
        image, activations = ascent(model, layer, number, start)
        if activations[0] <= 0 or answered == FILTERS:
            continue
        found[f"ascent.{layer.name}.{number}"] = image
        found[f"ascent.{layer.name}.{number}.activation"] = activations
        answered += 1
    return found


def main():
    here = Path(__file__).parent
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", default=list(NETWORKS), help="all of them if none is named")
    parser.add_argument("--data", type=Path, default=here / "work/line", help="folder with the Line data")
    parser.add_argument("--digits", type=Path, default=here / "work/digits", help="folder with drawn digits")
    parser.add_argument("--work", type=Path, default=here / "work")
    parser.add_argument("--out", type=Path, default=here.parent.parent / "tests/goldens")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for name in options.networks:
        network = NETWORKS[name]
        model = keras.models.load_model(options.work / f"{run_name(name, network.seeds[0])}.keras", compile=False)
        x = inputs(network, options)
        arrays = {"input": x}
        arrays |= {f"output.{layer}": value for layer, value in layer_outputs(model, x).items()}
        arrays |= explanations(network, model, x)
        arrays |= ascents(model, network.channels)
        path = options.out / f"{name}.npz"
        np.savez_compressed(path, **{key: np.asarray(value, np.float32) for key, value in arrays.items()})
        print(f"{path.name}: {len(arrays)} arrays, {path.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
