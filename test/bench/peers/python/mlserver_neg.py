"""MLServer with a model in onnxruntime, called through ASGI: a line for each request on stdin, times and answers to the descriptor 3.

Usage: mlserver_neg.py <file with {"body": …, "graph": …}>
"""

import asyncio
import json
import logging
import os
import sys
import time

import onnxruntime
from mlserver import MLModel, MLServer, ModelSettings, Settings
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceResponse

with open(sys.argv[1]) as file:
    case = json.load(file)


class Neg(MLModel):
    async def load(self):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(case["graph"], options, providers=["CPUExecutionProvider"])
        return True

    async def predict(self, payload):
        [y] = self.session.run(None, {"x": NumpyCodec.decode_input(payload.inputs[0])})
        return InferenceResponse(model_name=self.name, outputs=[NumpyCodec.encode_output("y", y)])


async def ask(app, body):
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/v2/models/neg/infer",
        "raw_path": b"/v2/models/neg/infer",
        "root_path": "",
        "query_string": b"",
        "headers": [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
    }
    messages = [{"type": "http.request", "body": body, "more_body": False}]
    sent = []

    async def receive():
        return messages.pop() if messages else {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    await app(scope, receive, send)
    status = sent[0]["status"]
    answer = b"".join(message.get("body", b"") for message in sent[1:])
    if status != 200:
        raise RuntimeError(f"{status}: {answer[:500]}")
    return answer


async def main():
    # Without workers: they would take the same tensors through a pipe.
    server = MLServer(Settings(parallel_workers=0, metrics_endpoint=None, debug=False))
    logging.disable(logging.INFO)
    await server._model_registry.load(ModelSettings(name="neg", implementation=Neg))
    app = server._rest_server._app
    body = case["body"].encode()
    answers = os.fdopen(3, "w")
    for _ in sys.stdin:
        start = time.perf_counter()
        answer = await ask(app, body)
        ms = (time.perf_counter() - start) * 1000
        answers.write(json.dumps({"ms": ms, "answer": json.loads(answer)}) + "\n")
        answers.flush()


asyncio.run(main())
