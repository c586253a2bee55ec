"""Small graphs in 8-bit integers by Python's onnxruntime: their outputs, to compare those of src/optimise/passes with.

Settings: per channel, unsigned activations, signed weights of 7 bits, ranges by minimum and maximum.
"""

import json
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)

FIXTURES = Path(__file__).parent.parent / "fixtures" / "reference"
random = np.random.default_rng(13)


def weights(name, *shape):
    return numpy_helper.from_array(random.normal(0, 0.3, shape).astype(np.float32), name)


def model(nodes, initializers, shape, output):
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, output)],
        initializers,
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(made)
    return made


PRODUCTS = model(
    [
        helper.make_node("MatMul", ["x", "a"], ["p"], name="first"),
        helper.make_node("Add", ["p", "b"], ["s"], name="sum"),
        helper.make_node("Relu", ["s"], ["r"], name="relu"),
        helper.make_node("MatMul", ["r", "c"], ["y"], name="second"),
    ],
    [weights("a", 16, 24), weights("b", 24), weights("c", 24, 8)],
    ["n", 16],
    ["n", 8],
)
IMAGE = model(
    [
        helper.make_node("Conv", ["x", "k", "b"], ["c"], name="conv", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c"], ["r"], name="relu"),
        helper.make_node("Conv", ["r", "l", "d"], ["e"], name="depth", group=6, pads=[1, 1, 1, 1]),
        helper.make_node("GlobalAveragePool", ["e"], ["y"], name="pool"),
    ],
    [weights("k", 6, 3, 3, 3), weights("b", 6), weights("l", 6, 1, 3, 3), weights("d", 6)],
    ["n", 3, 8, 8],
    ["n", 6, 1, 1],
)


class Reader(CalibrationDataReader):
    def __init__(self, rows):
        self.rows = iter([{"x": rows}])

    def get_next(self):
        return next(self.rows, None)


def run(path, x):
    return ort.InferenceSession(str(path), providers=["CPUExecutionProvider"]).run(["y"], {"x": x})[0]


def describe(made, x):
    with tempfile.TemporaryDirectory() as folder:
        original, dynamic, static = (Path(folder) / f"{name}.onnx" for name in ("original", "dynamic", "static"))
        onnx.save(made, original)
        quantize_dynamic(original, dynamic, ["MatMul"], per_channel=True, reduce_range=True, weight_type=QuantType.QInt8)
        quantize_static(
            original,
            static,
            Reader(x),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
        outputs = {name: run(path, x) for name, path in (("float32", original), ("dynamic", dynamic), ("static", static))}
    return {
        "model": made.SerializeToString().hex(),
        "shape": list(x.shape),
        "x": x.ravel().tolist(),
        **{name: output.ravel().tolist() for name, output in outputs.items()},
    }


cases = {
    "products": describe(PRODUCTS, random.normal(0, 1, (6, 16)).astype(np.float32)),
    "image": describe(IMAGE, random.normal(0, 1, (3, 3, 8, 8)).astype(np.float32)),
}
(FIXTURES / "quantization.json").write_text(json.dumps(cases) + "\n")
