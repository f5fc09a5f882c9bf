"""The six networks of the chapter, layer by layer.

Layer names matter: the ONNX files, the goldens and the chapter's tables all
speak of `conv2d_2` or `dense_3`, so every name is given here explicitly
instead of being left to Keras's counter.
"""

from dataclasses import dataclass

import keras
from keras import layers

from data import ANGLES, COLORS, LENGTHS, LINE_CLASSES, WIDTHS
from recipe import RECIPE


@dataclass(frozen=True)
class Network:
    """One network of the chapter and the seeds it is trained with."""

    title: str
    dataset: str  # "line" or "mnist"
    heads: dict  # head name -> (its Dense layer, its labels), in output order
    body: callable  # Input tensor -> {head name: tensor}
    parameters: tuple  # (total, non-trainable) as the chapter prints them
    seeds: tuple = (11,)  # the first one is shipped

    @property
    def channels(self):
        return 3 if self.dataset == "line" else 1

    @property
    def lit(self):
        """The channels that the data set uses: no line has green in it."""
        return [0, 2] if self.dataset == "line" else [0]

    def build(self):
        """A fresh Keras model, refused if its parameter counts are off."""
        image = keras.Input((28, 28, self.channels), name="Input_Image")
        tensors = self.body(image)
        model = keras.Model(image, [tensors[head] for head in self.heads])
        fixed = sum(w.shape.num_elements() for w in model.non_trainable_weights
                    if "seed_generator" not in w.path)
        assert (model.count_params(), fixed) == self.parameters, (
            self.title, model.count_params(), fixed)
        return model


def conv(filters, size, index, padding="valid", scale=1.0):
    start = keras.initializers.VarianceScaling(scale ** 2, "fan_avg", "uniform")
    return layers.Conv2D(filters, size, padding=padding, activation="relu",
                         kernel_initializer=start,
                         bias_initializer=keras.initializers.Constant(RECIPE.bias),
                         name=f"conv2d_{index}")


def first_conv(filters, size, index, padding="valid"):
    """The convolution that sees the image, with the recipe's small start."""
    return conv(filters, size, index, padding, RECIPE.start)


def pool(index, stride=2):
    return layers.MaxPooling2D(2, strides=stride, name=f"max_pooling2d_{index}")


def dense(units, index, activation="relu"):
    return layers.Dense(units, activation=activation,
                        kernel_regularizer=keras.regularizers.L2(RECIPE.penalty),
                        name=f"dense_{index}")


def head(labels, index):
    return dense(len(labels), index, activation="softmax")


def base(name, labels):
    """One convolution, one pooling, two dense layers."""
    def body(x):
        x = first_conv(32, 7, 2)(x)
        x = layers.BatchNormalization(name="batch_normalization_2")(x)
        x = pool(2)(x)
        x = layers.Flatten(name="flatten_2")(x)
        x = dense(1024, 3)(x)
        return {name: head(labels, 4)(x)}
    return body


def deep(x):
    """Three convolutions, for the 96 line classes."""
    x = pool(6)(first_conv(32, 3, 8)(x))
    x = pool(7)(conv(64, 3, 9, padding="same")(x))
    x = conv(128, 3, 10, padding="same")(x)
    x = layers.BatchNormalization(name="batch_normalization_4")(x)
    x = layers.Flatten(name="flatten_4")(x)
    x = dense(1024, 7)(x)
    return {"Class": head(LINE_CLASSES, 8)(x)}


def variation_1(x):
    """No pooling, and a dense layer of its own for every head."""
    x = conv(4, 5, 2)(first_conv(4, 3, 1)(x))
    x = layers.Flatten(name="flatten_1")(x)
    own = [dense(64, index)(x) for index in (1, 2, 3, 4)]
    return {name: head(labels, 5 + i)(own[i])
            for i, (name, labels) in enumerate(ATTRIBUTES.items())}


def variation_2(x):
    """Large first kernels; the second pooling moves by one pixel only."""
    x = pool(1)(first_conv(8, 7, 1, padding="same")(x))
    x = pool(2, stride=1)(conv(6, 5, 2)(x))
    x = layers.Flatten(name="flatten_1")(x)
    shared, angle = dense(128, 1)(x), dense(256, 5)(x)
    return {"Length": head(LENGTHS, 2)(shared), "Width": head(WIDTHS, 3)(shared),
            "Color": head(COLORS, 4)(shared), "Angle": head(ANGLES, 6)(angle)}


def variation_3(x):
    """Small kernels, two poolings, the fewest parameters of the six."""
    x = pool(1)(first_conv(10, 5, 1, padding="same")(x))
    x = pool(2)(conv(8, 3, 2)(x))
    x = layers.Flatten(name="flatten_1")(x)
    angle, shared = dense(128, 1)(x), dense(64, 3)(x)
    return {"Length": head(LENGTHS, 4)(shared), "Width": head(WIDTHS, 5)(shared),
            "Color": head(COLORS, 6)(shared), "Angle": head(ANGLES, 2)(angle)}


ATTRIBUTES = {"Length": LENGTHS, "Width": WIDTHS, "Color": COLORS, "Angle": ANGLES}
DIGITS = [str(digit) for digit in range(10)]


def attribute_heads(*indices):
    return {name: (f"dense_{index}", labels)
            for index, (name, labels) in zip(indices, ATTRIBUTES.items())}


# The three variations are compared with each other, each with three seeds.
VARIATION = dict(dataset="line", seeds=(11, 12, 13))

NETWORKS = {
    "base-mnist": Network(
        "Base model over MNIST data", "mnist", {"Digit": ("dense_4", DIGITS)},
        base("Digit", DIGITS), (3_977_930, 64)),
    "variation-1": Network(
        "Question 2 - Variation 1 model", heads=attribute_heads(5, 6, 7, 8),
        body=variation_1, parameters=(497_558, 0), **VARIATION),
    "variation-2": Network(
        "Question 2 - Variation 2 model", heads=attribute_heads(2, 3, 4, 6),
        body=variation_2, parameters=(193_256, 0), **VARIATION),
    "variation-3": Network(
        "Question 2 - Variation 3 model", heads=attribute_heads(4, 5, 6, 2),
        body=variation_3, parameters=(58_914, 0), **VARIATION),
    "base-line": Network(
        "Base model over Line data", "line", {"Class": ("dense_4", LINE_CLASSES)},
        base("Class", LINE_CLASSES), (4_069_216, 64)),
    "deep-line": Network(
        "Deep model on Line dataset", "line", {"Class": ("dense_8", LINE_CLASSES)},
        deep, (4_911_776, 256)),
}
