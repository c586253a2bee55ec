"""Makes the models of test/fixtures/models: each a few hundred bytes, each for one property that the tests need.

    python3 -m venv .venv && .venv/bin/pip install 'onnx==1.19.*' && .venv/bin/python test/reference/small_models.py

Two runs give the same bytes.
"""

import json
from pathlib import Path

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper

FIXTURES = Path(__file__).parent.parent / "fixtures" / "models"

DTYPES = {
    "float32": TensorProto.FLOAT,
    "float64": TensorProto.DOUBLE,
    "float16": TensorProto.FLOAT16,
    "int8": TensorProto.INT8,
    "int16": TensorProto.INT16,
    "int32": TensorProto.INT32,
    "int64": TensorProto.INT64,
    "uint8": TensorProto.UINT8,
    "uint16": TensorProto.UINT16,
    "uint32": TensorProto.UINT32,
    "uint64": TensorProto.UINT64,
    "bool": TensorProto.BOOL,
    "string": TensorProto.STRING,
}

tensor = helper.make_tensor_value_info
node = helper.make_node


def model(nodes, inputs, outputs, initializers=(), opsets=(("", 17),)):
    graph = helper.make_graph(nodes, "graph", inputs, outputs, initializer=list(initializers))
    imports = [helper.make_opsetid(domain, version) for domain, version in opsets]
    return helper.make_model(graph, opset_imports=imports, ir_version=9)


def save(name, proto, check=True):
    if check:
        onnx.checker.check_model(proto, full_check=True)
    path = FIXTURES / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(proto.SerializeToString(deterministic=True))


def identities(names):
    """`in_<dtype>` [batch] → `out_<dtype>`, unchanged."""
    return model(
        [node("Identity", [f"in_{name}"], [f"out_{name}"]) for name in names],
        [tensor(f"in_{name}", DTYPES[name], ["batch"]) for name in names],
        [tensor(f"out_{name}", DTYPES[name], ["batch"]) for name in names],
    )


def add():
    """Two inputs with a symbolic batch: sum = a + b."""
    rows = ["batch", 3]
    return model(
        [node("Add", ["a", "b"], ["sum"])],
        [tensor("a", TensorProto.FLOAT, rows), tensor("b", TensorProto.FLOAT, rows)],
        [tensor("sum", TensorProto.FLOAT, rows)],
    )


def double_int64():
    """doubled = x + x; exact only when 64-bit integers stay integers all the way."""
    return model(
        [node("Add", ["x", "x"], ["doubled"])],
        [tensor("x", TensorProto.INT64, ["batch"])],
        [tensor("doubled", TensorProto.INT64, ["batch"])],
    )


def repeat_string():
    """Strings in, strings out: each is joined with itself."""
    return model(
        [node("StringConcat", ["text"] * 2, ["repeated"])],
        [tensor("text", TensorProto.STRING, ["batch"])],
        [tensor("repeated", TensorProto.STRING, ["batch"])],
        opsets=(("", 20),),
    )


def fixed_batch():
    """No symbolic dimension: requests cannot share a run."""
    return model(
        [node("Neg", ["x"], ["negated"])],
        [tensor("x", TensorProto.FLOAT, [1, 2])],
        [tensor("negated", TensorProto.FLOAT, [1, 2])],
    )


def pairs():
    """Runs only where the batch is even."""
    return model(
        [node("Reshape", ["x", "shape"], ["pairs"])],
        [tensor("x", TensorProto.FLOAT, ["batch"])],
        [tensor("pairs", TensorProto.FLOAT, ["pairs", 2])],
        [numpy_helper.from_array(numpy.array([-1, 2], numpy.int64), "shape")],
    )


def bfloat16(*, at_input):
    """A cast from or to bfloat16, which onnxruntime's JavaScript binding cannot hand over."""
    source, target = (TensorProto.BFLOAT16, TensorProto.FLOAT) if at_input else (TensorProto.FLOAT, TensorProto.BFLOAT16)
    return model(
        [node("Cast", ["x"], ["y"], to=target)],
        [tensor("x", source, ["batch"])],
        [tensor("y", target, ["batch"])],
    )


def unknown_operator():
    """An operator of a domain that only somebody else's runtime has."""
    return model(
        [node("FoldProtein", ["x"], ["y"], domain="com.example")],
        [tensor("x", TensorProto.FLOAT, ["batch"])],
        [tensor("y", TensorProto.FLOAT, ["batch"])],
        opsets=(("", 17), ("com.example", 1)),
    )


def future_opset():
    """Made for an opset that is not out yet."""
    return model(
        [node("Neg", ["x"], ["y"])],
        [tensor("x", TensorProto.FLOAT, ["batch"])],
        [tensor("y", TensorProto.FLOAT, ["batch"])],
        opsets=(("", 99),),
    )


def zip_map():
    """What skl2onnx writes unless it is told zipmap=False: a sequence of maps."""
    keys = helper.make_map_type_proto(TensorProto.STRING, helper.make_tensor_type_proto(TensorProto.FLOAT, []))
    return model(
        [node("ZipMap", ["scores"], ["probabilities"], domain="ai.onnx.ml", classlabels_strings=["no", "yes"])],
        [tensor("scores", TensorProto.FLOAT, ["batch", 2])],
        [helper.make_value_info("probabilities", helper.make_sequence_type_proto(keys))],
        opsets=(("", 17), ("ai.onnx.ml", 3)),
    )


def sequence():
    """An output that is no tensor, and cannot be made one."""
    parts = helper.make_sequence_type_proto(helper.make_tensor_type_proto(TensorProto.FLOAT, ["batch"]))
    return model(
        [node("SplitToSequence", ["x"], ["parts"])],
        [tensor("x", TensorProto.FLOAT, ["batch"])],
        [helper.make_value_info("parts", parts)],
    )


def external(name, values, location, offset=0):
    """A weight that lies in the file `location`, beside the graph."""
    weight = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=values.shape)
    weight.data_location = TensorProto.EXTERNAL
    entries = {"location": location, "offset": str(offset), "length": str(values.nbytes)}
    for key, value in entries.items():
        weight.external_data.add(key=key, value=value)
    return weight


def external_data():
    """y = x · scale + offset, or x + other when `x` sums to 10 or more; weights in two files, one only used in a subgraph."""
    scale = numpy.array([2, 2, 2], numpy.float32)
    offset = numpy.array([1, 2, 3], numpy.float32)
    other = numpy.array([10, 20, 30], numpy.float32)
    large = helper.make_graph(
        [node("Add", ["x", "other"], ["large"])],
        "large",
        [],
        [tensor("large", TensorProto.FLOAT, ["batch", 3])],
        initializer=[external("other", other, "model.onnx_data_1")],
    )
    small = helper.make_graph(
        [node("Mul", ["x", "scale"], ["scaled"]), node("Add", ["scaled", "offset"], ["small"])],
        "small",
        [],
        [tensor("small", TensorProto.FLOAT, ["batch", 3])],
    )
    proto = model(
        [
            node("ReduceSum", ["x"], ["total"], keepdims=0),
            node("Less", ["total", "ten"], ["is_small"]),
            node("If", ["is_small"], ["y"], then_branch=small, else_branch=large),
        ],
        [tensor("x", TensorProto.FLOAT, ["batch", 3])],
        [tensor("y", TensorProto.FLOAT, ["batch", 3])],
        [
            numpy_helper.from_array(numpy.float32(10), "ten"),
            external("scale", scale, "model.onnx_data"),
            external("offset", offset, "model.onnx_data", scale.nbytes),
        ],
    )
    save("external-data/model.onnx", proto, check=False)  # the checker looks for the files in the working directory
    (FIXTURES / "external-data" / "model.onnx_data").write_bytes(scale.tobytes() + offset.tobytes())
    (FIXTURES / "external-data" / "model.onnx_data_1").write_bytes(other.tobytes())
    onnx.checker.check_model(str(FIXTURES / "external-data" / "model.onnx"))


def escaping_external_data():
    """Names a file outside its folder."""
    return model(
        [node("Add", ["x", "weight"], ["y"])],
        [tensor("x", TensorProto.FLOAT, ["batch", 3])],
        [tensor("y", TensorProto.FLOAT, ["batch", 3])],
        [external("weight", numpy.zeros(3, numpy.float32), "../secret.bin")],
    )


def colours():
    """An image classifier as a Hugging Face folder: how red, green and blue a picture is on average."""
    proto = model(
        [
            node("GlobalAveragePool", ["pixel_values"], ["means"]),
            node("Flatten", ["means"], ["flat"]),
            node("Mul", ["flat", "ten"], ["logits"]),
        ],
        [tensor("pixel_values", TensorProto.FLOAT, ["batch", 3, 8, 8])],
        [tensor("logits", TensorProto.FLOAT, ["batch", 3])],
        [numpy_helper.from_array(numpy.float32(10), "ten")],
    )
    save("colours/onnx/model.onnx", proto)
    config = {
        "architectures": ["ColoursForImageClassification"],
        "id2label": {"0": "red", "1": "green", "2": "blue"},
    }
    preprocessing = {
        "do_resize": True,
        "size": {"height": 8, "width": 8},
        "resample": 2,
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": False,
    }
    for name, value in {"config.json": config, "preprocessor_config.json": preprocessing}.items():
        (FIXTURES / "colours" / name).write_text(json.dumps(value, indent=2) + "\n")


def one_label():
    """An image classifier with one label: the mean of a picture, from -1 to 1."""
    proto = model(
        [
            node("ReduceMean", ["pixel_values"], ["means"], axes=[1, 2, 3], keepdims=0),
            node("Unsqueeze", ["means", "axis"], ["logits"]),
        ],
        [tensor("pixel_values", TensorProto.FLOAT, ["batch", 3, 2, 2])],
        [tensor("logits", TensorProto.FLOAT, ["batch", 1])],
        [numpy_helper.from_array(numpy.array([1], numpy.int64), "axis")],
    )
    save("one-label/model.onnx", proto)
    config = {"architectures": ["MeanForImageClassification"], "id2label": {"0": "bright"}}
    preprocessing = {"do_resize": True, "size": {"height": 2, "width": 2}, "resample": 2, "do_rescale": True}
    preprocessing |= {"rescale_factor": 1 / 255, "do_normalize": True, "image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    for name, value in {"config.json": config, "preprocessor_config.json": preprocessing}.items():
        (FIXTURES / "one-label" / name).write_text(json.dumps(value, indent=2) + "\n")


def dynamically_quantised():
    """A regression whose inputs are quantised to 8 bits by the range of all rows together."""
    proto = model(
        [
            node("DynamicQuantizeLinear", ["X"], ["levels", "scale", "zero"]),
            node("DequantizeLinear", ["levels", "scale", "zero"], ["values"]),
            node("ReduceSum", ["values", "axis"], ["variable"]),
        ],
        [tensor("X", TensorProto.FLOAT, ["batch", 2])],
        [tensor("variable", TensorProto.FLOAT, ["batch", 1])],
        [numpy_helper.from_array(numpy.array([1], numpy.int64), "axis")],
    )
    save("dynamically-quantised/model_quantized.onnx", proto)
    config = {"pipeline_tag": "tabular-regression", "columns": ["0", "1"]}
    (FIXTURES / "dynamically-quantised" / "config.json").write_text(json.dumps(config, indent=2) + "\n")


def main():
    FIXTURES.mkdir(parents=True, exist_ok=True)
    save("add.onnx", add())
    save("every-dtype.onnx", identities(DTYPES))
    save("every-json-dtype.onnx", identities([name for name in DTYPES if name != "float16"]))
    save("double-int64.onnx", double_int64())
    save("repeat-string.onnx", repeat_string())
    save("fixed-batch.onnx", fixed_batch())
    save("pairs.onnx", pairs())
    save("bfloat16-input.onnx", bfloat16(at_input=True))
    save("bfloat16-output.onnx", bfloat16(at_input=False))
    save("unknown-operator.onnx", unknown_operator(), check=False)
    save("future-opset.onnx", future_opset(), check=False)
    save("zip-map.onnx", zip_map())
    save("sequence.onnx", sequence())
    save("escaping-external-data.onnx", escaping_external_data(), check=False)
    external_data()
    colours()
    one_label()
    dynamically_quantised()


if __name__ == "__main__":
    main()
