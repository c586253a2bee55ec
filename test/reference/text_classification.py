"""Tiny text classifiers, and what the pipeline of `transformers` answers with their graphs.

Writes test/fixtures/models/tiny-{bert-sentiment,roberta-emotions,xlm-roberta-entailment,bert-rating}
       test/fixtures/reference/text-classification.json: per model logits and the pipeline's answers for hard texts and pairs
"""

import base64
import json
import zlib
from importlib.metadata import version

import numpy as np
import torch
from optimum.onnxruntime import ORTModelForSequenceClassification
from transformers import (
    AutoTokenizer, BertConfig, BertForSequenceClassification, RobertaConfig, RobertaForSequenceClassification, XLMRobertaConfig,
    XLMRobertaForSequenceClassification, XLMRobertaTokenizerFast, RobertaTokenizerFast, pipeline,
)  # fmt: skip

from text_samples import HARD, PAIRS
from tiny_models import MODELS, REFERENCE, SIZES, export, spread
from tokenizer import bert, byte_level, sentence_piece

VERSIONS = {name: version(name) for name in ("transformers", "tokenizers", "optimum-onnx", "onnxruntime", "torch")}


def config(cls, tokenizer, labels: list[str], positions: int = 64, **options):
    return cls(
        vocab_size=len(tokenizer), max_position_embeddings=positions, pad_token_id=tokenizer.pad_token_id, id2label=dict(enumerate(labels)),
        label2id={label: index for index, label in enumerate(labels)}, **SIZES, **options)


def make_models() -> list[str]:
    torch.manual_seed(11)
    wordpiece = bert(True, model_max_length=64)
    rating = bert(True)  # its model_max_length is not known: the positions of the model have to do
    byte_pairs = byte_level(RobertaTokenizerFast, 500, model_max_length=64)
    pieces = sentence_piece(XLMRobertaTokenizerFast, "unigram", 500, rule="small", model_max_length=64)
    made = {
        "tiny-bert-sentiment": (BertForSequenceClassification(config(BertConfig, wordpiece, ["NEGATIVE", "POSITIVE"])), wordpiece),
        "tiny-roberta-emotions": (
            RobertaForSequenceClassification(config(
                RobertaConfig, byte_pairs, ["joy", "anger", "fear", "love", "surprise"], 66, problem_type="multi_label_classification")), byte_pairs),
        "tiny-xlm-roberta-entailment": (
            XLMRobertaForSequenceClassification(config(XLMRobertaConfig, pieces, ["entailment", "neutral", "contradiction"], 66)), pieces),
        "tiny-bert-rating": (BertForSequenceClassification(config(BertConfig, rating, ["LABEL_0"], 40, problem_type="regression")), rating),
    }
    for name, (model, tokenizer) in made.items():
        export(name, spread(model), tokenizer, "text-classification")
    return list(made)


def pack(value) -> str:
    return base64.b64encode(zlib.compress(json.dumps(value, separators=(",", ":")).encode(), 9)).decode()


def answers(name: str) -> dict:
    folder = MODELS / name
    model = ORTModelForSequenceClassification.from_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    classify = pipeline("text-classification", model=model, tokenizer=tokenizer)
    length = min(tokenizer.model_max_length, model.config.max_position_embeddings)
    options = {"truncation": True, "max_length": length}
    results = []
    for text, pair in [(text, None) for text in HARD] + PAIRS:
        inputs = {"text": text} if pair is None else {"text": text, "text_pair": pair}
        tokens = tokenizer(**inputs)["input_ids"]
        logits = model(**tokenizer(**inputs, return_tensors="pt", **options)).logits[0].numpy()
        scored = {function: classify(inputs, top_k=None, function_to_apply=function, **options) for function in (None, "sigmoid", "softmax", "none")}
        results.append({
            "logits": [float(value) for value in logits],
            "truncated": len(tokens) > length,
            "labels": [entry["label"] for entry in scored[None]],
            "scores": {str(function or "default"): [entry["score"] for entry in entries] for function, entries in scored.items()},
        })
    return {"length": length, "results": pack(results), "margin": float(np.min([np.min(np.abs(np.diff(sorted(r["logits"])))) for r in results])) if len(results[0]["logits"]) > 1 else None}


def main() -> None:
    models = make_models()
    reference = {name: answers(name) for name in models}
    (REFERENCE / "text-classification.json").write_text(
        json.dumps({"versions": VERSIONS, "texts": HARD, "pairs": PAIRS, "models": reference}, indent=1) + "\n")


if __name__ == "__main__":
    main()
