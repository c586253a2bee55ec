"""kserve's InferenceRESTClient, in both protocols. Usage: kserve_rest.py <endpoint>"""

import asyncio
import sys

import numpy as np
from checks import check, end, equal, refused
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig
from kserve.protocol.infer_type import RequestedOutput

endpoint = sys.argv[1]
row = np.array([[1, 2]], np.float32)


def run(protocol, use):
    async def whole():
        client = InferenceRESTClient(RESTConfig(protocol=protocol, retries=0))
        try:
            return await use(client)
        finally:
            await client.close()

    return asyncio.run(whole())


def v1(instances, model="fixed"):
    return run("v1", lambda client: client.infer(endpoint, {"instances": instances}, model_name=model))


def v2(binary, value=row, model="fixed"):
    tensor = InferInput("x", list(value.shape), "FP32")
    tensor.set_data_from_numpy(value, binary_data=binary)
    outputs = [RequestedOutput("negated", parameters={"binary_data": binary})]
    request = InferRequest(model, [tensor], request_id="seven", request_outputs=outputs)
    return run("v2", lambda client: client.infer(endpoint, request, model_name=model))


def infer(binary):
    response = v2(binary)
    equal(response.id, "seven")
    np.testing.assert_array_equal(response.outputs[0].as_numpy(), -row)


def half():
    tensor = InferInput("a", [1, 3], "FP32")
    tensor.set_data_from_numpy(np.array([[1, 2, 3]], np.float32))
    other = InferInput("b", [1, 3], "FP32")
    other.set_data_from_numpy(np.array([[1, 1, 1]], np.float32))
    response = run("v2", lambda client: client.infer(endpoint, InferRequest("add", [tensor, other]), model_name="add"))
    np.testing.assert_array_equal(response.outputs[0].as_numpy(), [[2, 3, 4]])


check("V1 infer", lambda: equal(v1([[1, 2]]), {"predictions": [[-1, -2]]}))
check("V1 infer, instances by input", lambda: equal(v1([{"a": [1, 2, 3], "b": [1, 1, 1]}], "add"), {"predictions": [[2, 3, 4]]}))
check("V1 infer, texts", lambda: equal(len(v1(["I love it", "I hate it"], "sentiment")["predictions"]), 2))
check("V1 is_model_ready", lambda: equal(run("v1", lambda client: client.is_model_ready(endpoint, "fixed")), True))
check("V1 refusal", lambda: refused(lambda: v1([[1]]), "400", "dimension 1"))
check("V2 infer as JSON", lambda: infer(False))
check("V2 infer as bytes", lambda: infer(True))
check("V2 infer with the defaults", half)
check("V2 is_server_ready and is_server_live", lambda: equal([run("v2", lambda client: client.is_server_ready(endpoint)), run("v2", lambda client: client.is_server_live(endpoint))], [True, True]))
check("V2 is_model_ready", lambda: equal(run("v2", lambda client: client.is_model_ready(endpoint, "fixed")), True))
check("V2 refusal", lambda: refused(lambda: v2(False, row[:, :1]), "400", "dimension 1"))
check("V2 unknown model", lambda: refused(lambda: v2(False, model="unknown"), "404", "unknown"))
end()
