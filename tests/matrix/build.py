"""Builds the tests' networks and their truth: networks/*.onnx, truth/*.npz and manifest.json, refused/ and external/.

    python build.py [NAME …]     all of them if none is named; `refused` names those that must be refused

A network's truth comes from the framework that made it, in double precision where that is torch, and from onnxruntime.
Everything is seeded. A seed whose gradients sit on a kink is passed over for the next.
"""

import argparse
import json
import logging
import os
import tempfile
import warnings
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# oneDNN's gradients of convolutions in double precision write beyond their memory.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)

import numpy as np
import onnx
import torch

import classics
import keras_networks
import refused
import torch_networks
from truth import LAYOUTS, enliven, first_usable, image, places, run_onnx, torch_truth, trace

HERE = Path(__file__).parent
FOLDERS = ("networks", "truth", "refused", "external")
LARGEST, ALL = 200_000, 6_000_000
# The name by which the networks that must be refused are built.
REFUSED = "refused"


def without_traces(proto):
    """Drops what exporters note about the machine they ran on: stack traces, and with them all notes on operators."""
    for holder in [proto.graph, *proto.graph.node, *proto.graph.value_info, *proto.graph.input, *proto.graph.output,
                   *proto.graph.initializer]:
        if hasattr(holder, "metadata_props"):
            del holder.metadata_props[:]
        holder.doc_string = ""
    return proto


class Store:
    """Writes networks and truths, and remembers what was written."""

    def __init__(self):
        self.manifest = json.loads((HERE / "manifest.json").read_text()) if (HERE / "manifest.json").exists() else {}

    def add(self, name, framework, number, arrays, exports, **more):
        """A network with its truth and exports, each (exporter, opset, proto, layout of the input)."""
        arrays, entries = dict(arrays), []
        head = more.get("head", 0)
        for exporter, opset, proto, layout in exports:
            file = f"{name}.{exporter}{opset}.onnx"
            x = arrays["input"].transpose(LAYOUTS[layout]).astype(np.uint8 if more.get("bytes") else np.float32)
            feeds = {proto.graph.input[0].name: x}
            values, outputs = run_onnx(proto, feeds)
            found = {key: places(values, arrays[key]) for key in ("logits", "target", "value.0", "value.1") if key in arrays}
            for i, output in enumerate(outputs):
                arrays[f"onnxruntime.{exporter}{opset}.{i}"] = output
            entries.append({"file": file, "exporter": exporter, "opset": opset, "input": layout,
                            "outputs": [output.name for output in proto.graph.output], "places": found})
            path = HERE / "networks" / file
            path.write_bytes(without_traces(proto).SerializeToString())
            if path.stat().st_size > LARGEST:
                raise SystemExit(f"{file}: {path.stat().st_size} bytes, more than {LARGEST}")
        path = HERE / "truth" / f"{name}.npz"
        np.savez_compressed(path, **{key: np.asarray(value, np.float32) for key, value in arrays.items()})
        more = {key: value for key, value in more.items() if value} | {"head": head}
        self.manifest[name] = {"framework": framework, "class": number, "exports": entries, **more}
        print(f"{name}: class {number}, targets {[entry['places']['target'][0][0] for entry in entries]}", flush=True)

    def close(self):
        text = json.dumps(dict(sorted(self.manifest.items())), indent=1)
        (HERE / "manifest.json").write_text(text + "\n")
        size = sum(path.stat().st_size for folder in FOLDERS for path in (HERE / folder).iterdir())
        print(f"{len(self.manifest)} networks, {size / 1e6:.2f} MB")
        if size > ALL:
            raise SystemExit(f"more than {ALL} bytes")


def export_torch(module, x, network, exporter, opset):
    """The module as ONNX, by one of torch's two exporters."""
    axes = {0: "batch"} if "batch" in network.open else {}
    axes |= {2: "height", 3: "width"} if "size" in network.open else {}
    names = {"input_names": ["input"], "output_names": list(network.heads), "opset_version": opset}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        if exporter == torch_networks.DYNAMO:
            free = ({axis: torch.export.Dim.AUTO for axis in axes},)
            # A batch of one would be taken for fixed.
            example = torch.cat([x, x]) if axes else x
            torch.onnx.export(module, (example,), path, dynamo=True, external_data=False, verbose=False,
                              dynamic_shapes=free if axes else None, **names)
        else:
            mode = torch.onnx.TrainingMode.PRESERVE if network.keep_norms else torch.onnx.TrainingMode.EVAL
            outputs = {name: axes for name in network.heads} if axes else {}
            torch.onnx.export(module, (x,), path, dynamo=False, training=mode, dynamic_axes={"input": axes} | outputs, **names)
        return onnx.load(path)


def add_torch(store, name, network):
    paths = [network.target, *network.shown]

    def attempt(seed):
        torch.manual_seed(seed)
        module = enliven(network.build(), seed)
        x = image(network.size, seed, network.bytes)
        number, double = torch_truth(lambda x: trace(module.double(), x, paths), x.double(), network.cells)
        same, single = torch_truth(lambda x: trace(module.float(), x, paths), x.clone(), network.cells)
        return (number, same), (double, single), (module, x)

    number, double, (module, x) = first_usable(name, attempt)
    x = x.detach().to(torch.uint8 if network.bytes else torch.float32)
    exports = [(exporter, opset, export_torch(module, x, network, exporter, opset), "nchw")
               for exporter, opset in network.exports]
    store.add(name, "torch", number, double, exports, without_rule=network.without_rule, bytes=network.bytes)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="all of them if none is named")
    names = parser.parse_args().names
    for folder in ("networks", "truth"):
        (HERE / folder).mkdir(exist_ok=True)
    store = Store()
    for module, add in [(torch_networks, add_torch), (classics, classics.add), (keras_networks, keras_networks.add)]:
        for name, network in module.NETWORKS.items():
            if not names or name in names:
                add(store, name, network)
    if not names or REFUSED in names:
        refused.write(HERE, without_traces)
    store.close()


if __name__ == "__main__":
    main()
