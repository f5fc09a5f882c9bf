"""The networks that torch exports: real blocks at small width, and which activation a person would explain in each."""

from dataclasses import dataclass, field
from typing import Callable

from torch import nn
from torchvision.models import convnext, densenet, efficientnet, mobilenetv2, mobilenetv3, regnet, resnet, shufflenetv2
from torchvision.models.segmentation.deeplabv3 import ASPP

from torch_blocks import (Bytes, FullyConvolutional, GlobalContext, GoogLeNet, MaxViT, NormalizerFree, Preactivation, Pyramid, Scores, SelfAttention, Shuffle, Sparsemax,
                          SqueezeExcite, SqueezeNet, StandardisedConv, Swin, Transformer, TwoHeads, UNet, VisionTransformer,
                          convolution)

TORCHSCRIPT, DYNAMO = "torchscript", "dynamo"


@dataclass
class Network:
    """One network: how it is made, on which images it runs, which activations count, and how it is exported."""

    build: Callable[[], nn.Module]
    # The module whose output a person would explain, and further ones whose outputs are compared.
    target: str
    shown: list[str]
    # Channels, height, width; not square, so that rows and columns cannot be confused.
    size: tuple[int, int, int] = (3, 32, 28)
    # Exporter and operator set.
    exports: list[tuple[str, int]] = field(default_factory=lambda: [(TORCHSCRIPT, 17), (DYNAMO, 18)])
    # Axes left open: "batch", "size", or nothing.
    open: tuple[str, ...] = ("batch",)
    heads: tuple[str, ...] = ("logits",)
    # The operator without a gradient rule between target and scores, as the program names it.
    without_rule: str = ""
    bytes: bool = False
    # Whether batch normalisations stay operators of their own where the exporter allows it.
    keep_norms: bool = False
    # Where the target's cells lie, unless it is a map with channels first: rows and columns of tokens [n, others + cells, channels],
    # or "nhwc".
    cells: tuple[int, int] | str = ()


def residual():
    stem = convolution(3, 8, 3, stride=2)
    down = nn.Sequential(nn.Conv2d(8, 12, 1, stride=2, bias=False), nn.BatchNorm2d(12))
    return nn.Sequential(stem, nn.MaxPool2d(3, 2, 1), resnet.BasicBlock(8, 8), resnet.BasicBlock(8, 12, 2, down),
                         Scores(12, 5))


def bottleneck(groups=1):
    down = nn.Sequential(nn.Conv2d(8, 16, 1, stride=2, bias=False), nn.BatchNorm2d(16))
    block = resnet.Bottleneck(8, 4, 2, down, groups=groups, base_width=64)
    return nn.Sequential(convolution(3, 8, 3, stride=2), block, resnet.Bottleneck(16, 4, groups=groups), Scores(16, 5))


def mobilenet_v3():
    layers = [mobilenetv3.InvertedResidualConfig(8, 3, 8, 8, True, "RE", 2, 1, 1.0),
              mobilenetv3.InvertedResidualConfig(8, 5, 16, 8, True, "HS", 1, 1, 1.0)]
    return mobilenetv3.MobileNetV3(layers, last_channel=16, num_classes=5)


def efficient_net():
    layers = [efficientnet.MBConvConfig(1, 3, 1, 8, 8, 1), efficientnet.MBConvConfig(2, 5, 2, 8, 8, 2)]
    return efficientnet.EfficientNet(layers, dropout=0.2, num_classes=5, last_channel=24)


def dense_net():
    network = densenet.DenseNet(growth_rate=4, block_config=(2, 2), num_init_features=8, bn_size=2, num_classes=5)
    return nn.Sequential(network.features, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), network.classifier)


def conv_next():
    layers = [convnext.CNBlockConfig(8, 12, 1), convnext.CNBlockConfig(12, None, 1)]
    return convnext.ConvNeXt(layers, num_classes=5, stochastic_depth_prob=0.0)


def reg_net():
    block = regnet.ResBottleneckBlock
    return nn.Sequential(convolution(3, 8, stride=2), block(8, 16, 2, nn.BatchNorm2d, nn.ReLU, 8, 1.0, 0.25),
                         block(16, 16, 1, nn.BatchNorm2d, nn.ReLU, 8, 1.0, 0.25), Scores(16, 5))


def shuffle_net_v2():
    return shufflenetv2.ShuffleNetV2([1, 2, 1], [8, 8, 16, 24, 24], num_classes=5)


def mobilenet_v2():
    return nn.Sequential(convolution(3, 8, stride=2, activation=nn.ReLU6), mobilenetv2.InvertedResidual(8, 8, 1, 2),
                         mobilenetv2.InvertedResidual(8, 12, 2, 3), convolution(12, 20, 1, activation=nn.ReLU6),
                         nn.Dropout(0.2), Scores(20, 5))


def vgg():
    return nn.Sequential(convolution(3, 8), nn.MaxPool2d(2), convolution(8, 12), convolution(12, 12), nn.MaxPool2d(2),
                         nn.AdaptiveAvgPool2d((4, 7)), nn.Flatten(), nn.Linear(336, 12), nn.ReLU(), nn.Dropout(),
                         nn.Linear(12, 5))


def simple(activation, norm=nn.BatchNorm2d, channels=3):
    """Three convolutions with the same kind of activation."""
    return nn.Sequential(convolution(channels, 8, stride=2, activation=activation, norm=norm),
                         convolution(8, 8, activation=activation, norm=norm),
                         convolution(8, 12, stride=2, activation=activation, norm=norm), Scores(12, 5))


def group_norm(channels):
    return nn.GroupNorm(4, channels)


def instance_norm(channels):
    return nn.InstanceNorm2d(channels, affine=True)


def dilated():
    features = nn.Sequential(convolution(3, 8, stride=2), convolution(8, 8, stride=2), convolution(8, 12, dilation=2, padding=2))
    head = nn.Sequential(ASPP(12, [2, 3], 8), convolution(8, 8), nn.Conv2d(8, 4, 1))
    return FullyConvolutional(features, head)


def fully_convolutional():
    features = nn.Sequential(convolution(3, 8, stride=2), convolution(8, 12, dilation=2, padding=2, stride=2))
    head = nn.Sequential(convolution(12, 6), nn.Dropout(0.1), nn.Conv2d(6, 4, 1))
    return FullyConvolutional(features, head)


def transposed():
    return nn.Sequential(convolution(3, 8, stride=2), convolution(8, 8, stride=2),
                         nn.ConvTranspose2d(8, 6, 3, stride=2, padding=1, output_padding=1, groups=2), nn.ReLU(),
                         nn.ConvTranspose2d(6, 4, 4, stride=2, padding=1), nn.Tanh(), Scores(4, 3))


def attention():
    return nn.Sequential(convolution(3, 8, stride=2), convolution(8, 12, stride=2), SelfAttention(12, 2), nn.Linear(12, 5))


def odd_pools():
    """What exporters spell out: mirrored and repeated borders, pixel shuffle, averages without padding in ceil mode."""
    return nn.Sequential(nn.ReflectionPad2d(2), nn.Conv2d(3, 8, 5, stride=2), nn.ELU(), nn.PixelShuffle(2),
                         nn.ReplicationPad2d(1), nn.Conv2d(2, 8, 3), nn.Softplus(),
                         nn.AvgPool2d(3, stride=2, padding=1, ceil_mode=True, count_include_pad=False), nn.Hardtanh(0, 2),
                         Scores(8, 5))


def response_norm():
    """Local response normalisation, which dynamo spells out as an average over channels."""
    return nn.Sequential(nn.Conv2d(3, 8, 3, stride=2), nn.LocalResponseNorm(5, alpha=0.1), nn.Softplus(), Scores(8, 5))


def nf_net():
    """Standardised convolutions, the last activation behind the sum."""
    return nn.Sequential(StandardisedConv(3, 8, 3, stride=2, padding=1, scaled=True), NormalizerFree(8), NormalizerFree(8),
                         StandardisedConv(8, 12, 1, scaled=True), nn.GELU(), Scores(12, 5))


def bit():
    """BiT (1912.11370): standardised convolutions and group normalisation before each activation."""
    def block(inputs, outputs, stride):
        return nn.Sequential(nn.GroupNorm(4, inputs), nn.ReLU(),
                             StandardisedConv(inputs, outputs, 3, stride=stride, padding=1, bias=False))
    return nn.Sequential(StandardisedConv(3, 8, 7, stride=2, padding=3, bias=False), block(8, 8, 1), block(8, 16, 2),
                         nn.GroupNorm(4, 16), nn.ReLU(), Scores(16, 5))


def old(*opsets, dynamo=True):
    return [(TORCHSCRIPT, opset) for opset in opsets] + ([(DYNAMO, 18)] if dynamo else [])


NETWORKS = {
    "residual": Network(residual, "3.relu", ["0", "2"], exports=old(7, 13)),
    "bottleneck": Network(bottleneck, "2.relu", ["1"], keep_norms=True, exports=old(9)),
    "resnext": Network(lambda: bottleneck(groups=2), "2.relu", ["1"], exports=old(11)),
    "preactivation": Network(
        lambda: nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), Preactivation(8), Preactivation(8), nn.BatchNorm2d(8), nn.ReLU(),
                              Scores(8, 5)), "4", ["1"], exports=old(8)),
    "vgg": Network(vgg, "3", ["0"], exports=old(7), keep_norms=True),
    "squeezenet": Network(SqueezeNet, "features.4", ["features.2"], exports=old(7)),
    "googlenet": Network(GoogLeNet, "inception", ["mixed"], exports=old(9)),
    "densenet": Network(dense_net, "1", ["0.pool0", "0.transition1"], exports=old(8)),
    "mobilenet-v2": Network(mobilenet_v2, "3", ["1", "2"], exports=old(9)),
    "mobilenet-v3": Network(mobilenet_v3, "features.3", ["features.1", "features.2"], exports=old(11, 14)),
    "efficientnet": Network(efficient_net, "features.3", ["features.1", "features.2"]),
    "shufflenet-v1": Network(lambda: nn.Sequential(convolution(3, 12, stride=2), Shuffle(12, 3), Shuffle(12, 3), Scores(12, 5)),
                             "2", ["1"], exports=old(9)),
    "shufflenet-v2": Network(shuffle_net_v2, "conv5", ["stage2"], size=(3, 64, 48), exports=old(11)),
    "regnet": Network(reg_net, "2", ["1"]),
    "global-context": Network(lambda: nn.Sequential(convolution(3, 8, stride=2), GlobalContext(), convolution(16, 12, stride=2),
                                                    Scores(12, 5)), "2", ["1"], exports=old(9)),
    "squeeze-excite": Network(lambda: nn.Sequential(convolution(3, 8, stride=2), SqueezeExcite(8, nn.SiLU), Scores(8, 5)),
                              "1", ["1.branch", "1.gate"]),
    "convnext": Network(conv_next, "features.3", ["features.1"]),
    "hard-swish": Network(lambda: simple(nn.Hardswish), "2", ["1"], exports=old(10, 14)),
    "prelu": Network(lambda: nn.Sequential(nn.Conv2d(3, 8, 3, 2), nn.PReLU(8), nn.Conv2d(8, 12, 3), nn.PReLU(), Scores(12, 5)),
                     "3", ["1"], exports=old(8)),
    "silu": Network(lambda: simple(nn.SiLU), "2", ["1"], exports=old(9)),
    "mish": Network(lambda: simple(nn.Mish), "2", ["1"], exports=old(12)),
    "gelu": Network(lambda: simple(nn.GELU), "2", ["1"], exports=old(13) + [(DYNAMO, 20)]),
    "gelu-tanh": Network(lambda: simple(lambda: nn.GELU(approximate="tanh")), "2", ["1"]),
    "leaky-relu": Network(lambda: simple(lambda: nn.LeakyReLU(0.2)), "2", ["1"], exports=old(7)),
    "selu": Network(lambda: simple(nn.SELU, norm=None), "2", ["1"], exports=old(7)),
    "instance-norm": Network(lambda: simple(nn.ReLU, instance_norm), "2", ["1"], exports=old(9)),
    "group-norm": Network(lambda: simple(nn.ReLU, group_norm), "2", ["1"], exports=old(17) + [(DYNAMO, 21)]),
    "layer-norm": Network(lambda: simple(nn.GELU, convnext.LayerNorm2d), "2", ["1"], exports=old(17)),
    "unet": Network(UNet, "five", ["three", "four"], exports=old(11), heads=("scores",)),
    "dilated": Network(dilated, "head.1", ["features.2", "head.0"], exports=old(11), heads=("scores",)),
    "fcn": Network(fully_convolutional, "head.0", ["features.1"], exports=old(13), open=("batch", "size"), heads=("scores",)),
    "transposed": Network(transposed, "5", ["1", "3"], exports=old(9)),
    "attention": Network(attention, "1", ["0"], exports=old(14)),
    "odd-pools": Network(odd_pools, "6", ["2", "3"], exports=old(11)),
    "response-norm": Network(response_norm, "2", ["1"], exports=old(11, 17)),
    "two-heads": Network(TwoHeads, "trunk", ["trunk.0"], heads=("kind", "colour"), exports=old(13)),
    "one-channel": Network(lambda: simple(nn.ReLU, channels=1), "2", ["1"], size=(1, 28, 28), open=(), exports=old(7)),
    "open-size": Network(lambda: simple(nn.ReLU), "2", ["1"], open=("batch", "size"), exports=old(11)),
    "bytes": Network(lambda: Bytes(simple(nn.ReLU)), "body.2", ["body.1"], bytes=True, exports=old(11)),
    "transformer": Network(Transformer, "encoder.layers.0.norm1", ["patches"], size=(3, 32, 32), exports=old(17), cells=(4, 4)),
    "vit": Network(VisionTransformer, "blocks.1.norm1", ["patches"], size=(3, 32, 32), exports=old(13, 17) + [(DYNAMO, 20)],
                   cells=(4, 4)),
    "vit-mean": Network(lambda: VisionTransformer(class_token=False, cells=12), "norm", ["blocks.1.norm1"], size=(3, 32, 24),
                        exports=old(17), cells=(4, 3)),
    "swin": Network(Swin, "norm", ["first"], size=(3, 64, 32), exports=old(17), cells="nhwc"),
    "pvt": Network(Pyramid, "end.1", ["embed.0"], size=(3, 32, 24), exports=old(17), cells=(4, 3)),
    "maxvit": Network(MaxViT, "grid", ["bottleneck"], size=(3, 32, 16), exports=old(17)),
    "nf-net": Network(nf_net, "4", ["1"], exports=old(17)),
    "bit": Network(bit, "4", ["1"], exports=old(17)),
    "sparsemax": Network(lambda: nn.Sequential(convolution(3, 8, stride=2), convolution(8, 12, stride=2), Sparsemax(12),
                                               nn.Linear(12, 5)),
                         "1", ["0"], exports=old(17), without_rule="CumSum"),
}
