"""A YOLO11 classifier with random weights, exported by `ultralytics`, and what it answers for pictures.

Writes test/fixtures/yolo/yolo11-cls.onnx, for images of 64 by 64 pixels, and test/fixtures/reference/yolo-classifier.json.
"""

import json
import os
import shutil
import tempfile
from importlib.metadata import version
from pathlib import Path

os.environ["YOLO_OFFLINE"] = "true"

import onnx
import onnxruntime
import torch
import ultralytics
import yaml
from PIL import Image
from ultralytics import YOLO
from ultralytics.data.augment import classify_transforms

FIXTURES = Path(__file__).parents[1] / "fixtures"
CONFIG = Path(ultralytics.__file__).parent / "cfg" / "models" / "11" / "yolo11-cls.yaml"
LABELS = {0: "cat", 1: "dog", 2: "person"}
IMAGES = ("small-41x60.png", "small-75x50.png", "strip-500x3.png", "rgb.png", "grey.jpg")
SIDE = 64


def export(path: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "yolo11n-cls.yaml"
        config.write_text(yaml.safe_dump({**yaml.safe_load(CONFIG.read_text()), "nc": len(LABELS), "scales": {"n": [0.33, 0.03, 16]}}))
        model = YOLO(config)
        model.model.names = LABELS
        for module in model.model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.momentum = 1.0  # the statistics of the one run below
        model.model.train()(torch.rand(16, 3, SIDE, SIDE))
        torch.nn.init.normal_(model.model.model[-1].linear.weight, std=0.5)
        model.model.eval()
        shutil.copy(model.export(format="onnx", imgsz=SIDE, opset=16, simplify=False), path)
    graph = onnx.load(path)
    del graph.graph.value_info[:]
    for node in graph.graph.node:
        node.name = node.doc_string = ""
    for entry in graph.metadata_props:
        if entry.key in ("date", "docs", "license", "description"):
            entry.value = ""
    path.write_bytes(graph.SerializeToString(deterministic=True))


if __name__ == "__main__":
    torch.manual_seed(3)
    path = FIXTURES / "yolo" / "yolo11-cls.onnx"
    export(path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    transform = classify_transforms(SIDE)
    answers = {}
    for name in IMAGES:
        pixels = transform(Image.open(FIXTURES / "images" / name).convert("RGB"))[None].numpy()
        scores = session.run(None, {"images": pixels})[0][0].tolist()
        answers[name] = [[LABELS[index], round(score, 6)] for index, score in sorted(enumerate(scores), key=lambda item: -item[1])]
    versions = {name: version(name) for name in ("ultralytics", "torch", "torchvision", "onnxruntime")}
    (FIXTURES / "reference" / "yolo-classifier.json").write_text(json.dumps({"versions": versions, "answers": answers}) + "\n")
