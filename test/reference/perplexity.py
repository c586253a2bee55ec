"""The perplexity of texts for a small decoder.

Writes test/fixtures/reference/perplexity.json: for the decoder test/fixtures/models/tiny-llama the log-probabilities of the tokens of each text
of generation_prompts.py that has two tokens at least, and the perplexity of all. onnxruntime computes each text in one run, without a cache.
"""

import json
from importlib.metadata import version
from pathlib import Path

import numpy
from generation_prompts import PROMPTS, SENTENCES
from onnxruntime import InferenceSession
from tokenizers import Tokenizer

ROOT = Path(__file__).parents[2]
MODEL = ROOT / "test" / "fixtures" / "models" / "tiny-llama"
REFERENCE = ROOT / "test" / "fixtures" / "reference" / "perplexity.json"
VERSIONS = {name: version(name) for name in ("onnxruntime", "tokenizers", "numpy")}


def score(session, ids):
    length = len(ids)
    feeds = {
        "input_ids": numpy.array([ids], numpy.int64),
        "attention_mask": numpy.ones((1, length), numpy.int64),
        "position_ids": numpy.arange(length, dtype=numpy.int64)[None],
    }
    for spec in session.get_inputs():
        if spec.name.startswith("past_key_values."):
            feeds[spec.name] = numpy.zeros((1, spec.shape[1], 0, spec.shape[3]), numpy.float32)
    logits = session.run(["logits"], feeds)[0][0, :-1].astype(numpy.float64)
    logits -= logits.max(-1, keepdims=True)
    logprobs = logits - numpy.log(numpy.exp(logits).sum(-1, keepdims=True))
    return logprobs[numpy.arange(length - 1), ids[1:]]


def main():
    session = InferenceSession(MODEL / "model.onnx")
    tokenizer = Tokenizer.from_file(str(MODEL / "tokenizer.json"))
    texts = [text for text in [*PROMPTS, *SENTENCES] if len(tokenizer.encode(text).ids) > 1]
    scores = [score(session, tokenizer.encode(text).ids) for text in texts]
    perplexity = float(numpy.exp(-numpy.concatenate(scores).mean()))
    lines = [
        json.dumps({"text": text, "logprobs": [round(float(one), 6) for one in own]}, ensure_ascii=False)
        for text, own in zip(texts, scores)
    ]
    head = f'"versions":{json.dumps(VERSIONS)},\n"perplexity":{perplexity},\n"tokens":{sum(map(len, scores))}'
    REFERENCE.write_text("{" + head + ',\n"texts":[\n' + ",\n".join(lines) + "\n]}\n")


if __name__ == "__main__":
    main()
