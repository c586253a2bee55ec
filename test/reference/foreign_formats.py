"""Makes ../fixtures/formats/detect: a small file of each format that push recognises by its bytes.

The library of the format writes it wherever pip installs the library in a minute. TensorRT, PaddlePaddle, R, Spark, PMML and ggml are too large, or
are no Python packages: their files are put together here in the layout that their documentation gives. torch_formats.py makes those of PyTorch.
"""

import gzip
import json
import os
import pickle
import shutil
import struct
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import joblib
import numpy as np
from sklearn.linear_model import LogisticRegression

FOLDER = Path(__file__).parent.parent / "fixtures" / "formats" / "detect"
X = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 3.0], [4.0, 1.0]])
Y = np.array([0, 1, 0, 1])


def place(name):
    path = FOLDER / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def sklearn_files():
    model = LogisticRegression().fit(X, Y)
    for protocol in range(6):
        place(f"protocol-{protocol}.pkl").write_bytes(pickle.dumps(model, protocol=protocol))
    joblib.dump(model, place("raw.joblib"))
    for name, compress in {"zlib": ("zlib", 3), "gzip": ("gzip", 3), "bz2": ("bz2", 3), "xz": ("xz", 3), "lzma": ("lzma", 3), "lz4": ("lz4", 3)}.items():
        joblib.dump(model, place(f"{name}.joblib"), compress=compress)
    import skops.io

    skops.io.dump(model, place("model.skops"))
    import mlflow.sklearn

    shutil.rmtree(FOLDER / "mlflow-sklearn", ignore_errors=True)
    mlflow.sklearn.save_model(model, str(FOLDER / "mlflow-sklearn"), serialization_format="pickle", pip_requirements=["scikit-learn"])
    for extra in ["conda.yaml", "python_env.yaml", "requirements.txt"]:
        (FOLDER / "mlflow-sklearn" / extra).unlink(missing_ok=True)
    from mlflow.models import Model

    prophet = Model(run_id=None)
    prophet.add_flavor("prophet", prophet_version="1.1", data="model.pr")
    prophet.add_flavor("python_function", loader_module="mlflow.prophet", data="model.pr")
    place("mlflow-prophet/model.pr").write_text("{}")
    prophet.save(str(place("mlflow-prophet/MLmodel")))


def boosting_files():
    import lightgbm
    import xgboost

    booster = xgboost.train({"objective": "binary:logistic", "max_depth": 1, "min_child_weight": 0}, xgboost.DMatrix(X, Y), 1)
    booster.save_model(place("xgboost.json"))
    booster.save_model(place("xgboost.ubj"))
    place("xgboost.bin").write_bytes(booster.save_raw("deprecated"))
    data = lightgbm.Dataset(X, Y)
    trained = lightgbm.train({"objective": "binary", "min_data_in_leaf": 1, "min_data_in_bin": 1, "verbose": -1}, data, 1)
    trained.save_model(place("lightgbm.txt"))
    from catboost import CatBoostClassifier

    cat = CatBoostClassifier(iterations=1, depth=1, allow_writing_files=False, verbose=False).fit(X, Y)
    cat.save_model(str(place("model.cbm")))


def tensorflow_files():
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    class Double(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)])
        def __call__(self, x):
            return 2 * x

    module = Double()
    folder = FOLDER / "saved-model"
    shutil.rmtree(folder, ignore_errors=True)
    tf.saved_model.save(module, str(folder))
    (folder / "fingerprint.pb").unlink(missing_ok=True)
    frozen = convert_variables_to_constants_v2(module.__call__.get_concrete_function())
    place("frozen.pb").write_bytes(frozen.graph.as_graph_def().SerializeToString())
    converter = tf.lite.TFLiteConverter.from_concrete_functions([module.__call__.get_concrete_function()], module)
    place("model.tflite").write_bytes(converter.convert())
    keras = tf.keras.Sequential([tf.keras.layers.Input((2,)), tf.keras.layers.Dense(1)])
    keras.save(place("model.keras"))
    keras.save(place("model.h5"))


def exchange_files():
    import coremltools
    import gguf
    import onnx
    import onnxruntime
    import openvino
    from coremltools.models import datatypes
    from coremltools.models.neural_network import NeuralNetworkBuilder
    from safetensors.numpy import save_file

    save_file({"weight": X.astype(np.float32)}, place("model.safetensors"))
    writer = gguf.GGUFWriter(place("model.gguf"), "llama")
    writer.add_tensor("weight", X.astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()

    builder = NeuralNetworkBuilder([("x", datatypes.Array(2))], [("y", datatypes.Array(2))])
    builder.add_activation("relu", "RELU", "x", "y")
    coremltools.utils.save_spec(builder.spec, str(place("model.mlmodel")))
    from coremltools.converters.mil import Builder as mb

    @mb.program(input_specs=[mb.TensorSpec(shape=(1, 2))])
    def program(x):
        return mb.relu(x=x)

    package = FOLDER / "model.mlpackage"
    shutil.rmtree(package, ignore_errors=True)
    coremltools.convert(program, convert_to="mlprogram", skip_model_load=True).save(str(package))

    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Neg", ["x"], ["y"])],
        "graph",
        [onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [None])],
        [onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [None])],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, place("neg"))
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(place("model.ort"))
    options.add_session_config_entry("session.save_model_format", "ORT")
    onnxruntime.InferenceSession(str(place("neg")), options)
    openvino.save_model(openvino.convert_model(str(place("neg"))), str(place("openvino/model.xml")))


def field(number, content):
    return bytes([number * 8 + 2, len(content)]) + content


def other_files():
    # `saveRDS`: https://cran.r-project.org/doc/manuals/r-release/R-ints.html#Serialization-Formats
    serialized = b"X\n" + struct.pack(">iiii", 3, 0x00040400, 0x00030500, 5) + b"UTF-8" + struct.pack(">iid", 14, 1, 1.5)
    place("model.rds").write_bytes(gzip.compress(serialized, mtime=0))
    place("model.pmml").write_text(
        '<?xml version="1.0" encoding="UTF-8"?>\n<PMML xmlns="http://www.dmg.org/PMML-4_4" version="4.4"><Header/>'
        '<DataDictionary><DataField name="x" optype="continuous" dataType="double"/></DataDictionary></PMML>\n'
    )
    stage = {"class": "org.apache.spark.ml.PipelineModel", "timestamp": 0, "sparkVersion": "3.5.1", "uid": "PipelineModel_1", "paramMap": {"stageUids": []}}
    place("spark/metadata/part-00000").write_text(json.dumps(stage) + "\n")
    place("spark/metadata/_SUCCESS").write_text("")
    # `ProgramDesc` of PaddlePaddle's framework.proto: a block with its index and its parent, and the version.
    block = b"\x08\x00\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01" + field(3, field(1, b"x") + field(2, b"\x08\x07"))
    place("inference.pdmodel").write_bytes(field(1, block) + field(4, b"\x08\x00"))
    place("model.engine").write_bytes(b"ftrt" + struct.pack("<IQ", 0, 64) + bytes(48))
    place("ggml-tiny.bin").write_bytes(struct.pack("<I", 0x67676D6C) + struct.pack("<11i", 51864, 1500, 384, 6, 4, 448, 384, 6, 4, 80, 1))


sklearn_files()
boosting_files()
tensorflow_files()
exchange_files()
other_files()
