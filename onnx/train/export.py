"""Writes the trained networks as ONNX, one readable node per Keras layer.

Nodes and tensors carry the names of their layers (`conv2d_2`, its activation
`conv2d_2/relu`), batch normalisation stays an operator of its own, and the
input keeps Keras's layout. Each file is compared with Keras before it counts.
"""

import argparse
import json
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

import data
from networks import NETWORKS
from train import run_name

OPSET = 17
IMAGES_COMPARED = 256
TOLERANCE = 1e-4
# How the recipe was chosen.
RECIPE_FIXED = ("by accuracy and by the patterns of the first kernels in short runs of base-line and variation-1, measured on "
                "validation lines of a seed of their own, before any inference was computed on a network; the same for all six")


class Graph:
    """Nodes and weights in the making. `value` says which tensor holds a Keras layer's output."""

    def __init__(self, heads):
        self.heads = {layer: head for head, (layer, _) in heads.items()}
        self.nodes, self.weights, self.value = [], [], {}

    def node(self, operator, inputs, name, output=None, **attributes):
        output = output or name
        self.nodes.append(helper.make_node(operator, inputs, [output], name=name, **attributes))
        return output

    def weight(self, name, array):
        array = np.ascontiguousarray(array, dtype=np.float32)
        self.weights.append(numpy_helper.from_array(array, name))
        return name

    def add(self, layer):
        """Adds one Keras layer."""
        if isinstance(layer, keras.layers.InputLayer):
            out = self.node("Transpose", [layer.name], f"{layer.name}/transpose", perm=[0, 3, 1, 2])
        else:
            source = layer.input._keras_history.operation.name
            out = RULES[type(layer)](self, layer, self.value[source])
        self.value[layer.name] = out


def convolution(graph, layer, x):
    kernel, bias = layer.get_weights()
    pad = layer.kernel_size[0] // 2 if layer.padding == "same" else 0
    weights = [graph.weight(f"{layer.name}/kernel", kernel.transpose(3, 2, 0, 1)),
               graph.weight(f"{layer.name}/bias", bias)]
    x = graph.node("Conv", [x, *weights], layer.name, kernel_shape=layer.kernel_size,
                   strides=layer.strides, pads=[pad] * 4)
    return graph.node("Relu", [x], f"{layer.name}/relu")


def normalization(graph, layer, x):
    names = ["gamma", "beta", "moving_mean", "moving_variance"]
    weights = [graph.weight(f"{layer.name}/{name}", weight)
               for name, weight in zip(names, layer.get_weights(), strict=True)]
    return graph.node("BatchNormalization", [x, *weights], layer.name, epsilon=layer.epsilon)


def pooling(graph, layer, x):
    return graph.node("MaxPool", [x], layer.name, kernel_shape=layer.pool_size, strides=layer.strides)


def flatten(graph, layer, x):
    # Keras flattens channels-last, and the dense kernels are laid out for that.
    x = graph.node("Transpose", [x], f"{layer.name}/transpose", perm=[0, 2, 3, 1])
    return graph.node("Flatten", [x], layer.name, axis=1)


def dense(graph, layer, x):
    kernel, bias = layer.get_weights()
    weights = [graph.weight(f"{layer.name}/kernel", kernel), graph.weight(f"{layer.name}/bias", bias)]
    x = graph.node("Gemm", [x, *weights], layer.name)
    if layer.name in graph.heads:
        return graph.node("Softmax", [x], f"{layer.name}/softmax", output=graph.heads[layer.name], axis=-1)
    return graph.node("Relu", [x], f"{layer.name}/relu")


RULES = {keras.layers.Conv2D: convolution, keras.layers.BatchNormalization: normalization,
         keras.layers.MaxPooling2D: pooling, keras.layers.Flatten: flatten, keras.layers.Dense: dense}


def to_onnx(name, network, model, metadata):
    """The ONNX model, checked for consistency."""
    graph = Graph(network.heads)
    for layer in model.layers:
        graph.add(layer)
    image = helper.make_tensor_value_info("Input_Image", TensorProto.FLOAT, ["N", 28, 28, network.channels])
    outputs = [helper.make_tensor_value_info(head, TensorProto.FLOAT, ["N", len(labels)])
               for head, (_, labels) in network.heads.items()]
    body = helper.make_graph(graph.nodes, name, [image], outputs, graph.weights)
    proto = helper.make_model(body, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8,
                              producer_name="convscope", producer_version="1")
    helper.set_model_props(proto, metadata)
    onnx.checker.check_model(proto, full_check=True)
    return proto


def metadata_of(network, records):
    """What the file says about itself; nothing that changes from run to run."""
    first = records[0]
    versions = {module.__name__: module.__version__ for module in (keras, onnx)}
    versions["tensorflow"] = __import__("tensorflow").__version__
    entries = {
        "title": network.title,
        "dataset": json.dumps({"train": first["train"], "samples": first["samples"], "test": first["test"]}),
        "epochs": f"{first['epochs']:.1f}",
        "recipe": f"AdamW, a cosine to 0; {first['recipe']}",
        "recipe_fixed": RECIPE_FIXED,
        "seed": str(first["seed"]),
        "frameworks": json.dumps(versions),
        "preprocessing": json.dumps({"scale": "u8/255"}),
    }
    for head, (_, labels) in network.heads.items():
        accuracy = {"accuracy": first["accuracy"][head], "n": first["test_samples"], "data": first["test"]}
        entries[f"labels.{head}"] = json.dumps(labels, ensure_ascii=False)
        entries[f"accuracy.{head}"] = json.dumps(accuracy)
        if len(records) > 1:
            entries[f"accuracy_by_seed.{head}"] = json.dumps([record["accuracy"][head] for record in records])
    return entries


def largest_difference(path, model, images):
    """Between the file under onnxruntime and Keras."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    ours = session.run(None, {"Input_Image": images})
    keras_outputs = model.predict(images, batch_size=256, verbose=0)
    keras_outputs = keras_outputs if isinstance(keras_outputs, list) else [keras_outputs]
    return max(float(np.abs(a - b).max()) for a, b in zip(ours, keras_outputs, strict=True))


def export_one(name, options):
    network = NETWORKS[name]
    records = [json.loads((options.work / f"{run_name(name, seed)}.json").read_text()) for seed in network.seeds]
    model = keras.models.load_model(options.work / f"{run_name(name, network.seeds[0])}.keras", compile=False)
    proto = to_onnx(name, network, model, metadata_of(network, records))
    _, test = data.load(network.dataset, options.data)
    images = data.scaled(test.images[:IMAGES_COMPARED])
    unproved = options.out / f"{name}.onnx.tmp"
    onnx.save(proto, unproved)
    difference = largest_difference(unproved, model, images)
    if difference >= TOLERANCE:
        unproved.unlink()
        raise SystemExit(f"{name}: onnxruntime and Keras differ by {difference}")
    unproved.rename(options.out / f"{name}.onnx")
    size = (options.out / f"{name}.onnx").stat().st_size / 1e6
    print(f"{name}: {size:.1f} MB, largest difference from Keras {difference:.1e}, {records[0]['accuracy']}")


def main():
    here = Path(__file__).parent
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("networks", nargs="*", help="all of them if none is named")
    parser.add_argument("--data", type=Path, default=here / "work/line", help="folder with the Line data")
    parser.add_argument("--work", type=Path, default=here / "work")
    parser.add_argument("--out", type=Path, default=here.parent)
    options = parser.parse_args()
    for name in options.networks or NETWORKS:
        export_one(name, options)


if __name__ == "__main__":
    main()
