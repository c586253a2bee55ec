"""What Python `transformers` (PIL processors) and onnxruntime make of test/fixtures/images.

Writes test/fixtures/reference:
  pixels/<image>.png              uint8 RGB after resize and crop, before rescale and normalise
  image-classification.json       per image: logits of models/efficientnet-lite0, first label, its margin over the second
  image-preprocessing.json        defaults of each processor class; pixel_values of configurations on small images
"""

import base64
import json
import zlib
from importlib.metadata import version
from pathlib import Path

import numpy as np
import onnxruntime
import transformers
from PIL import Image
from transformers.image_utils import load_image  # what the pipelines use: EXIF orientation, then RGB

ROOT = Path(__file__).parents[2]
MODEL = ROOT / "models" / "efficientnet-lite0"
IMAGES = ROOT / "test" / "fixtures" / "images"
REFERENCE = ROOT / "test" / "fixtures" / "reference"
VERSIONS = {name: version(name) for name in ("transformers", "pillow", "numpy", "onnxruntime")}

WIDE, TALL, TINY = "small-75x50.png", "small-41x60.png", "tiny-20x14.png"

PROCESSORS = [
    "BeitImageProcessor", "BitImageProcessor", "CLIPImageProcessor", "ConditionalDetrImageProcessor", "ConvNextImageProcessor",
    "DeformableDetrImageProcessor", "DeiTImageProcessor", "DetrImageProcessor", "EfficientNetImageProcessor",
    "LevitImageProcessor", "MobileNetV1ImageProcessor", "MobileNetV2ImageProcessor", "MobileViTImageProcessor",
    "PoolFormerImageProcessor", "PvtImageProcessor", "RTDetrImageProcessor", "SegformerImageProcessor", "SiglipImageProcessor",
    "ViTImageProcessor", "YolosImageProcessor",
]  # fmt: skip

# (processor, image, fields of preprocessor_config.json; what is not named has the processor's default)
CASES = [
    ("ViT", WIDE, {"size": 24}),
    ("ViT", WIDE, {"size": {"height": 20, "width": 28}}),
    *[("ViT", image, {"size": 24, "resample": resample}) for image in (WIDE, TALL, TINY) for resample in (0, 1, 2, 3)],
    ("ViT", TINY, {"do_resize": False}),
    ("ViT", WIDE, {"size": 16, "do_rescale": False}),
    ("ViT", WIDE, {"size": 16, "do_normalize": False}),
    ("ViT", WIDE, {"size": 16, "do_rescale": False, "do_normalize": False}),
    ("ViT", WIDE, {"size": 16, "rescale_factor": 1 / 128, "image_mean": [0.2, 0.9, 1.3], "image_std": [0.3, 0.7, 2.0]}),
    *[("CLIP", image, {"size": 23, "crop_size": 20}) for image in (WIDE, TALL, TINY)],
    ("CLIP", WIDE, {"size": {"shortest_edge": 24}, "crop_size": {"height": 15, "width": 22}}),
    ("CLIP", WIDE, {"size": {"height": 30, "width": 21}, "crop_size": 16}),
    ("CLIP", WIDE, {"size": {"shortest_edge": 19}, "do_center_crop": False}),
    ("CLIP", TALL, {"size": {"shortest_edge": 12}, "crop_size": 21}),
    ("CLIP", WIDE, {"size": {"shortest_edge": 13}, "crop_size": {"height": 24, "width": 14}}),
    ("CLIP", TINY, {"do_resize": False, "crop_size": {"height": 9, "width": 31}}),
    ("CLIP", TALL, {"size": 20, "crop_size": 20, "do_convert_rgb": False}),
    ("Bit", TALL, {"size": {"shortest_edge": 22}, "crop_size": 20}),
    ("ConvNext", WIDE, {"size": {"shortest_edge": 21}}),
    ("ConvNext", TALL, {"size": {"shortest_edge": 20}, "crop_pct": 0.6}),
    ("ConvNext", TINY, {"size": 22, "crop_pct": 1.0}),
    ("ConvNext", TINY, {"size": {"shortest_edge": 384}, "resample": 0}),
    ("EfficientNet", WIDE, {"size": 24}),
    ("EfficientNet", WIDE, {"size": 24, "include_top": False, "rescale_factor": 1 / 127.5, "rescale_offset": True}),
    ("EfficientNet", TALL, {"size": 24, "resample": 3, "do_center_crop": True, "crop_size": 17}),
    ("EfficientNet", TALL, {"size": 24, "do_normalize": False, "image_std": [0.2, 0.4, 0.8]}),
    ("Levit", WIDE, {"size": {"shortest_edge": 21}, "crop_size": 21}),
    ("Levit", TALL, {"size": {"height": 26, "width": 24}, "crop_size": 20}),
    ("DeiT", WIDE, {"size": 24, "crop_size": 20}),
    ("Beit", TALL, {"size": 22, "crop_size": 21}),
    ("MobileNetV1", WIDE, {"size": {"shortest_edge": 24}, "crop_size": 20}),
    ("MobileNetV2", TALL, {"size": {"shortest_edge": 24}, "crop_size": 20}),
    ("MobileViT", WIDE, {"size": {"shortest_edge": 20}, "crop_size": 22}),
    ("MobileViT", TALL, {"size": {"shortest_edge": 24}, "crop_size": 20, "do_flip_channel_order": False}),
    ("PoolFormer", WIDE, {"size": {"shortest_edge": 20}, "crop_size": 20, "crop_pct": 0.95}),
    ("PoolFormer", TALL, {"size": {"height": 20, "width": 20}, "crop_size": 20}),
    ("PoolFormer", TALL, {"size": {"height": 20, "width": 26}, "crop_size": 20}),
    ("Pvt", WIDE, {"size": {"height": 18, "width": 20}}),
    ("Segformer", TALL, {"size": {"height": 18, "width": 20}}),
    ("Siglip", WIDE, {"size": {"height": 22, "width": 22}}),
    ("Detr", WIDE, {"size": {"shortest_edge": 20, "longest_edge": 40}}),
    ("Detr", WIDE, {"size": {"shortest_edge": 20, "longest_edge": 25}}),
    ("Detr", TALL, {"size": {"shortest_edge": 21, "longest_edge": 27}}),
    ("Detr", WIDE, {"size": {"shortest_edge": 50, "longest_edge": 99}}),
    ("Detr", TALL, {"size": {"height": 16, "width": 18}, "do_pad": False}),
    ("Detr", WIDE, {"size": 20, "max_size": 25}),
    ("Detr", TALL, {"size": {"max_height": 30, "max_width": 40}}),
    ("Detr", TINY, {"size": {"max_height": 30, "max_width": 40}}),
    *[("Yolos", image, {"size": {"shortest_edge": 40, "longest_edge": 99}}) for image in (WIDE, TALL, TINY)],
    ("Yolos", WIDE, {"size": {"shortest_edge": 40, "longest_edge": 50}}),
    ("Yolos", TALL, {"size": {"height": 21, "width": 18}}),
    ("ConditionalDetr", WIDE, {"size": {"shortest_edge": 20, "longest_edge": 25}}),
    ("DeformableDetr", TALL, {"size": {"shortest_edge": 20, "longest_edge": 25}}),
    ("RTDetr", WIDE, {"size": {"height": 21, "width": 32}}),
    ("RTDetr", TALL, {"size": {"height": 21, "width": 32}, "do_normalize": True}),
    ("Detr", WIDE, {"size": {"shortest_edge": 16, "longest_edge": 40}, "pad_size": {"height": 20, "width": 31}}),
]


def write_json(name: str, content: dict) -> None:
    (REFERENCE / name).write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def encode(values: np.ndarray) -> str:
    """Base64 of the zlib-compressed little-endian float32 values."""
    return base64.b64encode(zlib.compress(values.astype("<f4").tobytes(), 9)).decode()


def preprocess(processor, image: Image.Image, **overrides) -> np.ndarray:
    # Said outright, because a picture 1 or 3 pixels high would be taken for one with its channels first.
    return processor(image, return_tensors="np", input_data_format="channels_last", **overrides)["pixel_values"]


def classify_images() -> dict:
    processor = transformers.BitImageProcessor.from_pretrained(MODEL)
    labels = json.loads((MODEL / "config.json").read_text())["id2label"]
    session = onnxruntime.InferenceSession(MODEL / "onnx" / "model.onnx", providers=["CPUExecutionProvider"])
    images = {}
    for path in sorted(IMAGES.iterdir()):
        image = load_image(str(path))
        pixels = preprocess(processor, image, do_rescale=False, do_normalize=False)[0]
        Image.fromarray(pixels.transpose(1, 2, 0).astype(np.uint8)).save(REFERENCE / "pixels" / f"{path.name}.png", optimize=True)
        (logits,) = session.run(["logits"], {"pixel_values": preprocess(processor, image)})
        scores = np.exp(logits[0] - logits[0].max())
        scores /= scores.sum()
        first, second = np.argsort(-scores)[:2]
        images[path.name] = {
            "width": image.width,
            "height": image.height,
            "top1": labels[str(first)],
            "margin": round(float(scores[first] - scores[second]), 5),
            "logits": encode(logits[0]),
        }
    return images


def preprocess_variants() -> list[dict]:
    cases = []
    for name, image, fields in CASES:
        processor = getattr(transformers, f"{name}ImageProcessor")(**fields)
        values = preprocess(processor, load_image(str(IMAGES / image)))
        config = {"image_processor_type": f"{name}ImageProcessor", **fields}
        cases.append({"image": image, "config": config, "shape": values.shape, "pixelValues": encode(values)})
    return cases


if __name__ == "__main__":
    (REFERENCE / "pixels").mkdir(parents=True, exist_ok=True)
    write_json("image-classification.json", {"versions": VERSIONS, "images": classify_images()})
    defaults = {name: json.loads(getattr(transformers, name)().to_json_string()) for name in PROCESSORS}
    write_json(
        "image-preprocessing.json",
        {"versions": VERSIONS, "defaults": defaults, "cases": preprocess_variants()},
    )
