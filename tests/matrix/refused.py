"""Real exports that must be refused, each with the words its message must have: refused/*.onnx and refused/manifest.json.

Besides, external/: a network as torch's dynamo writes it, with its weights in a file of their own, and what it computes.
"""

import json
import tempfile
from pathlib import Path

import keras
import numpy as np
import onnx
import tensorflow as tf
import tf2onnx
import torch
from onnx.external_data_helper import load_external_data_for_model
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, quantize_static
from torch import nn

from torch_blocks import Scores, convolution
from truth import enliven, image, run_onnx

SEED, SIZE = 3, (3, 16, 16)


def small():
    return enliven(nn.Sequential(convolution(3, 4, stride=2), convolution(4, 6), Scores(6, 3)), SEED)


class Recurrent(nn.Module):
    """A convolution whose columns an LSTM and a GRU read: text recognition."""

    def __init__(self):
        super().__init__()
        self.features = convolution(3, 4, stride=2)
        self.lstm, self.gru = nn.LSTM(32, 4, bidirectional=True, batch_first=True), nn.GRU(8, 4, batch_first=True)
        self.scores = nn.Linear(4, 3)

    def forward(self, x):
        x = self.features(x)
        return self.scores(self.gru(self.lstm(x.permute(0, 3, 1, 2).flatten(2))[0])[0][:, -1])


class Text(nn.Module):
    """A transformer over tokens."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(20, 8)
        layer = nn.TransformerEncoderLayer(8, 2, 8, batch_first=True)
        self.encoder, self.scores = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False), nn.Linear(8, 3)

    def forward(self, tokens):
        return self.scores(self.encoder(self.embedding(tokens)).mean(1))


class Mixer(nn.Module):
    """Patches by reshaping, then attention: a vision transformer without any convolution."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Linear(48, 8)
        layer = nn.TransformerEncoderLayer(8, 2, 8, batch_first=True)
        self.encoder, self.scores = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False), nn.Linear(8, 3)

    def forward(self, x):
        x = x.reshape(-1, 3, 4, 4, 4, 4).permute(0, 2, 4, 1, 3, 5).reshape(-1, 16, 48)
        return self.scores(self.encoder(self.embed(x)).mean(1))


class Branching(nn.Module):
    """Control flow that depends on the image."""

    def __init__(self):
        super().__init__()
        self.features, self.scores = convolution(3, 4, stride=2), Scores(4, 3)

    def forward(self, x):
        x = self.features(x)
        for _ in range(int(x.mean() * 10)):
            x = x * 0.5
        if x.sum() > 0:
            x = x + 1
        return self.scores(x)


class Fancy(torch.autograd.Function):
    """An operator that only its author's runtime knows."""

    @staticmethod
    def forward(context, x):
        return x.sin()

    @staticmethod
    def symbolic(graph, x):
        return graph.op("example.org::FancyPooling", x)


class Custom(nn.Module):
    def __init__(self):
        super().__init__()
        self.features, self.scores = convolution(3, 4, stride=2), Scores(4, 3)

    def forward(self, x):
        return self.scores(Fancy.apply(self.features(x)))


def export(module, x, script=False):
    """By TorchScript."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        torch.onnx.export(torch.jit.script(module) if script else module, (x,), path, dynamo=False, opset_version=17,
                          input_names=["input"], output_names=["logits"])
        return onnx.load(path)


def quantised(proto, form):
    """By onnxruntime's static quantisation."""

    class Images(CalibrationDataReader):
        def __init__(self):
            self.rest = [{"input": image(SIZE, seed).numpy()} for seed in range(4)]

        def get_next(self):
            return self.rest.pop() if self.rest else None

    with tempfile.TemporaryDirectory() as folder:
        plain, path = Path(folder) / "plain.onnx", Path(folder) / "quantised.onnx"
        onnx.save(proto, plain)
        quantize_static(plain, path, Images(), quant_format=form)
        return onnx.load(path)


def error_function():
    """Keras's exact GELU, for which tf2onnx writes TensorFlow's own operator."""
    inputs = keras.Input((16, 16, 3), name="image")
    x = keras.layers.Conv2D(4, 3, activation="gelu", name="conv")(inputs)
    model = keras.Model(inputs, keras.layers.GlobalAveragePooling2D(name="scores")(x), name="model")

    @tf.function(input_signature=[tf.TensorSpec((None, 16, 16, 3), tf.float32, name="image")])
    def infer(image):
        return model(image, training=False)

    return tf2onnx.convert.from_function(infer, input_signature=infer.input_signature, opset=17)[0]


def refused():
    """Each network with what its message must say."""
    torch.manual_seed(SEED)
    x = image(SIZE, SEED)
    plain = export(small(), x)
    return {
        "recurrent": (export(enliven(Recurrent(), SEED), x), ["recurrent layers: GRU, LSTM"]),
        "text": (export(Text().eval(), torch.arange(12).view(1, 12)), ["int64 values, not pixels", "not that of images", "no convolution"]),
        "mixer": (export(Mixer().eval(), x), ["no convolution"]),
        "quantised-qoperator": (quantised(plain, QuantFormat.QOperator), ["quantised", "QLinearConv"]),
        "control-flow": (export(enliven(Branching(), SEED), x, script=True), ["control flow: If, Loop"]),
        "custom": (export(enliven(Custom(), SEED), x), ["operators that are not known: example.org.FancyPooling"]),
        "keras-gelu": (error_function(), ["operators that are not known: Erfc"]),
    }


def write(here, without_traces):
    manifest = {}
    (here / "refused").mkdir(exist_ok=True)
    for name, (proto, says) in refused().items():
        (here / "refused" / f"{name}.onnx").write_bytes(without_traces(proto).SerializeToString())
        manifest[f"{name}.onnx"] = says
    (here / "refused/manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
    folder = here / "external"
    folder.mkdir(exist_ok=True)
    x = image(SIZE, SEED)
    torch.onnx.export(small(), (x,), folder / "network.onnx", dynamo=True, external_data=True, verbose=False,
                      input_names=["input"], output_names=["logits"])
    proto = onnx.load(folder / "network.onnx", load_external_data=False)
    onnx.save(without_traces(proto), folder / "network.onnx")
    load_external_data_for_model(proto, str(folder))
    np.savez_compressed(folder / "truth.npz", input=x.numpy(), logits=run_onnx(proto, {"input": x.numpy()})[1][0])
