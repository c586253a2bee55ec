"""YOLO models that give finished boxes, exported by `ultralytics` with random weights, and what it detects with them.

Writes test/fixtures/yolo: yolo26.onnx, whose head needs no suppression, yolo26-nms.onnx with the suppression in the graph, and scene.png, which
is letterboxed without a resize; and test/fixtures/reference/object-detection/finished-yolo.json.
"""

import json
import os
import shutil
import tempfile
from importlib.metadata import version
from pathlib import Path

os.environ["YOLO_OFFLINE"] = "true"

import numpy as np
import onnx
import onnxruntime
import torch
import ultralytics
import yaml
from PIL import Image
from ultralytics import YOLO
from ultralytics.data.augment import LetterBox
from ultralytics.utils.nms import non_max_suppression
from ultralytics.utils.ops import scale_boxes

FIXTURES = Path(__file__).parents[1] / "fixtures"
CONFIGS = Path(ultralytics.__file__).parent / "cfg" / "models"
VERSIONS = {name: version(name) for name in ("ultralytics", "torch", "onnxruntime")}
LABELS = {0: "cat", 1: "dog", 2: "person"}
SIDE = 64
THRESHOLD = 0.3


def build(folder: Path) -> YOLO:
    """A YOLO26, a twentieth as wide, that tells pictures apart and is sure of some boxes."""
    fields = yaml.safe_load((CONFIGS / "26" / "yolo26.yaml").read_text())
    path = folder / "yolo26n.yaml"
    path.write_text(yaml.safe_dump({**fields, "nc": len(LABELS), "scales": {"n": [0.33, 0.05, 16]}}))
    model = YOLO(path)
    model.model.names = LABELS
    network, head = model.model, model.model.model[-1]
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0  # the statistics of the one run below
    network.train()(torch.rand(16, 3, SIDE, SIDE))
    with torch.no_grad():
        for level in [*head.cv3, *head.one2one_cv3]:
            level[-1].weight.normal_(std=0.7)
            level[-1].bias.fill_(-1.0)
        for level in [*head.cv2, *head.one2one_cv2]:
            level[-1].weight.normal_(std=0.1)
            level[-1].bias.fill_(1.0)
    network.eval()
    return model


def export(path: Path, nms: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(build(Path(folder)).export(format="onnx", imgsz=SIDE, opset=16, simplify=False, nms=nms), path)
    model = onnx.load(path)
    del model.graph.value_info[:]
    for node in model.graph.node:
        node.name = node.doc_string = ""
    for entry in model.metadata_props:
        if entry.key in ("date", "docs", "license", "description"):
            entry.value = ""
    path.write_bytes(model.SerializeToString(deterministic=True))


def detect(path: Path, image: np.ndarray) -> list:
    """`[[label, score, [xmin, ymin, xmax, ymax]], …]` in pixels of the image, in the order of ultralytics."""
    pixels = LetterBox((SIDE, SIDE))(image=image)
    values = np.ascontiguousarray(pixels.transpose(2, 0, 1)[None]).astype("f4") / np.float32(255)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (rows,) = non_max_suppression(torch.from_numpy(session.run(None, {"images": values})[0]), THRESHOLD, end2end=True)
    rows[:, :4] = scale_boxes((SIDE, SIDE), rows[:, :4], image.shape)
    return [[LABELS[int(row[5])], round(float(row[4]), 6), row[:4].int().tolist()] for row in rows]


if __name__ == "__main__":
    yolo = FIXTURES / "yolo"
    yolo.mkdir(exist_ok=True)
    Image.open(FIXTURES / "images" / "small-41x60.png").convert("RGB").resize((48, SIDE)).save(yolo / "scene.png")
    image = np.asarray(Image.open(yolo / "scene.png"))
    found = {}
    for name, nms in (("yolo26", False), ("yolo26-nms", True)):
        torch.manual_seed(5)
        export(yolo / f"{name}.onnx", nms)
        found[name] = detect(yolo / f"{name}.onnx", image)
    document = {"versions": VERSIONS, "threshold": THRESHOLD, "found": found}
    (FIXTURES / "reference" / "object-detection" / "finished-yolo.json").write_text(json.dumps(document) + "\n")
