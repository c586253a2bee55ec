"""What timm makes of pictures before it evaluates a model: test/fixtures/reference/timm-preprocessing.json, per case the settings as they
stand in config.json, the picture and the float32 values of its tensor."""

import base64
import json
import zlib
from importlib.metadata import version
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps
from timm.data import create_transform, resolve_data_config

FIXTURES = Path(__file__).parents[1] / "fixtures"
VERSIONS = {name: version(name) for name in ("timm", "torchvision", "pillow", "numpy")}

CASES = [
    ("odd-333x512.jpg", {"input_size": [3, 32, 32], "interpolation": "bicubic", "crop_pct": 0.95, "crop_mode": "center"}),
    ("odd-333x512.jpg", {"input_size": [3, 33, 33], "interpolation": "bilinear", "crop_pct": 0.875, "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}),
    ("small-75x50.png", {"input_size": [3, 24, 40], "interpolation": "bicubic", "crop_pct": 0.9}),
    ("small-41x60.png", {"input_size": [3, 40, 24], "interpolation": "lanczos", "crop_pct": 1.0}),
    ("hubble-1000x872.jpg", {"input_size": [3, 32, 32], "interpolation": "bicubic", "crop_pct": 0.9, "crop_mode": "squash"}),
    ("tiny-20x14.png", {"input_size": [3, 31, 31], "interpolation": "nearest", "crop_pct": 0.8}),
    ("orientation-6.jpg", {}),
    ("small-75x50.png", {"input_size": [1, 28, 28], "interpolation": "bilinear", "mean": [0.1307], "std": [0.3081], "crop_pct": 1.0}),
]


def encode(values: np.ndarray) -> str:
    """Base64 of the zlib-compressed little-endian float32 values."""
    return base64.b64encode(zlib.compress(np.ascontiguousarray(values).astype("<f4").tobytes(), 9)).decode()


def preprocess(image: str, settings: dict) -> dict:
    data_config = resolve_data_config(pretrained_cfg=settings or {"input_size": None})
    picture = ImageOps.exif_transpose(Image.open(FIXTURES / "images" / image)).convert("RGB")
    if data_config["input_size"][0] == 1:
        picture = picture.convert("L")  # as timm's datasets open pictures for a model of one channel
    values = create_transform(**data_config, is_training=False)(picture)[None].numpy()
    every = 1 if values.size < 10_000 else 37  # of large ones, values here and there
    return {"image": image, "settings": settings, "shape": values.shape, "every": every, "values": encode(values.ravel()[::every])}


if __name__ == "__main__":
    document = {"versions": VERSIONS, "cases": [preprocess(image, settings) for image, settings in CASES]}
    (FIXTURES / "reference" / "timm-preprocessing.json").write_text(json.dumps(document, indent=1) + "\n")
