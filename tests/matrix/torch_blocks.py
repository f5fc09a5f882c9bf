"""The blocks of well-known networks at small width, where torchvision has none that can be made small."""

import torch
from torch import nn
from torch.nn import functional as F
from torchvision.models.googlenet import Inception
from torchvision.models.squeezenet import Fire


class Scores(nn.Sequential):
    """Global average pooling and one linear layer."""

    def __init__(self, channels, classes):
        super().__init__(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes))


def convolution(inputs, outputs, kernel=3, activation=nn.ReLU, norm=nn.BatchNorm2d, **options):
    """Convolution, normalisation, activation; either of the last two may be None."""
    options = {"padding": kernel // 2 if isinstance(kernel, int) else 0} | options
    layers = [nn.Conv2d(inputs, outputs, kernel, bias=norm is None, **options)]
    layers += [norm(outputs)] if norm else []
    layers += [activation()] if activation else []
    return nn.Sequential(*layers)


class Branches(nn.Module):
    """Inception v3's mixed block: factorised 1×n and n×1 convolutions, average pooling, a strided branch beside it."""

    def __init__(self, inputs):
        super().__init__()
        self.one = convolution(inputs, 4, 1)
        self.seven = nn.Sequential(convolution(inputs, 4, 1),
                                   convolution(4, 4, (1, 7), padding=(0, 3)),
                                   convolution(4, 6, (7, 1), padding=(3, 0)))
        self.pool = convolution(inputs, 4, 1)
        self.reduce = convolution(14, 8, stride=2, padding=0)

    def forward(self, x):
        pooled = F.avg_pool2d(x, kernel_size=3, stride=1, padding=1)
        x = torch.cat([self.one(x), self.seven(x), self.pool(pooled)], 1)
        return torch.cat([self.reduce(x), F.max_pool2d(x, kernel_size=3, stride=2)], 1)


class GoogLeNet(nn.Module):
    """Ceil-mode pooling and two kinds of inception blocks."""

    def __init__(self):
        super().__init__()
        self.stem = convolution(3, 8, 3, stride=2, padding=0)
        self.pool = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.mixed = Branches(8)
        self.inception = Inception(22, 4, 4, 6, 2, 4, 4)
        self.scores = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(18, 5))

    def forward(self, x):
        return self.scores(self.inception(self.mixed(self.pool(self.stem(x)))))


class SqueezeNet(nn.Module):
    """Fire modules; the class scores come from a 1×1 convolution."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2), nn.ReLU(), nn.MaxPool2d(3, 2, ceil_mode=True),
                                      Fire(8, 4, 8, 8), Fire(16, 4, 8, 8))
        self.classifier = nn.Sequential(nn.Dropout(0.5), nn.Conv2d(16, 6, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1))

    def forward(self, x):
        return self.classifier(self.features(x)).flatten(1)


class Preactivation(nn.Module):
    """ResNet v2: normalisation and ReLU before each convolution, the sum left bare."""

    def __init__(self, channels):
        super().__init__()
        self.branch = nn.Sequential(nn.BatchNorm2d(channels), nn.ReLU(), nn.Conv2d(channels, channels, 3, padding=1),
                                    nn.BatchNorm2d(channels), nn.ReLU(), nn.Conv2d(channels, channels, 3, padding=1))

    def forward(self, x):
        return x + self.branch(x)


class Shuffle(nn.Module):
    """ShuffleNet v1: grouped 1×1 convolutions with a channel shuffle between them."""

    def __init__(self, channels, groups):
        super().__init__()
        self.groups = groups
        self.reduce = convolution(channels, channels, 1, groups=groups)
        self.depthwise = convolution(channels, channels, 3, groups=channels, activation=None)
        self.expand = convolution(channels, channels, 1, groups=groups, activation=None)
        self.relu = nn.ReLU()

    def forward(self, x):
        n, c, h, w = x.shape
        y = self.reduce(x).view(n, self.groups, c // self.groups, h, w).transpose(1, 2).reshape(n, c, h, w)
        return self.relu(x + self.expand(self.depthwise(y)))


class UNet(nn.Module):
    """Down twice, up by a transposed convolution and by bilinear resizing, skips across; a map of scores per class."""

    def __init__(self):
        super().__init__()
        self.one, self.two, self.three = convolution(3, 6), convolution(6, 8), convolution(8, 12)
        self.up = nn.ConvTranspose2d(12, 8, 2, stride=2)
        self.four, self.five = convolution(16, 8), convolution(14, 6)
        self.scores = nn.Conv2d(6, 4, 1)

    def forward(self, x):
        one = self.one(x)
        two = self.two(F.max_pool2d(one, 2))
        three = self.three(F.max_pool2d(two, 2))
        four = self.four(torch.cat([self.up(three), two], 1))
        up = F.interpolate(four, scale_factor=2, mode="bilinear", align_corners=False)
        return self.scores(self.five(torch.cat([up, one], 1)))


class FullyConvolutional(nn.Module):
    """Dilated features, scores per class and cell, resized to the image's size: the head of torchvision's FCN and DeepLab."""

    def __init__(self, features, head):
        super().__init__()
        self.features, self.head = features, head

    def forward(self, x):
        return F.interpolate(self.head(self.features(x)), size=x.shape[-2:], mode="bilinear", align_corners=False)


class GlobalContext(nn.Module):
    """ParseNet's block: the mean of the whole map beside every cell."""

    def forward(self, x):
        return torch.cat([x, x.mean((2, 3), keepdim=True).expand_as(x)], 1)


class TwoHeads(nn.Module):
    """Two outputs over one trunk."""

    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(convolution(3, 8, stride=2), convolution(8, 12))
        self.kind, self.colour = Scores(12, 5), nn.Sequential(Scores(12, 3), nn.Softmax(1))

    def forward(self, x):
        x = self.trunk(x)
        return self.kind(x), self.colour(x)


class Bytes(nn.Module):
    """Takes bytes, 0 to 255, and normalises them itself."""

    def __init__(self, body):
        super().__init__()
        self.body = body
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1))
        self.register_buffer("deviation", torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1))

    def forward(self, x):
        return self.body((x.to(self.mean.dtype) / 255 - self.mean) / self.deviation)


class SelfAttention(nn.Module):
    """Multi-head attention over the cells of a map, with a residual and a layer norm, then the mean of all cells."""

    def __init__(self, channels, heads):
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.attention = nn.MultiheadAttention(channels, heads, batch_first=True)

    def forward(self, x):
        cells = x.flatten(2).transpose(1, 2)
        y = self.norm(cells)
        return (cells + self.attention(y, y, y, need_weights=False)[0]).mean(1)


class Sparsemax(nn.Module):
    """Attention pooling whose weights are the Euclidean projection onto the simplex (Martins, Astudillo 2016, 1602.02068)."""

    def __init__(self, channels):
        super().__init__()
        self.query = nn.Conv2d(channels, 1, 1)

    def forward(self, x):
        scores = self.query(x).flatten(1)
        ordered = torch.sort(scores, dim=1, descending=True).values
        count = torch.arange(1, scores.shape[1] + 1, dtype=scores.dtype)
        sums = torch.cumsum(ordered, 1)
        size = (1 + count * ordered > sums).to(scores.dtype).sum(1, keepdim=True)
        threshold = ((sums * (count == size).to(scores.dtype)).sum(1, keepdim=True) - 1) / size
        weights = torch.clamp(scores - threshold, min=0)
        return (x.flatten(2) * weights.unsqueeze(1)).sum(2)


class SqueezeExcite(nn.Module):
    """SE-ResNet's block: a gate per channel on the residual branch, then the sum and its activation."""

    def __init__(self, channels, activation):
        super().__init__()
        self.branch = convolution(channels, channels, activation=None)
        self.gate = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(channels, 4, 1), nn.SiLU(), nn.Conv2d(4, channels, 1),
                                  nn.Sigmoid())
        self.act = activation()

    def forward(self, x):
        y = self.branch(x)
        return self.act(x + y * self.gate(y))


class Attention(nn.Module):
    """Multi-head attention with one product for queries, keys and values, as most vision transformers write it; `reduction` is the
    stride with which keys and values are pooled by a convolution first, as in pyramid vision transformers."""

    def __init__(self, channels, heads, reduction=1):
        super().__init__()
        self.heads, self.reduction = heads, reduction
        self.query, self.pair = nn.Linear(channels, channels), nn.Linear(channels, 2 * channels)
        self.proj = nn.Linear(channels, channels)
        if reduction > 1:
            self.reduce = nn.Conv2d(channels, channels, reduction, stride=reduction)
            self.norm = nn.LayerNorm(channels)

    def forward(self, x, rows=0, columns=0):
        n, tokens, channels = x.shape
        queries = self.query(x).reshape(n, tokens, self.heads, -1).transpose(1, 2)
        if self.reduction > 1:
            x = x.transpose(1, 2).reshape(n, channels, rows, columns)
            x = self.norm(self.reduce(x).flatten(2).transpose(1, 2))
        keys, values = self.pair(x).reshape(n, -1, 2, self.heads, channels // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        weights = (queries @ keys.transpose(-2, -1) * (channels // self.heads) ** -0.5).softmax(-1)
        return self.proj((weights @ values).transpose(1, 2).reshape(n, tokens, channels))


class Block(nn.Module):
    """A transformer's block: attention and a perceptron with exact GELU, each behind a normalisation and beside a sum."""

    def __init__(self, channels, heads, reduction=1):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(channels), nn.LayerNorm(channels)
        self.attention = Attention(channels, heads, reduction)
        self.mlp = nn.Sequential(nn.Linear(channels, 2 * channels), nn.GELU(), nn.Linear(2 * channels, channels))

    def forward(self, x, rows=0, columns=0):
        x = x + self.attention(self.norm1(x), rows, columns)
        return x + self.mlp(self.norm2(x))


class VisionTransformer(nn.Module):
    """ViT (2010.11929): patches as tokens behind a class token, which is read off at the end, or without one and their mean."""

    def __init__(self, class_token=True, channels=16, heads=2, cells=16):
        super().__init__()
        self.patches = nn.Conv2d(3, channels, 8, stride=8)
        self.token = nn.Parameter(torch.randn(1, 1, channels)) if class_token else None
        self.position = nn.Parameter(torch.randn(1, cells + class_token, channels) * 0.5)
        self.blocks = nn.ModuleList([Block(channels, heads), Block(channels, heads)])
        self.norm, self.head = nn.LayerNorm(channels), nn.Linear(channels, 5)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        if self.token is not None:
            x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1)
        x = x + self.position
        for block in self.blocks:
            x = block(x)
        x = self.norm(x)
        return self.head(x[:, 0] if self.token is not None else x.mean(1))


class Windows(nn.Module):
    """Swin's block (2103.14030): attention within windows of a map with channels last, shifted by a part of one in every other."""

    def __init__(self, channels, heads, window, shift):
        super().__init__()
        self.window, self.shift = window, shift
        self.norm1, self.norm2 = nn.LayerNorm(channels), nn.LayerNorm(channels)
        self.attention = Attention(channels, heads)
        self.mlp = nn.Sequential(nn.Linear(channels, 2 * channels), nn.GELU(), nn.Linear(2 * channels, channels))

    def forward(self, x):
        n, h, w, c = x.shape
        k = self.window
        y = self.norm1(x)
        if self.shift:
            y = torch.roll(y, (-self.shift, -self.shift), (1, 2))
        y = y.view(n, h // k, k, w // k, k, c).permute(0, 1, 3, 2, 4, 5).reshape(-1, k * k, c)
        y = self.attention(y)
        y = y.view(n, h // k, w // k, k, k, c).permute(0, 1, 3, 2, 4, 5).reshape(n, h, w, c)
        if self.shift:
            y = torch.roll(y, (self.shift, self.shift), (1, 2))
        x = x + y
        return x + self.mlp(self.norm2(x))


class Swin(nn.Module):
    """Two stages of windows with Swin's merging of 2×2 patches between them, the mean of the last normalised map."""

    def __init__(self, channels=8):
        super().__init__()
        self.patches, self.first = nn.Conv2d(3, channels, 4, stride=4), nn.LayerNorm(channels)
        self.one = nn.Sequential(Windows(channels, 2, 4, 0), Windows(channels, 2, 4, 2))
        self.merged, self.reduction = nn.LayerNorm(4 * channels), nn.Linear(4 * channels, 2 * channels, bias=False)
        self.two = nn.Sequential(Windows(2 * channels, 2, 4, 0), Windows(2 * channels, 2, 4, 2))
        self.norm, self.head = nn.LayerNorm(2 * channels), nn.Linear(2 * channels, 5)

    def forward(self, x):
        x = self.one(self.first(self.patches(x).permute(0, 2, 3, 1)))
        x = torch.cat([x[:, 0::2, 0::2], x[:, 1::2, 0::2], x[:, 0::2, 1::2], x[:, 1::2, 1::2]], -1)
        x = self.norm(self.two(self.reduction(self.merged(x))))
        return self.head(x.permute(0, 3, 1, 2).mean((2, 3)))


class Pyramid(nn.Module):
    """PVT v2 (2106.13797): overlapping patches by convolutions, attention with reduced keys, a map between the stages."""

    def __init__(self):
        super().__init__()
        self.embed = nn.ModuleList([nn.Conv2d(3, 8, 7, stride=4, padding=3), nn.Conv2d(8, 16, 3, stride=2, padding=1)])
        self.begin = nn.ModuleList([nn.LayerNorm(8), nn.LayerNorm(16)])
        self.blocks = nn.ModuleList([Block(8, 1, 2), Block(16, 2, 1)])
        self.end = nn.ModuleList([nn.LayerNorm(8), nn.LayerNorm(16)])
        self.head = nn.Linear(16, 5)

    def forward(self, x):
        for embed, begin, block, end in zip(self.embed, self.begin, self.blocks, self.end):
            x = embed(x)
            n, c, h, w = x.shape
            x = end(block(begin(x.flatten(2).transpose(1, 2)), h, w))
            x = x.reshape(n, h, w, c).permute(0, 3, 1, 2)
        return self.head(x.mean((2, 3)))


class Partition(nn.Module):
    """MaxViT's attention (2204.01697): within windows, or over a grid that is spread over the map."""

    def __init__(self, channels, side, spread):
        super().__init__()
        self.side, self.spread = side, spread
        self.block = Block(channels, 2)

    def forward(self, x):
        n, c, h, w = x.shape
        k = self.side
        inner, outer = ((h // k, k), (w // k, k)) if not self.spread else ((k, h // k), (k, w // k))
        order = (0, 2, 4, 3, 5, 1) if not self.spread else (0, 3, 5, 2, 4, 1)
        back = (0, 5, 1, 3, 2, 4) if not self.spread else (0, 5, 3, 1, 4, 2)
        y = x.view(n, c, *inner, *outer).permute(order)
        shape = y.shape
        y = self.block(y.reshape(-1, k * k, c)).view(shape)
        return y.permute(back).reshape(n, c, h, w)


class MaxViT(nn.Module):
    """Inverted bottleneck, window attention and grid attention, in this order, on a map with channels first."""

    def __init__(self):
        super().__init__()
        self.stem = convolution(3, 8, stride=2, activation=nn.GELU)
        self.bottleneck = nn.Sequential(convolution(8, 16, 1, activation=nn.GELU),
                                        convolution(16, 16, 3, stride=2, groups=16, activation=nn.GELU), nn.Conv2d(16, 12, 1))
        self.block, self.grid = Partition(12, 4, False), Partition(12, 4, True)
        self.scores = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.LayerNorm(12), nn.Linear(12, 12), nn.Tanh(),
                                    nn.Linear(12, 5))

    def forward(self, x):
        return self.scores(self.grid(self.block(self.bottleneck(self.stem(x)))))


class StandardisedConv(nn.Conv2d):
    """Weight standardisation (1903.10520) as it is often written: a batch normalisation in training mode over the filters; with a
    factor for each filter it is that of NFNet (2102.06171)."""

    def __init__(self, *arguments, scaled=False, **options):
        super().__init__(*arguments, **options)
        self.gain = nn.Parameter(torch.rand(self.out_channels) + 0.5) if scaled else None

    def forward(self, x):
        filters = self.weight.reshape(1, self.out_channels, -1)
        factor = None if self.gain is None else self.gain * filters.shape[2] ** -0.5
        weight = F.batch_norm(filters, None, None, weight=factor, training=True, momentum=0.0, eps=1e-6)
        return F.conv2d(x, weight.reshape_as(self.weight), self.bias, self.stride, self.padding, self.dilation, self.groups)


class NormalizerFree(nn.Module):
    """NFNet's block: standardised convolutions without normalisation, a scaled activation, the branch weighed before the sum."""

    def __init__(self, channels):
        super().__init__()
        self.one = StandardisedConv(channels, channels, 1, scaled=True)
        self.two = StandardisedConv(channels, channels, 3, padding=1, groups=2, scaled=True)

    def forward(self, x):
        y = F.gelu(x) * 1.7015
        return x + 0.2 * self.two(F.gelu(self.one(y)) * 1.7015)


class Transformer(nn.Module):
    """A vision transformer: cells are tokens after one patch convolution; the class token is read off at the end."""

    def __init__(self, channels=16, heads=2, tokens=16):
        super().__init__()
        self.patches = nn.Conv2d(3, channels, 8, stride=8)
        self.token = nn.Parameter(torch.randn(1, 1, channels))
        self.position = nn.Parameter(torch.randn(1, tokens + 1, channels) * 0.5)
        layer = nn.TransformerEncoderLayer(channels, heads, 24, dropout=0.0, batch_first=True, activation="gelu",
                                           norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)
        self.head = nn.Linear(channels, 5)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1) + self.position
        return self.head(self.encoder(x)[:, 0])
