"""tritonclient[http] as it comes: tensors are bytes unless a call says otherwise. Usage: triton.py <endpoint>"""

import sys
from urllib.parse import urlparse

import numpy as np
import tritonclient.http as triton
from checks import check, end, equal, refused
from tritonclient.utils import np_to_triton_dtype

client = triton.InferenceServerClient(urlparse(sys.argv[1]).netloc)

VALUES = {
    "float32": np.array([1.5, np.nan], np.float32),
    "float64": np.array([0.1, -np.inf], np.float64),
    "float16": np.array([1.5, np.inf], np.float16),
    "int8": np.array([-128, 127], np.int8),
    "int16": np.array([-32768, 32767], np.int16),
    "int32": np.array([-(2**31), 2**31 - 1], np.int32),
    "int64": np.array([-(2**63), 2**63 - 1], np.int64),
    "uint8": np.array([0, 255], np.uint8),
    "uint16": np.array([0, 65535], np.uint16),
    "uint32": np.array([0, 2**32 - 1], np.uint32),
    "uint64": np.array([0, 2**64 - 1], np.uint64),
    "bool": np.array([True, False]),
    "string": np.array(["", "ünï 日本"], np.object_),
}


def tensor(name, value, binary=True):
    made = triton.InferInput(name, list(value.shape), np_to_triton_dtype(value.dtype))
    made.set_data_from_numpy(value, binary_data=binary)
    return made


def every(binary_in, binary_out, skip=()):
    values = {name: value for name, value in VALUES.items() if name not in skip}
    if not binary_in or not binary_out:  # JSON has no word for what is not finite
        values["float64"] = np.array([0.1, 1e300])
        values["float32"] = np.array([1.5, -0.25], np.float32)
    model = "every-json" if skip else "every"
    inputs = [tensor(f"in_{name}", value, binary_in) for name, value in values.items()]
    outputs = [triton.InferRequestedOutput(f"out_{name}", binary_data=binary_out) for name in values]
    result = client.infer(model, inputs, outputs=outputs)
    for name, value in values.items():
        got = result.as_numpy(f"out_{name}")
        if name == "string":
            got = np.array([each.decode() if isinstance(each, bytes) else each for each in got], np.object_)
        np.testing.assert_array_equal(got, value)
        equal(got.dtype, value.dtype)


row = np.array([[1, 2]], np.float32)


def compressed(algorithm):
    result = client.infer("fixed", [tensor("x", row)], request_compression_algorithm=algorithm)
    np.testing.assert_array_equal(result.as_numpy("negated"), -row)


def defaults():
    result = client.infer("fixed", [tensor("x", row)], request_id="seven")
    equal(result.get_response()["id"], "seven")
    np.testing.assert_array_equal(result.as_numpy("negated"), -row)


def asynchronous():
    requests = [client.async_infer("fixed", [tensor("x", row)]) for _ in range(4)]
    for request in requests:
        np.testing.assert_array_equal(request.get_result().as_numpy("negated"), -row)


def classes():
    flowers = np.array([[5.1, 3.5, 1.4, 0.2], [6.7, 3.0, 5.2, 2.3]], np.float32)
    output = triton.InferRequestedOutput("probabilities", class_count=2)
    best = client.infer("iris", [tensor("X", flowers)], outputs=[output]).as_numpy("probabilities")
    equal(best.shape, (2, 2))
    equal([each.decode().split(":")[2] for each in best[:, 0]], ["setosa", "virginica"])


def raw():
    body, length = triton.InferenceServerClient.generate_request_body([tensor("x", row)])
    equal(length is None, False)
    headers = {"Inference-Header-Content-Length": "0"}
    response = client._post("v2/models/fixed/infer", row.tobytes(), headers, None)
    equal(response.status_code, 200)
    size = int(response.get("Inference-Header-Content-Length"))
    result = triton.InferenceServerClient.parse_response_body(response.read(), header_length=size)
    np.testing.assert_array_equal(result.as_numpy("negated"), -row)


def pictures(count):
    values = np.resize(np.sin(np.arange(3 * 224 * 224, dtype=np.float32)), (count, 3, 224, 224))
    return client.infer("efficientnet-lite0", [tensor("pixel_values", values)]).get_response()["outputs"][0]["shape"]


def states(model):
    return [each["state"] for each in client.get_model_repository_index() if each["name"] == model]


def unload():
    client.unload_model("fixed")
    equal(states("fixed"), ["READY"])
    client.load_model("fixed")
    equal(client.is_model_ready("fixed"), True)


def statistics():
    [entry] = client.get_inference_statistics("fixed", "1")["model_stats"]
    equal(entry["inference_stats"]["success"]["count"] > 0, True)
    equal(len(client.get_inference_statistics()["model_stats"]) > 1, True)


check("health", lambda: equal([client.is_server_live(), client.is_server_ready(), client.is_model_ready("every")], [True] * 3))
check("server metadata", lambda: equal("binary_tensor_data" in client.get_server_metadata()["extensions"], True))
check("model metadata", lambda: equal(client.get_model_metadata("fixed")["inputs"][0]["shape"], [1, 2]))
check("model config", lambda: equal(client.get_model_config("fixed", "1")["input"][0]["data_type"], "TYPE_FP32"))
check("infer with the defaults", defaults)
check("every type, FP16 and BYTES among them, as bytes", lambda: every(True, True))
check("every type as bytes, answered as JSON", lambda: every(True, False, ["float16"]))
check("every type as JSON, answered as bytes", lambda: every(False, True, ["float16"]))
check("every type as JSON", lambda: every(False, False, ["float16"]))
check("request in gzip", lambda: compressed("gzip"))
check("request in deflate", lambda: compressed("deflate"))
check("async_infer", asynchronous)
check("class_count", classes)
check("raw body", raw)
check("seven pictures of 3x224x224 in one request", lambda: equal(pictures(7), [7, 1000]))
check("more than a request holds is refused", lambda: refused(lambda: pictures(8), "413"))
check("repository index", lambda: equal(states("every"), ["READY"]))
check("unload and load", unload)
check("statistics", statistics)
check("unknown model is refused", lambda: refused(lambda: client.infer("unknown", [tensor("x", row)]), "404", "unknown"))
check("unknown version is refused", lambda: refused(lambda: client.get_model_metadata("fixed", "9"), "404", "9"))
check("wrong shape is refused", lambda: refused(lambda: client.infer("fixed", [tensor("x", row[:, :1])]), "400", '"x"'))
check("wrong type is refused", lambda: refused(lambda: client.infer("fixed", [tensor("x", row.astype(np.float64))]), "400", "float64"))
check("unknown parameter is refused", lambda: refused(lambda: client.infer("fixed", [tensor("x", row)], sequence_id=5), "400", "sequence_id"))
check("load with a configuration is refused", lambda: refused(lambda: client.load_model("fixed", config="{}"), "400", "config"))
end()
