"""What Python `transformers` (PIL processors), `ultralytics` and onnxruntime make of pictures with objects to find.

Writes test/fixtures/models/tiny-{detr,detr-mask,yolos,rt-detr,yolo}: random weights, as exporters write the folders; and
test/fixtures/reference/object-detection:
  <model>.json       per picture: the graph's outputs for its pixels in reference/pixels (224×224, not resized) and what is detected in
                     them; and what is detected in the picture itself, from its bytes on
  postprocess.json   what each processor makes of random outputs; and how far pictures of different size in one run, padded and masked
                     as the processor does it, lie from each alone
  letterbox.json     uint8 levels of letterboxed pictures
"""

import base64
import json
import os
import shutil
import tempfile
import zlib
from importlib.metadata import version
from pathlib import Path

os.environ["YOLO_OFFLINE"] = "true"

import numpy as np
import onnx
import onnxruntime
import torch
import transformers
from onnx import TensorProto, helper, numpy_helper
from optimum.exporters.onnx import export, main_export
from optimum.exporters.onnx.model_configs import DetrOnnxConfig
from PIL import Image
from transformers.image_utils import load_image  # what the pipelines use: EXIF orientation, then RGB
from transformers.models.detr.modeling_detr import DetrObjectDetectionOutput
from ultralytics.data.augment import LetterBox
from ultralytics.utils.nms import non_max_suppression
from ultralytics.utils.ops import scale_boxes

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "test" / "fixtures"
MODELS = FIXTURES / "models"
IMAGES = FIXTURES / "images"
REFERENCE = FIXTURES / "reference"
VERSIONS = {
    name: version(name) for name in ("transformers", "optimum-onnx", "torch", "ultralytics", "pillow", "numpy", "onnxruntime")
}

LABELS = ["cat", "dog", "person", "bicycle", "traffic light", "açaí"]
ID2LABEL = dict(enumerate(LABELS))
LABEL_OF = {"id2label": ID2LABEL, "label2id": {label: index for index, label in ID2LABEL.items()}}
THRESHOLD = 0.75
IOU = 0.45
YOLO_SIDE = 64


def backbone() -> transformers.ResNetConfig:
    return transformers.ResNetConfig(
        embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic", out_features=["stage2"]
    )


def detr() -> transformers.DetrForObjectDetection:
    config = transformers.DetrConfig(
        use_timm_backbone=False, use_pretrained_backbone=False, backbone=None, backbone_config=backbone(), d_model=32,
        encoder_layers=1, decoder_layers=2, encoder_attention_heads=2, decoder_attention_heads=2, encoder_ffn_dim=32,
        decoder_ffn_dim=32, num_queries=20, **LABEL_OF,
    )  # fmt: skip
    return transformers.DetrForObjectDetection(config)


def yolos() -> transformers.YolosForObjectDetection:
    config = transformers.YolosConfig(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32, image_size=[64, 96], patch_size=16,
        num_detection_tokens=20, **LABEL_OF,
    )  # fmt: skip
    return transformers.YolosForObjectDetection(config)


def rt_detr() -> transformers.RTDetrForObjectDetection:
    config = transformers.RTDetrConfig(
        backbone_config=transformers.RTDetrResNetConfig(
            embedding_size=8, hidden_sizes=[8, 8, 8, 8], depths=[1, 1, 1, 1], layer_type="basic",
            out_features=["stage2", "stage3", "stage4"],
        ),
        encoder_hidden_dim=16, encoder_in_channels=[8, 8, 8], encoder_layers=1, encoder_ffn_dim=16, encoder_attention_heads=2,
        hidden_expansion=0.5, d_model=16, num_queries=20, decoder_in_channels=[16, 16, 16], decoder_ffn_dim=16, decoder_layers=2,
        decoder_attention_heads=2, decoder_n_points=2, num_denoising=0, anchor_image_size=None, **LABEL_OF,
    )  # fmt: skip
    return transformers.RTDetrForObjectDetection(config)


def spread(model: torch.nn.Module, class_head: torch.nn.Linear, pixels: torch.Tensor) -> torch.nn.Module:
    """Random weights see the same in every picture and are unsure of it: larger ones, and a head that is centred on what pictures give."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "query_position_embeddings" in name or "detection_tokens" in name:
                parameter.normal_(std=1.0)
            elif parameter.ndim > 1 and "position_embeddings" not in name:
                parameter.normal_(std=1.5 / parameter[0].numel() ** 0.5)
        logits = model(pixels).logits.flatten(0, 1)
        scale = 2.5 / logits.std(0)
        class_head.weight.mul_(scale[:, None])
        class_head.bias.copy_(class_head.bias * scale - logits.mean(0) * scale - 2)  # for a sigmoid; a softmax does not see it
    return model


PROCESSORS = {
    "tiny-detr": transformers.DetrImageProcessor(size={"shortest_edge": 64, "longest_edge": 107}),
    "tiny-yolos": transformers.YolosImageProcessor(size={"shortest_edge": 64, "longest_edge": 107}),
    "tiny-rt-detr": transformers.RTDetrImageProcessor(size={"height": 96, "width": 96}),
}
PROCESSORS["tiny-detr-mask"] = PROCESSORS["tiny-detr"]
CLASS_HEADS = {
    "tiny-detr": lambda model: model.class_labels_classifier,
    "tiny-yolos": lambda model: model.class_labels_classifier.layers[-1],
    "tiny-rt-detr": lambda model: model.class_embed[-1],
}


def pixels_of(processor) -> torch.Tensor:
    pictures = [Image.open(path) for path in sorted((REFERENCE / "pixels").iterdir())[::3]]
    return torch.from_numpy(preprocess(processor, pictures, do_resize=False)["pixel_values"])


def shorten_names(path: Path) -> None:
    """Most of a tiny graph is the names that PyTorch gives; those of inputs and outputs stay."""
    model = onnx.load(path)
    kept = {value.name for value in [*model.graph.input, *model.graph.output]}
    short: dict[str, str] = {"": ""}

    def rename(names) -> None:
        for index, name in enumerate(names):
            names[index] = name if name in kept else short.setdefault(name, f"v{len(short)}")

    def walk(graph: onnx.GraphProto) -> None:
        del graph.value_info[:]
        for value in [*graph.initializer, *graph.input, *graph.output]:
            value.name = value.name if value.name in kept else short.setdefault(value.name, f"v{len(short)}")
        for node in graph.node:
            node.name = node.doc_string = ""
            rename(node.input)
            rename(node.output)
            for attribute in node.attribute:
                if attribute.HasField("g"):
                    walk(attribute.g)

    walk(model.graph)
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString(deterministic=True))


class DetrWithMaskOnnxConfig(DetrOnnxConfig):
    """As Optimum exported DETR before it left the mask out, and transformers.js feeds it."""

    @property
    def inputs(self) -> dict[str, dict[int, str]]:
        return {**super().inputs, "pixel_mask": {0: "batch_size", 1: "height", 2: "width"}}


def export_models() -> None:
    for seed, (name, create) in enumerate({"tiny-detr": detr, "tiny-yolos": yolos, "tiny-rt-detr": rt_detr}.items()):
        torch.manual_seed(seed)
        model = create().eval()
        spread(model, CLASS_HEADS[name](model), pixels_of(PROCESSORS[name]))
        with tempfile.TemporaryDirectory() as folder:
            model.save_pretrained(folder)
            PROCESSORS[name].save_pretrained(folder)
            shutil.rmtree(MODELS / name, ignore_errors=True)
            main_export(folder, MODELS / name, task="object-detection", do_validation=False)
        if name == "tiny-detr":
            with_mask = MODELS / "tiny-detr-mask"
            shutil.rmtree(with_mask, ignore_errors=True)
            shutil.copytree(MODELS / name, with_mask)
            export(model, DetrWithMaskOnnxConfig(model.config, task="object-detection"), with_mask / "model.onnx")


def export_yolo() -> None:
    """A graph with the inputs, outputs and metadata of an Ultralytics export: two scales of cells, each with one box."""
    random = np.random.default_rng(7)
    weights, nodes, outputs = [], [], []

    def constant(name: str, values) -> str:
        weights.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def add(operator: str, inputs: list[str], output: str, **attributes) -> str:
        nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output

    for stride in (8, 16):
        cells = YOLO_SIDE // stride
        patches = constant(f"patches_{stride}", random.normal(0, 2.5 / stride, (24, 3, stride, stride)).astype("f4"))
        features = add("Tanh", [add("Conv", ["images", patches], f"conv_{stride}", strides=[stride] * 2)], f"features_{stride}")
        spread = np.float32([1, 1, 0.2, 0.2] + [1] * len(LABELS)).reshape(-1, 1, 1, 1)
        head = constant(f"head_{stride}", (random.normal(0, 0.8, (len(spread), 24, 1, 1)) * spread).astype("f4"))
        bias = constant(f"bias_{stride}", np.float32([0, 0, 2, 2] + [-3] * len(LABELS)))
        raw = add("Conv", [features, head, bias], f"raw_{stride}")
        shape = constant(f"shape_{stride}", np.int64([1, 4 + len(LABELS), cells * cells]))
        rows = add("Sigmoid", [add("Reshape", [raw, shape], f"flat_{stride}")], f"rows_{stride}")
        centre, size, scores = (f"{part}_{stride}" for part in ("centre", "size", "scores"))
        split = constant(f"split_{stride}", np.int64([2, 2, len(LABELS)]))
        nodes.append(helper.make_node("Split", [rows, split], [centre, size, scores], axis=1))
        grid = np.stack(np.meshgrid(np.arange(cells), np.arange(cells))).reshape(1, 2, -1).astype("f4")
        cell = constant(f"cell_{stride}", np.float32(stride))
        moved = add("Mul", [add("Add", [centre, constant(f"grid_{stride}", grid)], f"moved_{stride}"), cell], f"xy_{stride}")
        grown = add("Mul", [size, constant(f"grow_{stride}", np.float32(6 * stride))], f"wh_{stride}")
        outputs.append(add("Concat", [moved, grown, scores], f"scale_{stride}", axis=1))
    add("Concat", outputs, "output0", axis=2)

    anchors = (YOLO_SIDE // 8) ** 2 + (YOLO_SIDE // 16) ** 2
    graph = helper.make_graph(
        nodes, "yolo",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, YOLO_SIDE, YOLO_SIDE])],
        [helper.make_tensor_value_info("output0", TensorProto.FLOAT, [1, 4 + len(LABELS), anchors])],
        initializer=weights,
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    metadata = {
        "author": "Ultralytics", "stride": 16, "task": "detect", "batch": 1, "imgsz": [YOLO_SIDE, YOLO_SIDE], "names": ID2LABEL,
    }  # fmt: skip
    helper.set_model_props(model, {key: str(value) for key, value in metadata.items()})
    onnx.checker.check_model(model, full_check=True)
    samples = MODELS / "tiny-yolo" / "samples"
    samples.mkdir(parents=True, exist_ok=True)
    shutil.copy(IMAGES / "orientation-8.webp", samples / "scene.webp")
    (MODELS / "tiny-yolo" / "tiny-yolo.onnx").write_bytes(model.SerializeToString(deterministic=True))


def encode(values: np.ndarray) -> str:
    """Base64 of the zlib-compressed little-endian float32 values."""
    return base64.b64encode(zlib.compress(np.ascontiguousarray(values).astype("<f4").tobytes(), 9)).decode()


def session_of(name: str) -> onnxruntime.InferenceSession:
    (path,) = (MODELS / name).glob("*.onnx")
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def preprocess(processor, images, **overrides) -> dict[str, np.ndarray]:
    # Said outright, because a picture 1 or 3 pixels high would be taken for one with its channels first.
    return processor(images, return_tensors="np", input_data_format="channels_last", **overrides)


def run(session: onnxruntime.InferenceSession, feeds) -> dict[str, np.ndarray]:
    taken = {spec.name: feeds[spec.name] for spec in session.get_inputs()}
    names = [spec.name for spec in session.get_outputs()]
    return dict(zip(names, session.run(names, taken)))


def detect(processor, outputs, sizes, threshold=THRESHOLD) -> list[list]:
    """`[[label, score, [xmin, ymin, xmax, ymax]], …]` for each picture, as the pipeline's postprocess makes them."""
    tensors = {name: torch.from_numpy(outputs[name]) for name in ("logits", "pred_boxes")}
    output = DetrObjectDetectionOutput(**tensors)
    found = processor.post_process_object_detection(output, threshold, torch.IntTensor(sizes))
    return [
        [
            [LABELS[label], round(score, 6), box.int().tolist()]
            for label, score, box in zip(one["labels"].tolist(), one["scores"].tolist(), one["boxes"])
        ]
        for one in found
    ]


def detect_with_transformers(name: str) -> dict:
    processor, session = PROCESSORS[name], session_of(name)
    images = {}
    for path in sorted(IMAGES.iterdir()):
        pixels = Image.open(REFERENCE / "pixels" / f"{path.name}.png")
        outputs = run(session, preprocess(processor, [pixels], do_resize=False))
        entry = {
            "outputs": {key: encode(outputs[key][0]) for key in ("logits", "pred_boxes")},
            "fromPixels": detect(processor, outputs, [[224, 224]])[0],
        }
        image = load_image(str(path))
        try:
            outputs = run(session, preprocess(processor, [image]))
            entry["fromBytes"] = detect(processor, outputs, [[image.height, image.width]])[0]
        except ValueError:
            entry["fromBytes"] = None  # the processor makes a line of no width of it
        images[path.name] = {"width": image.width, "height": image.height, **entry}
    return images


def detect_with_ultralytics() -> dict:
    """What is in the middle of the 224×224 pixels, cut out as the graph takes them; and in the picture, letterboxed."""
    session = session_of("tiny-yolo")

    def run_letterboxed(pixels: np.ndarray) -> np.ndarray:
        values = np.ascontiguousarray(pixels.transpose(2, 0, 1)[None]).astype("f4") / np.float32(255)
        return session.run(None, {"images": values})[0]

    def found(output: np.ndarray, place) -> list:
        (rows,) = non_max_suppression(torch.from_numpy(output.copy()), THRESHOLD, IOU, max_det=300)
        return [[LABELS[int(row[5])], round(float(row[4]), 6), row[:4].int().tolist()] for row in place(rows)]

    def in_the_middle(rows: torch.Tensor) -> torch.Tensor:
        rows[:, :4] = (rows[:, :4] + margin).clamp(0, 224)
        return rows

    margin = (224 - YOLO_SIDE) // 2
    middle = slice(margin, margin + YOLO_SIDE)
    images = {}
    for path in sorted(IMAGES.iterdir()):
        pixels = np.asarray(Image.open(REFERENCE / "pixels" / f"{path.name}.png"))[middle, middle]
        output = run_letterboxed(pixels)
        image = load_image(str(path))

        def in_the_picture(rows: torch.Tensor) -> torch.Tensor:
            rows[:, :4] = scale_boxes((YOLO_SIDE, YOLO_SIDE), rows[:, :4], (image.height, image.width))
            return rows

        letterboxed = LetterBox((YOLO_SIDE, YOLO_SIDE))(image=np.asarray(image))
        images[path.name] = {
            "width": image.width,
            "height": image.height,
            "outputs": {"output0": encode(output[0])},
            "fromPixels": found(output, in_the_middle),
            "fromBytes": found(run_letterboxed(letterboxed), in_the_picture),
        }
    return images


def detect_padded() -> list[dict]:
    """Pictures of different shape in one run, as the processor pads and masks them, and each alone."""
    processor, session = PROCESSORS["tiny-detr"], session_of("tiny-detr-mask")
    names = ["odd-333x512.jpg", "small-75x50.png", "hubble-1000x872.jpg"]
    together = run(session, preprocess(processor, [load_image(str(IMAGES / name)) for name in names]))
    cases = []
    for index, name in enumerate(names):
        alone = run(session, preprocess(processor, [load_image(str(IMAGES / name))]))
        cases.append({"image": name, "difference": float(np.abs(alone["logits"][0] - together["logits"][index]).max())})
    return cases


def letterboxes() -> list[dict]:
    cases = []
    for name in ("small-75x50.png", "small-41x60.png", "tiny-20x14.png", "line-1x500.png", "strip-500x3.png"):
        for height, width in ((48, 64), (31, 33)):
            pixels = LetterBox((height, width))(image=np.asarray(load_image(str(IMAGES / name))))
            levels = base64.b64encode(zlib.compress(np.ascontiguousarray(pixels.transpose(2, 0, 1)).tobytes(), 9)).decode()
            cases.append({"image": name, "height": height, "width": width, "levels": levels})
    return cases


def postprocess_variants() -> list[dict]:
    """Random outputs of 30 queries, so that 100 of 180 scores are taken where a processor takes 100."""
    random = np.random.default_rng(3)
    cases = []
    for name in ("Detr", "Yolos", "RTDetr", "ConditionalDetr", "DeformableDetr"):
        processor = getattr(transformers, f"{name}ImageProcessor")()
        classes = len(LABELS) + (1 if name in ("Detr", "Yolos") else 0)
        outputs = {
            "logits": random.normal(0, 3, (1, 30, classes)).astype("f4"),
            "pred_boxes": random.uniform(0, 1, (1, 30, 4)).astype("f4"),
        }
        for threshold in (0.0, 0.5, 0.9):
            cases.append({
                "processor": f"{name}ImageProcessor", "threshold": threshold, "width": 1411, "height": 997,
                "outputs": {key: encode(value) for key, value in outputs.items()},
                "detections": detect(processor, outputs, [[997, 1411]], threshold)[0],
            })  # fmt: skip
    return cases


def write(name: str, content: dict) -> None:
    text = json.dumps({"versions": VERSIONS, **content}, ensure_ascii=False, separators=(",", ":"))
    (REFERENCE / "object-detection" / f"{name}.json").write_text(text + "\n")


if __name__ == "__main__":
    (REFERENCE / "object-detection").mkdir(exist_ok=True)
    export_models()
    for name in ("tiny-detr", "tiny-detr-mask", "tiny-yolos", "tiny-rt-detr"):
        shorten_names(MODELS / name / "model.onnx")
    export_yolo()
    for name in ("tiny-detr", "tiny-yolos", "tiny-rt-detr"):
        write(name, {"threshold": THRESHOLD, "images": detect_with_transformers(name)})
    write("tiny-yolo", {"threshold": THRESHOLD, "iou": IOU, "images": detect_with_ultralytics()})
    write("postprocess", {"cases": postprocess_variants(), "padded": detect_padded()})
    write("letterbox", {"cases": letterboxes()})
