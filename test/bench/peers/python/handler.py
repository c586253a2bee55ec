"""The function that somebody writes in Python: the same event, the same model, from its own disk, or from S3 where PEER_BUCKET names one."""

import base64
import io
import json
import os
import tempfile

import numpy
import onnxruntime
from PIL import Image

FILES = ("onnx/model.onnx", "config.json")


def bring_model():
    bucket = os.environ.get("PEER_BUCKET")
    if not bucket:
        return os.environ["PEER_MODEL"]
    import boto3

    folder = tempfile.mkdtemp()
    os.makedirs(os.path.join(folder, "onnx"))
    client = boto3.client("s3")
    for name in FILES:
        client.download_file(bucket, os.environ["PEER_PREFIX"] + name, os.path.join(folder, name))
    return folder


folder = bring_model()
with open(os.path.join(folder, "config.json")) as file:
    labels = json.load(file)["id2label"]

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession(
    os.path.join(folder, "onnx/model.onnx"), options, providers=["CPUExecutionProvider"]
)
input_name = session.get_inputs()[0].name


def preprocess(data):
    image = Image.open(io.BytesIO(data)).convert("RGB")
    scale = 256 / min(image.size)
    image = image.resize([int(side * scale) for side in image.size], Image.Resampling.BICUBIC)
    left, top = ((side - 224) // 2 for side in image.size)
    pixels = numpy.asarray(image.crop((left, top, left + 224, top + 224)), dtype=numpy.float32)
    return ((pixels - 127) / 128).transpose(2, 0, 1)[None]


def handler(event, context):
    body = event["body"]
    data = base64.b64decode(body) if event["isBase64Encoded"] else body.encode()
    logits = session.run(None, {input_name: preprocess(data)})[0][0]
    scores = numpy.exp(logits - logits.max())
    scores /= scores.sum()
    best = scores.argsort()[::-1][:5]
    answer = [{"label": labels[str(index)], "score": float(scores[index])} for index in best]
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": json.dumps(answer)}
