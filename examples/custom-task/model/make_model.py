"""Writes model.onnx: the distance of each value of a series to the mean of the five values around it.

python make_model.py     # needs onnx 1.18 or later
"""

from onnx import TensorProto, checker, helper, save

WINDOW = 5

series = helper.make_tensor_value_info("series", TensorProto.FLOAT, ["N", "length"])
residuals = helper.make_tensor_value_info("residuals", TensorProto.FLOAT, ["N", "length"])
kernel = helper.make_tensor("kernel", TensorProto.FLOAT, [1, 1, WINDOW], [1 / WINDOW] * WINDOW)
channel = helper.make_tensor("channel", TensorProto.INT64, [1], [1])
graph = helper.make_graph(
    [
        helper.make_node("Unsqueeze", ["series", "channel"], ["channels"]),
        helper.make_node("Pad", ["channels", "pads"], ["padded"], mode="edge"),
        helper.make_node("Conv", ["padded", "kernel"], ["means"]),
        helper.make_node("Squeeze", ["means", "channel"], ["trend"]),
        helper.make_node("Sub", ["series", "trend"], ["residuals"]),
    ],
    "moving-average",
    [series],
    [residuals],
    [kernel, channel, helper.make_tensor("pads", TensorProto.INT64, [6], [0, 0, WINDOW // 2, 0, 0, WINDOW // 2])],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
checker.check_model(model)
save(model, "model.onnx")
