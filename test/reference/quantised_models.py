"""Real models in 8-bit integers by Python's onnxruntime: their outputs, to compare those of `optimise` with.

    npm run quantised -- <folder>
    python3 test/reference/quantised_models.py <folder>

Settings: per channel, unsigned activations, signed weights of 7 bits, ranges by minimum and maximum. It writes the outputs as float32 in base64,
of MiniLM the vector of the first token. It checks our graphs with onnx.checker, and prints cosines and times. It ends with 1 when an answer of
ours is further from Python's than MOST_DISTANCE, or our graph takes more than MOST_TIME of the time of Python's.
"""

import base64
import json
import sys
import time
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static

MOST_DISTANCE, MOST_TIME = 0.002, 1.05
PROBLEMS = []

FIXTURES = Path(__file__).parent.parent / "fixtures" / "reference"


class Reader(CalibrationDataReader):
    def __init__(self, feeds):
        self.feeds = iter(feeds)

    def get_next(self):
        return next(self.feeds, None)


def read_feeds(folder):
    about = json.loads((folder / "feeds.json").read_text())
    feeds = {}
    for entry in about["about"]:
        values = np.fromfile(folder / entry["file"], dtype=entry["dtype"]).reshape(entry["shape"])
        feeds.setdefault(entry["run"], {})[entry["input"]] = values
    return about["kind"], [feeds[run] for run in sorted(feeds)]


def session(path):
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def run(path, feeds):
    loaded = session(path)
    # [1000] of a classifier, and the first token of [1,tokens,384]
    return [loaded.run(None, each)[0].reshape(-1, each_width(loaded))[0] for each in feeds]


def each_width(loaded):
    return loaded.get_outputs()[0].shape[-1]


def cpu_ms(path, feeds):
    loaded, times = session(path), []
    for _ in range(40):
        before = time.process_time()
        for each in feeds:
            loaded.run(None, each)
        times.append((time.process_time() - before) * 1000 / len(feeds))
    return float(np.median(times))


def cosine(a, b):
    a, b = a.astype(np.float64), b.astype(np.float64)
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))


def mean_cosine(many, others):
    return float(np.mean([cosine(a, b) for a, b in zip(many, others)]))


def describe(folder):
    kind, feeds = read_feeds(folder)
    original, theirs, ours = (folder / f"{name}.onnx" for name in ("float32", "python", "ours"))
    if kind == "dynamic":
        quantize_dynamic(
            original, theirs, ["MatMul", "Gather"], per_channel=True, reduce_range=True, weight_type=QuantType.QInt8
        )
    else:
        quantize_static(
            original,
            theirs,
            Reader(feeds),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
    onnx.checker.check_model(str(ours), full_check=True)
    float32, python, project = (run(path, feeds) for path in (original, theirs, ours))
    print(folder.name, "cosine with float32: Python", mean_cosine(python, float32), "ours", mean_cosine(project, float32))
    print(folder.name, "cosine of ours with Python's", mean_cosine(project, python), [round(cosine(a, b), 4) for a, b in zip(project, python)])
    times = [cpu_ms(path, feeds) for path in (original, theirs, ours)]
    print(folder.name, "CPU ms: float32, Python, ours", *(round(ms, 2) for ms in times))
    if mean_cosine(project, python) < 1 - MOST_DISTANCE:
        PROBLEMS.append(f"{folder.name}: the cosine with Python's outputs is {mean_cosine(project, python):.4f}")
    if times[2] > MOST_TIME * times[1]:
        PROBLEMS.append(f"{folder.name}: our graph takes {times[2] / times[1]:.2f} of the time of Python's")
    return [base64.b64encode(output.astype("<f4").tobytes()).decode() for output in python]


folder = Path(sys.argv[1])
found = {name: describe(folder / name) for name in ("lite0", "minilm") if (folder / name).exists()}
(FIXTURES / "quantised-models.json").write_text(json.dumps(found) + "\n")
sys.exit("\n".join(PROBLEMS) or 0)
