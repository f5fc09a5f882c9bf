"""The networks that Keras makes and tf2onnx exports, alone or called by Keras; channels last throughout."""

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

import keras
import numpy as np
import onnx
import tensorflow as tf
import tf2onnx
from keras import layers

from truth import first_usable, image

KERAS, TF2ONNX, CHANNELS_FIRST = "keras", "tf2onnx", "tf2onnx-nchw"


@dataclass
class Network:
    """As for torch: what it is, what a person would explain in it, and how it is exported."""

    # From the input to the outputs, by the layers' names.
    build: Callable
    target: str
    shown: list[str]
    # Height, width, channels.
    size: tuple[int, int, int] = (32, 28, 3)
    exports: list[tuple[str, int]] = field(default_factory=lambda: [(KERAS, 17), (TF2ONNX, 13)])
    # Which output is explained.
    head: int = 0
    # Whether the file takes one image at a time.
    fixed: bool = False


def convolution(x, filters, name, kernel=3, activation="relu", **options):
    """Convolution without bias, batch normalisation, activation."""
    x = layers.Conv2D(filters, kernel, use_bias=False, padding="same", name=name, **options)(x)
    x = layers.BatchNormalization(name=f"{name}_bn")(x)
    return layers.Activation(activation, name=f"{name}_{activation}")(x) if activation else x


def sequential(x):
    """Plain convolutions with bias, valid and same borders, max pooling, a flattened map under two dense layers."""
    x = layers.Conv2D(6, 3, activation="relu", name="conv_1")(x)
    x = layers.MaxPooling2D(2, name="pool_1")(x)
    x = layers.Conv2D(8, 3, strides=2, padding="same", activation="relu", name="conv_2")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(10, activation="tanh", name="dense_1")(layers.Dropout(0.3)(x))
    return layers.Dense(5, activation="softmax", name="scores")(x)


def xception(x):
    """Separable convolutions with a strided shortcut; pooling with the border of `same`."""
    x = convolution(x, 8, "stem", strides=2)
    short = convolution(x, 12, "short", 1, None, strides=2)
    x = layers.SeparableConv2D(12, 3, padding="same", use_bias=False, name="separable")(x)
    x = layers.BatchNormalization(name="separable_bn")(x)
    x = layers.MaxPooling2D(3, strides=2, padding="same", name="pool")(x)
    x = layers.Add(name="add")([x, short])
    x = layers.SeparableConv2D(16, 3, padding="same", activation="relu", name="last")(x)
    x = layers.GlobalAveragePooling2D(name="average")(x)
    return layers.Dense(5, activation="softmax", name="scores")(x)


def mobilenet(x):
    """Explicit, lopsided padding before strided convolutions, as keras.applications has it; ReLU6; inverted residual."""
    x = layers.ZeroPadding2D(((0, 1), (0, 1)), name="pad_1")(x)
    x = layers.Conv2D(8, 3, strides=2, use_bias=False, name="conv_1")(x)
    x = layers.ReLU(6.0, name="relu_1")(layers.BatchNormalization(name="bn_1")(x))
    y = layers.DepthwiseConv2D(3, padding="same", use_bias=False, name="depthwise_1")(x)
    y = layers.ReLU(6.0, name="relu_2")(layers.BatchNormalization(name="bn_2")(y))
    y = layers.BatchNormalization(name="bn_3")(layers.Conv2D(8, 1, use_bias=False, name="project")(y))
    x = layers.Add(name="add")([x, y])
    x = layers.ZeroPadding2D(((0, 1), (0, 1)), name="pad_2")(x)
    x = layers.DepthwiseConv2D(3, strides=2, use_bias=False, name="depthwise_2")(x)
    x = layers.Conv2D(12, 1, use_bias=False, name="last")(layers.ReLU(6.0, name="relu_3")(x))
    x = layers.ReLU(6.0, name="last_relu")(layers.BatchNormalization(name="last_bn")(x))
    x = layers.GlobalAveragePooling2D(keepdims=True, name="average")(x)
    x = layers.Conv2D(5, 1, name="scores")(layers.Dropout(0.1)(x))
    return layers.Activation("softmax", name="softmax")(layers.Reshape((5,), name="reshape")(x))


def efficient_net(x):
    """Rescaling inside the network, swish, squeeze-and-excite, and one sigmoid unit for two classes."""
    x = layers.Rescaling(0.5, offset=0.1, name="rescaling")(x)
    x = convolution(x, 8, "stem", activation="swish", strides=2)
    y = layers.DepthwiseConv2D(5, padding="same", use_bias=False, name="depthwise")(x)
    y = layers.Activation("swish", name="depthwise_swish")(layers.BatchNormalization(name="depthwise_bn")(y))
    gate = layers.Reshape((1, 1, 8), name="squeeze")(layers.GlobalAveragePooling2D(name="gate_average")(y))
    gate = layers.Conv2D(4, 1, activation="swish", name="gate_reduce")(gate)
    gate = layers.Conv2D(8, 1, activation="sigmoid", name="gate_expand")(gate)
    y = layers.Multiply(name="excite")([y, gate])
    x = layers.Add(name="add")([x, convolution(y, 8, "project", 1, None)])
    x = convolution(x, 16, "top", 1, "swish")
    return layers.Dense(1, activation="sigmoid", name="scores")(layers.GlobalAveragePooling2D(name="average")(x))


def decoder(x):
    """Down by strides, up by a transposed convolution and by repetition; a softmax in each pixel."""
    one = convolution(x, 6, "one")
    two = convolution(one, 8, "two", strides=2)
    three = convolution(two, 10, "three", strides=2)
    up = layers.Conv2DTranspose(8, 3, strides=2, padding="same", activation="relu", name="up")(three)
    x = convolution(layers.Concatenate(name="concatenate")([up, two]), 8, "four")
    x = layers.UpSampling2D(2, name="repeat")(x)
    x = convolution(layers.Concatenate(name="concatenate_2")([x, one]), 6, "five")
    return layers.Conv2D(4, 1, activation="softmax", name="scores")(x)


def heads(x):
    """A softmax and a sigmoid head, each with a dense layer of its own."""
    x = layers.Conv2D(8, 3, strides=2, activation="elu", name="conv_1")(x)
    x = layers.AveragePooling2D(3, strides=2, padding="same", name="pool_1")(x)
    x = layers.LeakyReLU(negative_slope=0.2, name="leaky")(layers.Conv2D(8, 3, dilation_rate=2, name="conv_2")(x))
    shared = layers.Flatten(name="flatten")(x)
    kind = layers.Dense(5, activation="softmax", name="kind")(layers.Dense(8, activation="selu", name="kind_1")(shared))
    size = layers.Dense(3, activation="sigmoid", name="size")(layers.Dense(8, activation="softplus", name="size_1")(shared))
    return [kind, size]


def gelu(x):
    """By tanh: the exact one is an operator that tf2onnx writes but ONNX does not have."""
    return keras.activations.gelu(x, approximate=True)


def normalised(x):
    """Group and layer normalisation, PReLU, the largest cell of each channel."""
    x = layers.PReLU(shared_axes=[1, 2], name="prelu_1")(layers.Conv2D(8, 4, strides=2, name="conv_1")(x))
    x = layers.LayerNormalization(epsilon=1e-4, name="layer_norm")(layers.Conv2D(8, 3, name="conv_2")(x))
    x = layers.GroupNormalization(groups=4, name="group_norm")(layers.Conv2D(8, 3, name="conv_3")(x))
    x = layers.GlobalMaxPooling2D(name="largest")(layers.PReLU(shared_axes=[1, 2], name="prelu_2")(x))
    return layers.Dense(5, name="scores")(x)


def conv_next(x):
    """ConvNeXt's blocks: dense layers along channels, which stay last in the file, then the mean of all cells."""
    x = layers.Conv2D(8, 4, strides=4, name="patches")(x)
    for block in (1, 2):
        y = layers.DepthwiseConv2D(7, padding="same", name=f"depthwise_{block}")(x)
        y = layers.LayerNormalization(epsilon=1e-6, name=f"norm_{block}")(y)
        y = layers.Dense(8, name=f"narrow_{block}")(layers.Dense(16, activation=gelu, name=f"wide_{block}")(y))
        x = layers.Add(name=f"add_{block}")([x, y])
    x = layers.LayerNormalization(epsilon=1e-6, name="norm")(layers.GlobalAveragePooling2D(name="average")(x))
    return layers.Dense(5, name="scores")(x)


NETWORKS = {
    "keras-sequential": Network(sequential, "conv_2", ["conv_1", "dense_1"], size=(24, 20, 1), exports=[(KERAS, 17), (TF2ONNX, 9)]),
    "keras-xception": Network(xception, "last", ["stem_relu", "add"], exports=[(KERAS, 15), (TF2ONNX, 11)]),
    "keras-mobilenet": Network(mobilenet, "last_relu", ["relu_1", "add"], exports=[(KERAS, 17), (TF2ONNX, 10)]),
    "keras-efficientnet": Network(efficient_net, "top_swish", ["excite"], exports=[(KERAS, 17), (CHANNELS_FIRST, 13)]),
    "keras-decoder": Network(decoder, "five_relu", ["three_relu", "up"], exports=[(KERAS, 17), (TF2ONNX, 9)]),
    "keras-heads": Network(heads, "leaky", ["conv_1", "pool_1"], exports=[(KERAS, 18), (TF2ONNX, 9)], head=1),
    "keras-normalised": Network(normalised, "prelu_2", ["prelu_1"], exports=[(KERAS, 17), (TF2ONNX, 15)], fixed=True),
    "keras-convnext": Network(conv_next, "add_2", ["add_1"], exports=[(KERAS, 17), (TF2ONNX, 15), (CHANNELS_FIRST, 13)]),
}


def enliven(model, seed):
    """Random weights with the statistics of a trained network in normalisations."""
    random = np.random.default_rng(seed)
    ranges = {"gamma": (0.6, 1.6), "beta": (-0.3, 0.3), "moving_mean": (-0.3, 0.3), "moving_variance": (0.2, 1.2),
              "bias": (-0.3, 0.3), "alpha": (-0.2, 0.5)}
    for weight in model.weights:
        if weight.name in ranges:
            weight.assign(random.uniform(*ranges[weight.name], weight.shape))


def channels_first(array):
    return array.transpose(0, 3, 1, 2) if array.ndim == 4 else array


def explain(model, network, x, number=None):
    """The truth in the model's own precision, with heads below their activations; all maps channels first."""
    for name in model.output_names:
        layer = model.get_layer(name)
        layer.activation = keras.activations.linear
    parts = [model.get_layer(name).output for name in [network.target, *network.shown]]
    traced = keras.Model(model.inputs, [model.outputs, parts])
    x = tf.constant(x)
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(x)
        outputs, (target, *shown) = traced(x, training=False)
        logits = outputs[network.head]
        means = tf.reduce_mean(tf.reshape(logits, (-1, logits.shape[-1])), 0)
        number = int(tf.argmax(means)) if len(means) > 1 else 1
        # A single unit answers for class 1.
        score = means[number] if len(means) > 1 else means[0]
    gradient, input_gradient = tape.gradient(score, [target, x])
    signed = tf.reduce_sum(tf.reduce_mean(gradient, (1, 2), keepdims=True) * target, -1)[0]
    arrays = {"input": x, "logits": logits, "target": target, "target_gradient": gradient, "input_gradient": input_gradient,
              "signed_cam": signed, "cam": tf.nn.relu(signed)}
    arrays |= {f"value.{i}": value for i, value in enumerate(shown)}
    return number, {key: channels_first(array.numpy()) for key, array in arrays.items()}


def made(network, seed, precision):
    """The model with weights of this seed, in `float32` or `float64`."""
    keras.backend.clear_session()
    keras.config.set_floatx(precision)
    keras.utils.set_random_seed(seed)
    inputs = keras.Input(network.size, batch_size=1 if network.fixed else None, name="image")
    model = keras.Model(inputs, network.build(inputs), name="model")
    keras.config.set_floatx("float32")
    return model


def export(model, network, exporter, opset):
    """The model as ONNX, and the layout of its input."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "network.onnx")
        if exporter == KERAS:
            model(np.zeros((1, *network.size), np.float32))
            model.export(path, format="onnx", opset_version=opset, verbose=False)
            return onnx.load(path), "nhwc"
        shape = (1 if network.fixed else None, *network.size)

        @tf.function(input_signature=[tf.TensorSpec(shape, tf.float32, name="image")])
        def infer(image):
            return model(image, training=False)

        first = exporter == CHANNELS_FIRST
        proto, _ = tf2onnx.convert.from_function(infer, input_signature=infer.input_signature, opset=opset,
                                                 inputs_as_nchw=["image:0", "image"] if first else None)
        return proto, "nchw" if first else "nhwc"


def add(store, name, network):
    def attempt(seed):
        x = image((network.size[2], *network.size[:2]), seed).numpy().transpose(0, 2, 3, 1)
        model, wide = made(network, seed, "float32"), made(network, seed, "float64")
        enliven(model, seed)
        wide.set_weights(model.get_weights())
        exports = [(exporter, opset, *export(model, network, exporter, opset)) for exporter, opset in network.exports]
        number, double = explain(wide, network, x.astype(np.float64))
        same, single = explain(model, network, x)
        return (number, same), (double, single), exports

    number, double, exports = first_usable(name, attempt)
    store.add(name, "keras", number, double, exports, head=network.head)
