"""Makes faces.onnx and quantised.onnx, and truth.json: what onnxruntime says of each network here for its picture (x / 255).

The other networks are exports of small seeded ones; answers (classes, tables of names) are left out of the truth.
"""

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnxruntime import quantization
from PIL import Image
from torch import nn

HERE = Path(__file__).parent
PICTURES = {"zipmap": "p34.png", "gelu": "p32.png", "vit": "p32.png", "swin": "p32.png", "standardised-torchscript": "p32.png",
            "standardised-dynamo": "p32.png", "constant-of-shape": "p16.png", "quantised": "p32.png"}
CLASSES = 6


class Faces(nn.Module):
    """The last stage of a cascaded face detector (1604.02878): a softmax, and boxes and landmarks beside it."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 8, 3, 2), nn.PReLU(8), nn.Conv2d(8, 12, 3, 2), nn.PReLU(12), nn.Flatten(),
                                      nn.Linear(12 * 15 * 15, 8), nn.PReLU())
        self.boxes, self.points, self.scores = nn.Linear(8, 4), nn.Linear(8, 10), nn.Linear(8, 2)

    def forward(self, x):
        x = self.features(x)
        return self.boxes(x), self.points(x), self.scores(x).softmax(1)


def export(module, size, name, outputs):
    torch.onnx.export(module.eval(), (torch.rand(1, 3, size, size),), HERE / f"{name}.onnx", dynamo=False, opset_version=17,
                      input_names=["input"], output_names=outputs)


def picture(name, batch):
    pixels = np.asarray(Image.open(HERE / PICTURES.get(name, "p64.png"))).transpose(2, 0, 1)[None]
    return np.repeat(pixels.astype(np.float32) / 255, batch, 0)


class Calibration(quantization.CalibrationDataReader):
    def __init__(self):
        generator = np.random.default_rng(0)
        inputs = [picture("quantised", 1)] + [generator.random((1, 3, 32, 32), np.float32) for _ in range(8)]
        self.inputs = iter({"input": x} for x in inputs)

    def get_next(self):
        return next(self.inputs, None)


def main():
    torch.manual_seed(3)
    export(Faces(), 64, "faces", ["boxes", "points", "probabilities"])
    torch.manual_seed(4)
    body = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.ReLU(), nn.Conv2d(8, 16, 3, 2, 1), nn.ReLU(), nn.MaxPool2d(2),
                         nn.Conv2d(16, 16, 3, 1, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, CLASSES))
    export(body, 32, "float", ["logits"])
    options = {"ActivationSymmetric": False, "WeightSymmetric": True}
    quantization.quantize_static(HERE / "float.onnx", HERE / "quantised.onnx", Calibration(), per_channel=True,
                                 quant_format=quantization.QuantFormat.QDQ, extra_options=options)
    truth = {}
    for path in sorted(HERE.glob("*.onnx")):
        proto = onnx.load(path)
        session = onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
        batch = proto.graph.input[0].type.tensor_type.shape.dim[0].dim_value
        name = "quantised" if path.stem == "float" else path.stem
        values = session.run(None, {session.get_inputs()[0].name: picture(name, batch)})
        outputs = zip((output.name for output in session.get_outputs()), values)
        truth[path.stem] = {name: value[0].flatten().tolist() for name, value in outputs
                            if isinstance(value, np.ndarray) and value.dtype == np.float32}
    (HERE / "float.onnx").unlink()
    (HERE / "truth.json").write_text(json.dumps(truth, indent=1) + "\n")


if __name__ == "__main__":
    main()
