"""The cases of the bench as somebody answers them in Python with onnxruntime: one per line of stdin, answers to the descriptor 3."""

import base64
import functools
import json
import os
import sys
import time

import numpy
import onnxruntime
from tokenizers import Tokenizer
from transformers import WhisperFeatureExtractor


def open_session(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def read_json(folder, name):
    with open(os.path.join(folder, name)) as file:
        return json.load(file)


def bytes_of(event):
    return base64.b64decode(event["body"]) if event["isBase64Encoded"] else event["body"].encode()


def softmax(logits):
    exponentials = numpy.exp(logits - logits.max(-1, keepdims=True))
    return exponentials / exponentials.sum(-1, keepdims=True)


class Encoder:
    """A text encoder: the outputs of a batch, and what the tokenizer made of it."""

    def __init__(self, folder):
        self.tokenizer = Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
        self.tokenizer.enable_padding()
        self.tokenizer.enable_truncation(512)
        self.session = open_session(os.path.join(folder, "model.onnx"))
        self.names = [entry.name for entry in self.session.get_inputs()]

    def run(self, texts):
        encodings = self.tokenizer.encode_batch(texts)
        columns = {
            "input_ids": [encoding.ids for encoding in encodings],
            "attention_mask": [encoding.attention_mask for encoding in encodings],
            "token_type_ids": [encoding.type_ids for encoding in encodings],
        }
        feeds = {name: numpy.array(columns[name], dtype=numpy.int64) for name in self.names}
        return self.session.run(None, feeds)[0], encodings, columns["attention_mask"]


def feature_extraction(folder, query):
    encoder = Encoder(folder)

    def answer(event):
        hidden, _, mask = encoder.run(json.loads(event["body"])["inputs"])
        mask = numpy.array(mask, dtype=numpy.float32)[:, :, None]
        vectors = (hidden * mask).sum(1) / mask.sum(1)
        return (vectors / numpy.linalg.norm(vectors, axis=1, keepdims=True)).tolist()

    return answer


def token_classification(folder, query):
    encoder = Encoder(folder)
    labels = read_json(folder, "config.json")["id2label"]

    def answer(event):
        [text] = [json.loads(event["body"])["inputs"]]
        logits, [encoding], _ = encoder.run([text])
        scores = softmax(logits[0])
        found = []
        for index, (start, end) in enumerate(encoding.offsets):
            best = int(scores[index].argmax())
            if encoding.special_tokens_mask[index] or labels[str(best)] == "O":
                continue
            word = encoding.tokens[index]
            entity = {"entity": labels[str(best)], "score": float(scores[index, best]), "word": word}
            found.append({**entity, "start": start, "end": end})
        return found

    return answer


class Decoder:
    """Greedy search with a merged decoder and its cache."""

    def __init__(self, folder):
        self.encoder = open_session(os.path.join(folder, "encoder_model.onnx"))
        self.session = open_session(os.path.join(folder, "decoder_model_merged.onnx"))
        self.inputs = {entry.name: entry for entry in self.session.get_inputs()}
        self.outputs = [entry.name for entry in self.session.get_outputs()]
        self.caches = [name for name in self.inputs if name.startswith("past_key_values")]

    def empty_caches(self):
        shapes = {name: self.inputs[name].shape for name in self.caches}
        return {name: numpy.zeros((1, shape[1], 0, shape[3]), numpy.float32) for name, shape in shapes.items()}

    def generate(self, encoded, prompt, end, limit, suppress=(), begin_suppress=()):
        feeds = {name: value for name, value in encoded.items() if name in self.inputs}
        feeds.update(self.empty_caches())
        ids, chosen = list(prompt), []
        for step in range(limit):
            feeds["input_ids"] = numpy.array([ids], dtype=numpy.int64)
            feeds["use_cache_branch"] = numpy.array([step > 0])
            results = dict(zip(self.outputs, self.session.run(None, feeds)))
            logits = results["logits"][0, -1]
            logits[list(suppress)] = -numpy.inf
            if step == 0:
                logits[list(begin_suppress)] = -numpy.inf
            best = int(logits.argmax())
            chosen.append(best)
            if best == end:
                break
            for name in self.caches:
                if step == 0 or "decoder" in name.split(".")[2]:
                    feeds[name] = results[name.replace("past_key_values", "present")]
            ids = [best]
        return chosen


def translation(folder, query):
    tokenizer = Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
    decoder = Decoder(folder)
    config = read_json(folder, "config.json")

    def answer(event):
        body = json.loads(event["body"])
        encoding = tokenizer.encode(body["inputs"])
        ids = numpy.array([encoding.ids], dtype=numpy.int64)
        mask = numpy.array([encoding.attention_mask], dtype=numpy.int64)
        hidden = decoder.encoder.run(None, {"input_ids": ids, "attention_mask": mask})[0]
        encoded = {"encoder_hidden_states": hidden, "encoder_attention_mask": mask}
        limit = body["parameters"]["max_new_tokens"]
        chosen = decoder.generate(encoded, [config["decoder_start_token_id"]], config["eos_token_id"], limit)
        return [{"translation_text": tokenizer.decode(chosen)}]

    return answer


def speech(folder, query):
    tokenizer = Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
    extractor = WhisperFeatureExtractor.from_pretrained(folder)
    decoder = Decoder(folder)
    settings = read_json(folder, "generation_config.json")
    language = settings["lang_to_id"]["<|%s|>" % query["language"]]
    prompt = [settings["decoder_start_token_id"], language, settings["task_to_id"]["transcribe"]]
    prompt.append(settings["no_timestamps_token_id"])

    def answer(event):
        samples = numpy.frombuffer(bytes_of(event)[44:], dtype="<i2").astype(numpy.float32) / 32768
        features = extractor(samples, sampling_rate=16000, return_tensors="np").input_features
        encoded = {"encoder_hidden_states": decoder.encoder.run(None, {"input_features": features})[0]}
        limits = [settings["suppress_tokens"], settings["begin_suppress_tokens"]]
        chosen = decoder.generate(encoded, prompt, settings["eos_token_id"], int(query["max_new_tokens"]), *limits)
        return {"text": tokenizer.decode(chosen)}

    return answer


def image_classification(folder, query):
    os.environ["PEER_MODEL"] = folder
    from handler import handler

    return lambda event: json.loads(handler(event, None)["body"])


TASKS = {
    "feature-extraction": feature_extraction,
    "token-classification": token_classification,
    "translation": translation,
    "automatic-speech-recognition": speech,
    "image-classification": image_classification,
}

with open(sys.argv[1]) as file:
    cases = json.load(file)


@functools.cache
def open_case(name):
    return TASKS[cases[name]["task"]](cases[name]["folder"], cases[name].get("query"))


answers = os.fdopen(3, "w")
for line in sys.stdin:
    name = line.strip()
    answer = open_case(name)
    start = time.perf_counter()
    body = json.dumps(answer(cases[name]["event"]))
    ms = (time.perf_counter() - start) * 1000
    answers.write(json.dumps({"ms": ms, "answer": json.loads(body)}) + "\n")
    answers.flush()
