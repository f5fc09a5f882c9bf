"""What a network computes, by the framework that made it and by onnxruntime, and where its values are in the ONNX graph.

A truth is a dictionary of arrays: `input`, `logits`, `target` (an activation), `target_gradient` and `input_gradient`
(of the logit of one class, averaged over positions where there is a logit for each), `signed_cam` and `cam` (Grad-CAM
before and after its ReLU) and further activations `value.0`, `value.1`, ….
"""

import zlib

import numpy as np
import onnx
import onnxruntime
import torch
from torch.nn import functional as F

# A gradient that single and double precision disagree about sits on a kink and proves nothing.
KINK = 1e-5
# A map whose largest cell is so much smaller than the largest negative one is mostly what was cut off.
FAINT = 0.1
SEEDS = 40
AGREEMENT = 1e-4


def seed_of(name):
    return zlib.crc32(name.encode()) % 10000


def image(size, seed, bytes=False):
    """A smooth image with a little noise, [1, channels, height, width]; no two pixels are equal unless they are bytes."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.randn(1, size[0], 6, 6, generator=generator)
    smooth = F.interpolate(coarse, size=size[1:], mode="bicubic", align_corners=True)
    picture = smooth + 0.1 * torch.randn(1, *size, generator=generator)
    return ((picture * 48 + 128).round().clamp(0, 255) if bytes else picture).float()


def enliven(module, seed):
    """Gives normalisations the statistics and factors of a trained network, and layer scales a size that counts."""
    generator = torch.Generator().manual_seed(seed)

    def uniform(tensor, low, high):
        tensor.data.copy_(torch.rand(tensor.shape, generator=generator) * (high - low) + low)

    for part in module.modules():
        if getattr(part, "running_var", None) is not None:
            uniform(part.running_mean, -0.3, 0.3)
            uniform(part.running_var, 0.2, 1.2)
        if "Norm" in type(part).__name__ and getattr(part, "weight", None) is not None:
            uniform(part.weight, 0.6, 1.6)
            uniform(part.bias, -0.3, 0.3)
        if isinstance(getattr(part, "layer_scale", None), torch.Tensor):
            uniform(part.layer_scale, 0.4, 1.2)
        if isinstance(part, torch.nn.PReLU):
            uniform(part.weight, -0.2, 0.5)
    return module.eval()


def trace(module, x, paths):
    """The outputs of a module and of its parts by their paths."""
    found = {}
    hooks = [module.get_submodule(path).register_forward_hook(lambda _, __, y, path=path: found.update({path: y}))
             for path in paths]
    outputs = module(x)
    for hook in hooks:
        hook.remove()
    return (outputs if isinstance(outputs, tuple) else (outputs,)), [found[path] for path in paths]


def score(logits, axis, number):
    """The logit of a class, the mean of its logits where there are several."""
    return logits.select(axis, number).mean()


def cams(activation, gradient):
    """Grad-CAM (1610.02391) of [1, channels, height, width], before and after its ReLU."""
    signed = (gradient.mean((2, 3), keepdim=True) * activation).sum(1)[0]
    return signed, signed.clamp(min=0)


def as_map(value, cells):
    """A value as a map with channels first: of `cells` tokens (rows, columns) behind others that have no place, or of a map with
    channels last, "nhwc"."""
    if cells == "nhwc":
        return value.permute(0, 3, 1, 2)
    return value[:, -cells[0] * cells[1]:].transpose(1, 2).unflatten(2, cells) if cells else value


def torch_truth(run, x, cells=()):
    """The truth of `run`, which gives (outputs, activations), the first activation being the target; `cells` as for `as_map`."""
    (logits, *_), (target, *shown) = run(x.requires_grad_())
    axis = 1 if logits.ndim in (2, 4) else logits.ndim - 1
    number = int(logits.detach().movedim(axis, 1).flatten(2).mean(2).argmax() if logits.ndim > 2 else logits.argmax())
    gradient, input_gradient = torch.autograd.grad(score(logits, axis, number), [target, x])
    gradient = as_map(gradient, cells)
    signed, rectified = cams(as_map(target, cells), gradient)
    # Tokens stay what they are in the graph; maps have channels first here.
    target = as_map(target, cells) if cells == "nhwc" else target
    arrays = {"input": x, "logits": logits, "target": target, "target_gradient": gradient,
              "input_gradient": input_gradient, "signed_cam": signed, "cam": rectified}
    arrays |= {f"value.{i}": value for i, value in enumerate(shown)}
    return number, {key: array.detach().numpy() for key, array in arrays.items()}


def difference(a, b):
    """The largest difference, relative to the larger of 1 and the largest value of `b`."""
    return float(np.abs(a - b).max() / max(1.0, np.abs(b).max()))


def usable(single, double):
    """Why a truth is no good witness, if it is not: a kink, or a map with little in it."""
    for key in ("target_gradient", "input_gradient"):
        if np.abs(single[key] - double[key]).max() > KINK * np.abs(double[key]).max():
            return f"a kink in {key}"
    return None if double["cam"].max() > FAINT * np.abs(double["signed_cam"]).max() else "a faint map"


def first_usable(name, attempt):
    """What `attempt(seed)` gives at the network's first seed that makes a good witness: the class in double and in single
    precision, the truths of both, and whatever else; the class, the truth in double precision and the rest are returned."""
    for seed in range(seed_of(name), seed_of(name) + SEEDS):
        (number, same), (double, single), made = attempt(seed)
        problem = usable(single, double) if number == same else "two classes are equal"
        if problem is None:
            return number, double, made
        print(f"{name}: seed {seed} has {problem}")
    raise SystemExit(f"{name}: no usable seed")


def run_onnx(proto, feeds):
    """Every value of the graph by onnxruntime, unoptimised, in the graph's order; the outputs apart."""
    outputs = [output.name for output in proto.graph.output]
    exposed = onnx.ModelProto()
    exposed.CopyFrom(proto)
    names = [name for node in proto.graph.node for name in node.output if name and name not in outputs]
    exposed.graph.output.extend(onnx.helper.make_empty_tensor_value_info(name) for name in names)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    session = onnxruntime.InferenceSession(exposed.SerializeToString(), options, providers=["CPUExecutionProvider"])
    found = dict(zip(outputs + names, session.run(None, feeds), strict=True))
    order = [name for node in proto.graph.node for name in node.output if name in found]
    return {name: found[name] for name in order}, [found[name] for name in outputs]


# Where channels, rows and columns lie; truths have channels first.
LAYOUTS = {"nchw": (0, 1, 2, 3), "nhwc": (0, 2, 3, 1)}


def places(values, wanted):
    """The names of all values of the graph that are `wanted`, in the graph's order, each with its layout."""
    found = []
    for name, value in values.items():
        if not isinstance(value, np.ndarray) or value.dtype.kind != "f":
            continue
        for layout, axes in LAYOUTS.items() if wanted.ndim == 4 else [("", tuple(range(wanted.ndim)))]:
            moved = wanted.transpose(axes)
            if value.shape == moved.shape and difference(value, moved) < AGREEMENT:
                found.append((name, layout))
                break
    if not found:
        raise SystemExit(f"no value of the graph is the wanted one, of shape {wanted.shape}")
    return found
