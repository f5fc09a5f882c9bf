"""The dialects of the ONNX model zoo's classics, opset 7 to 9, which no exporter of today writes.

Each network is written operator by operator: every step adds an ONNX node in the old dialect and computes the same with
torch, which is the truth. Weights are also inputs of the graph, as was the rule then, and nodes have no names.
"""

from collections import namedtuple
from dataclasses import dataclass
from typing import Callable

import torch
from onnx import TensorProto, helper, numpy_helper
from torch.nn import functional as F

from truth import first_usable, image, torch_truth

# An ONNX value's name and what it is in torch.
Value = namedtuple("Value", "name tensor")


class Graph:
    """Nodes in the making beside their values. Attributes that an old operator does not need are left out, as they were."""

    def __init__(self, x, seed):
        self.random = torch.Generator().manual_seed(seed)
        self.nodes, self.weights, self.count, self.x = [], [], 0, Value("data", x)

    def weight(self, name, shape, low, high):
        values = (torch.rand(shape, generator=self.random) * (high - low) + low).float()
        self.weights.append(numpy_helper.from_array(values.numpy(), name))
        return Value(name, values.to(self.x.tensor.dtype))

    def constant(self, name, values):
        self.weights.append(numpy_helper.from_array(torch.tensor(values).numpy(), name))
        return Value(name, None)

    def add(self, op, inputs, tensor, outputs=1, **attributes):
        self.count += 1
        names = [f"{op.lower()}_{self.count}"] + [f"{op.lower()}_{self.count}_mask"] * (outputs - 1)
        self.nodes.append(helper.make_node(op, [value.name for value in inputs], names, **attributes))
        return Value(names[0], tensor)

    def conv(self, x, outputs, kernel, stride=1, pad=0, group=1, bias=True):
        inputs, number = x.tensor.shape[1] // group, self.count + 1
        scale = (6 / (inputs * kernel * kernel)) ** 0.5
        weights = [self.weight(f"conv{number}_w_0", (outputs, inputs, kernel, kernel), -scale, scale)]
        weights += [self.weight(f"conv{number}_b_0", (outputs,), -0.2, 0.2)] if bias else []
        y = F.conv2d(x.tensor, *[weight.tensor for weight in weights], stride=stride, padding=pad, groups=group)
        more = {"group": group} if group > 1 else {}
        return self.add("Conv", [x, *weights], y, kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=[pad] * 4, **more)

    def norm(self, x, **attributes):
        number, channels = self.count + 1, (x.tensor.shape[1],)
        ranges = {"gamma": (0.6, 1.6), "beta": (-0.3, 0.3), "running_mean": (-0.3, 0.3), "running_var": (0.2, 1.2)}
        weights = [self.weight(f"bn{number}_{name}", channels, *bounds) for name, bounds in ranges.items()]
        gamma, beta, mean, variance = [weight.tensor for weight in weights]
        y = F.batch_norm(x.tensor, mean, variance, gamma, beta, eps=2e-5)
        return self.add("BatchNormalization", [x, *weights], y, epsilon=2e-5, **attributes)

    def scale(self, x):
        """Caffe's Scale layer: a factor and a summand per channel, brought to the map's shape by Unsqueeze."""
        number, channels = self.count + 1, (x.tensor.shape[1],)
        factor, summand = (self.weight(f"scale{number}_{name}", channels, *bounds)
                           for name, bounds in [("w", (0.6, 1.6)), ("b", (-0.3, 0.3))])
        wide = [self.add("Unsqueeze", [value], value.tensor[:, None, None], axes=[1, 2]) for value in (factor, summand)]
        y = self.add("Mul", [x, wide[0]], x.tensor * wide[0].tensor)
        return self.add("Add", [y, wide[1]], y.tensor + wide[1].tensor)

    def relu(self, x):
        return self.add("Relu", [x], torch.relu(x.tensor))

    def relu6(self, x):
        return self.add("Clip", [x], x.tensor.clamp(0, 6), min=0.0, max=6.0)

    def lrn(self, x):
        y = F.local_response_norm(x.tensor, 5, alpha=0.05, beta=0.75, k=1.0)
        return self.add("LRN", [x], y, size=5, alpha=0.05, beta=0.75, bias=1.0)

    def max_pool(self, x, kernel, stride, pads=(0, 0, 0, 0)):
        top, left, bottom, right = pads
        y = F.max_pool2d(F.pad(x.tensor, (left, right, top, bottom), value=-1e30), kernel, stride)
        return self.add("MaxPool", [x], y, kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=list(pads))

    def average_pool(self, x, kernel, stride=1, pad=0):
        y = F.avg_pool2d(x.tensor, kernel, stride, pad, count_include_pad=False)
        return self.add("AveragePool", [x], y, kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=[pad] * 4)

    def global_pool(self, x):
        return self.add("GlobalAveragePool", [x], x.tensor.mean((2, 3), keepdim=True))

    def dropout(self, x):
        """At inference the values themselves, with the mask that old Dropout yields besides."""
        return self.add("Dropout", [x], x.tensor, outputs=2, ratio=0.5)

    def concat(self, *values):
        return self.add("Concat", values, torch.cat([value.tensor for value in values], 1), axis=1)

    def sum(self, *values):
        return self.add("Sum", values, sum(value.tensor for value in values))

    def reshape(self, x, *shape):
        shape_value = self.constant(f"shape{self.count + 1}", list(shape))
        return self.add("Reshape", [x, shape_value], x.tensor.reshape(shape))

    def dense(self, x, outputs):
        number, inputs = self.count + 1, x.tensor.shape[1]
        scale = (3 / inputs) ** 0.5
        weights = [self.weight(f"fc{number}_w_0", (outputs, inputs), -scale, scale),
                   self.weight(f"fc{number}_b_0", (outputs,), -0.2, 0.2)]
        y = F.linear(x.tensor, *[weight.tensor for weight in weights])
        return self.add("Gemm", [x, *weights], y, transB=1)

    def softmax(self, x):
        """Over all axes from 1 on, as it was before opset 13."""
        return self.add("Softmax", [x], x.tensor.flatten(1).softmax(1).view_as(x.tensor))

    def proto(self, output, opset, batch):
        value = helper.make_tensor_value_info
        images = value("data", TensorProto.FLOAT, [batch, *self.x.tensor.shape[1:]])
        inputs = [images] + [value(weight.name, weight.data_type, weight.dims) for weight in self.weights]
        outputs = [value(output.name, TensorProto.FLOAT, [batch, *output.tensor.shape[1:]])]
        graph = helper.make_graph(self.nodes, "classic", inputs, outputs, self.weights)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=3)


def caffenet(g):
    """Caffe's AlexNet, as CaffeNet, ZFNet and R-CNN ilsvrc have it: grouped convolutions, LRN, dense layers with dropout."""
    x = one = g.lrn(g.max_pool(g.relu(g.conv(g.x, 8, 5, stride=2)), 3, 2))
    x = g.relu(g.conv(g.max_pool(g.lrn(g.relu(g.conv(x, 12, 3, pad=1, group=2))), 2, 1), 12, 3, pad=1))
    target = g.relu(g.conv(x, 8, 3, pad=1, group=2))
    x = g.max_pool(target, 3, 2)
    x = g.reshape(x, 1, x.tensor[0].numel())
    logits = g.dense(g.dropout(g.relu(g.dense(x, 12))), 6)
    return logits, g.softmax(logits), [target, one]


def resnet_v1(g):
    """Caffe2's ResNet-50: normalisations with the attribute `spatial`, Sum, a fixed average pool, a product on its own shape."""
    x = one = g.max_pool(g.relu(g.norm(g.conv(g.x, 8, 3, 2, 1, bias=False), spatial=1)), 3, 2, (0, 0, 1, 1))
    y = g.relu(g.norm(g.conv(x, 4, 1, bias=False), spatial=1))
    y = g.norm(g.conv(g.relu(g.norm(g.conv(y, 4, 3, 1, 1, bias=False))), 12, 1, bias=False))
    x = g.relu(g.sum(y, g.norm(g.conv(x, 12, 1, bias=False))))
    y = g.norm(g.conv(g.relu(g.norm(g.conv(x, 6, 3, 1, 1, bias=False))), 12, 1, bias=False))
    target = g.relu(g.sum(y, x))
    x = g.average_pool(target, 8)
    logits = g.dense(g.reshape(x, 1, 12), 5)
    return logits, g.softmax(logits), [target, one]


def resnet_v2(g):
    """MXNet's ResNet v2: a normalisation of the image itself, activations before convolutions, plain Add."""
    x = g.conv(g.norm(g.x, momentum=0.9, spatial=1), 8, 3, 2, 1, bias=False)
    y = g.conv(g.relu(g.norm(x)), 8, 3, 1, 1, bias=False)
    y = g.conv(g.relu(g.norm(y)), 8, 3, 1, 1, bias=False)
    one = g.add("Add", [y, x], y.tensor + x.tensor)
    target = g.relu(g.norm(one))
    x = g.global_pool(target)
    x = g.add("Flatten", [x], x.tensor.flatten(1))
    logits = g.dense(x, 5)
    return logits, logits, [target, one]


def inception(g):
    """Caffe2's Inception v1 and v2: LRN beside Caffe's Scale layers, averages that leave padding out."""
    x = one = g.lrn(g.max_pool(g.relu(g.scale(g.norm(g.conv(g.x, 8, 3, 2, 1)))), 3, 2, (0, 0, 1, 1)))
    branches = [g.relu(g.scale(g.norm(g.conv(x, 4, 1)))), g.relu(g.conv(g.relu(g.conv(x, 4, 1)), 6, 5, pad=2)),
                g.relu(g.conv(g.average_pool(x, 3, pad=1), 4, 1))]
    target = g.concat(*branches)
    x = g.dropout(g.average_pool(target, 8))
    logits = g.dense(g.reshape(x, 1, 14), 5)
    return logits, g.softmax(logits), [target, one]


def densenet(g):
    """Caffe2's DenseNet-121: Scale layers behind every normalisation, scores by a 1×1 convolution on the pooled map."""
    x = g.max_pool(g.relu(g.scale(g.norm(g.conv(g.x, 8, 3, 2, 1, bias=False)))), 3, 2, (0, 0, 1, 1))
    y = g.conv(g.relu(g.scale(g.norm(x))), 8, 1, bias=False)
    x = one = g.concat(x, g.conv(g.relu(g.scale(g.norm(y))), 4, 3, pad=1, bias=False))
    target = g.relu(g.scale(g.norm(x)))
    logits = g.conv(g.global_pool(target), 5, 1)
    return logits, logits, [target, one]


def squeezenet(g):
    """Caffe2's SqueezeNet 1.0: a softmax over a map of one cell."""
    x = one = g.max_pool(g.relu(g.conv(g.x, 8, 3, 2)), 3, 2)
    x = g.relu(g.conv(x, 4, 1))
    target = g.concat(g.relu(g.conv(x, 6, 1)), g.relu(g.conv(x, 6, 3, pad=1)))
    logits = g.global_pool(g.relu(g.conv(g.dropout(target), 6, 1)))
    return logits, g.softmax(logits), [target, one]


def mobilenet_v2(g):
    """MXNet's MobileNet v2: Clip with attributes, scores by a convolution after the pooling, Reshape by an initialiser."""
    x = g.relu6(g.norm(g.conv(g.x, 8, 3, 2, 1, bias=False)))
    y = g.relu6(g.norm(g.conv(x, 12, 1, bias=False)))
    y = g.relu6(g.norm(g.conv(y, 12, 3, 1, 1, group=12, bias=False)))
    y = g.norm(g.conv(y, 8, 1, bias=False))
    one = g.add("Add", [y, x], y.tensor + x.tensor)
    target = g.relu6(g.norm(g.conv(one, 16, 1, bias=False)))
    x = g.conv(g.global_pool(target), 5, 1, bias=False)
    logits = g.reshape(x, -1, 5)
    return logits, logits, [target, one]


def shufflenet(g):
    """Caffe2's ShuffleNet: channels shuffled by five axes, a strided average beside the branch, Concat and Sum."""
    x = g.relu(g.norm(g.conv(g.x, 6, 3, 2, 1)))

    def shuffled(x):
        n, c, h, w = x.tensor.shape
        y = g.reshape(x, n, 3, c // 3, h, w)
        y = g.add("Transpose", [y], y.tensor.transpose(1, 2), perm=[0, 2, 1, 3, 4])
        return g.reshape(y, n, c, h, w)

    y = shuffled(g.relu(g.norm(g.conv(x, 12, 1, group=3, bias=False))))
    y = g.norm(g.conv(g.norm(g.conv(y, 12, 3, 2, 1, group=12, bias=False)), 12, 1, group=3, bias=False))
    x = one = g.relu(g.concat(g.average_pool(x, 3, 2, 1), y))
    y = shuffled(g.relu(g.norm(g.conv(x, 18, 1, group=3, bias=False))))
    y = g.norm(g.conv(g.norm(g.conv(y, 18, 3, 1, 1, group=18, bias=False)), 18, 1, group=3, bias=False))
    target = g.relu(g.sum(x, y))
    logits = g.dense(g.reshape(g.average_pool(target, 8), 1, 18), 5)
    return logits, g.softmax(logits), [target, one]


def upsample(g, mode, as_input):
    """A pyramid that is enlarged by Upsample and joined with the finer map: YOLO v3's neck."""
    # Only from a factor of three on does it show how nearest values are rounded.
    factor = 4 if mode == "nearest" else 2
    fine = g.relu(g.conv(g.x, 6, 3, 2, 1))
    coarse = one = g.relu(g.conv(fine, 8, 3, factor, 1))
    scales = [1.0, 1.0, float(factor), float(factor)]
    if mode == "nearest":
        y = F.interpolate(coarse.tensor, scale_factor=factor, mode="nearest")
    else:
        # Upsample takes position o / scale: no half pixels, the last ones repeated.
        y = enlarged(coarse.tensor)
    if as_input:
        wide = g.add("Upsample", [coarse, g.constant("scales", scales)], y, mode=mode)
    else:
        wide = g.add("Upsample", [coarse], y, mode=mode, scales=scales)
    target = g.relu(g.conv(g.concat(wide, fine), 8, 3, pad=1))
    x = g.global_pool(target)
    logits = g.dense(g.add("Flatten", [x], x.tensor.flatten(1)), 5)
    return logits, logits, [target, one]


def enlarged(x):
    """Twice as large on both axes, linear between the old pixels, which keep their places at even positions."""
    for axis in (2, 3):
        beyond = torch.cat([x.narrow(axis, 1, x.shape[axis] - 1), x.narrow(axis, x.shape[axis] - 1, 1)], axis)
        x = torch.stack([x, (x + beyond) / 2], axis + 1).flatten(axis, axis + 1)
    return x


@dataclass
class Network:
    """Its function, the operator set, the image, and the batch: a number, or None where it is open."""

    build: Callable
    opset: int = 7
    size: tuple[int, int, int] = (3, 32, 32)
    batch: int | None = 1


NETWORKS = {
    "classic-caffenet": Network(caffenet, 7, (3, 40, 36)),
    "classic-resnet-v1": Network(resnet_v1, 8),
    "classic-resnet-v2": Network(resnet_v2, 7, batch=None),
    "classic-inception": Network(inception, 9),
    "classic-densenet": Network(densenet, 9),
    "classic-squeezenet": Network(squeezenet, 8, (3, 33, 29)),
    "classic-mobilenet-v2": Network(mobilenet_v2, 7, batch=None),
    "classic-shufflenet": Network(shufflenet, 9),
    "classic-upsample-7": Network(lambda g: upsample(g, "nearest", False), 7, (3, 32, 24), None),
    "classic-upsample-8": Network(lambda g: upsample(g, "linear", False), 8, (3, 24, 28)),
    "classic-upsample-9": Network(lambda g: upsample(g, "linear", True), 9, (3, 32, 28), None),
}


def add(store, name, network):
    def attempt(seed):
        x = image(network.size, seed)

        def run(x):
            graph = Graph(x, seed)
            logits, output, values = network.build(graph)
            run.proto = graph.proto(output, network.opset, network.batch or "N")
            return (logits.tensor,), [value.tensor for value in values]

        number, double = torch_truth(run, x.double())
        same, single = torch_truth(run, x.clone())
        return (number, same), (double, single), run.proto

    number, double, proto = first_usable(name, attempt)
    store.add(name, "classic", number, double, [("onnx", network.opset, proto, "nchw")])
