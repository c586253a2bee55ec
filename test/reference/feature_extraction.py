"""Tiny encoders of sentences, and what sentence-transformers and the pipeline of `transformers` make of texts with their graphs.

Writes test/fixtures/models/tiny-{bert-sentences,roberta-sentences,bert-dense}
       test/fixtures/reference/feature-extraction.json: per model vectors of texts by every pooling, and vectors of tokens

With a folder as argument, `feature_extraction.py <folder> <target>` exports that sentence-transformers model to <target> and writes
<target>/expected.json: what sentence-transformers itself makes of the texts. The test of a real model reads them.
"""

import base64
import json
import shutil
import sys
import tempfile
import zlib
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from optimum.exporters.onnx import main_export
from optimum.onnxruntime import ORTModelForFeatureExtraction
from sentence_transformers.sentence_transformer.modules.pooling import Pooling
from transformers import AutoTokenizer, BertConfig, BertModel, RobertaConfig, RobertaModel, RobertaTokenizerFast, pipeline

from text_samples import HARD
from tiny_models import MODELS, REFERENCE, SIZES, export, spread
from tokenizer import bert, byte_level

VERSIONS = {name: version(name) for name in ("transformers", "tokenizers", "sentence-transformers", "optimum-onnx", "onnxruntime", "torch")}
MODULES = [
    {"idx": index, "name": str(index), "path": path, "type": f"sentence_transformers.models.{kind}"}
    for index, (path, kind) in enumerate([("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize")])
]
WIDTH = SIZES["hidden_size"]


def pooling_flags(*modes: str) -> dict:
    names = ("cls_token", "mean_tokens", "max_tokens", "mean_sqrt_len_tokens", "weightedmean_tokens", "lasttoken")
    return {"word_embedding_dimension": WIDTH, **{f"pooling_mode_{name}": name in modes for name in names}}


def make_models() -> dict[str, dict]:
    """Per model how its files say that vectors of texts are made."""
    torch.manual_seed(12)
    wordpiece = bert(True, model_max_length=64)
    byte_pairs = byte_level(RobertaTokenizerFast, 500, model_max_length=64)
    sizes = dict(SIZES, max_position_embeddings=66)
    export(
        "tiny-bert-sentences", spread(BertModel(BertConfig(vocab_size=len(wordpiece), **sizes))), wordpiece, "feature-extraction",
        {"modules.json": MODULES, "1_Pooling/config.json": pooling_flags("mean_tokens"), "sentence_bert_config.json": {"max_seq_length": 48, "do_lower_case": False}},
        library_name="transformers")
    export(
        "tiny-roberta-sentences",
        spread(RobertaModel(RobertaConfig(vocab_size=len(byte_pairs), pad_token_id=1, **sizes))), byte_pairs, "feature-extraction",
        {"modules.json": MODULES[:2], "1_Pooling/config.json": pooling_flags("cls_token", "max_tokens", "mean_sqrt_len_tokens")}, library_name="transformers")
    return {
        "tiny-bert-sentences": {"modes": ["mean"], "normalize": True, "length": 48},
        "tiny-roberta-sentences": {"modes": ["cls", "max", "mean_sqrt_len_tokens"], "normalize": False, "length": 64},
    }


def make_dense() -> np.ndarray:
    """A model with a module that only the graph can hold, exported with its pooling; returns what sentence-transformers makes of the texts."""
    from sentence_transformers import SentenceTransformer, models

    torch.manual_seed(13)
    with tempfile.TemporaryDirectory() as folder:
        wordpiece = bert(True, model_max_length=64)
        spread(BertModel(BertConfig(vocab_size=len(wordpiece), max_position_embeddings=64, **SIZES))).save_pretrained(folder)
        wordpiece.save_pretrained(folder)
        parts = [models.Transformer(folder), Pooling(WIDTH, "mean"), models.Dense(WIDTH, 8, activation_function=torch.nn.Tanh())]
        model = SentenceTransformer(modules=parts, device="cpu")
        model.save(folder)
        target = MODELS / "tiny-bert-dense"
        shutil.rmtree(target, ignore_errors=True)
        main_export(model_name_or_path=folder, output=target, task="feature-extraction", library_name="sentence_transformers", do_validation=False)
        shutil.copy(Path(folder, "modules.json"), target)
        (target / "1_Pooling").mkdir()
        shutil.copy(Path(folder, "1_Pooling", "config.json"), target / "1_Pooling")
        (target / "vocab.txt").unlink()
        return model.encode(HARD, batch_size=1)


def pack(values) -> str:
    return base64.b64encode(zlib.compress(np.asarray(values, np.float32).tobytes(), 9)).decode()


def answers(name: str, modes: list[str], normalize: bool, length: int) -> dict:
    folder = MODELS / name
    model = ORTModelForFeatureExtraction.from_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    extract = pipeline("feature-extraction", model=model, tokenizer=tokenizer)
    own, by_mode, tokens, truncated = [], {mode: [] for mode in Pooling.POOLING_MODES}, [], []
    for index, text in enumerate(HARD):
        inputs = tokenizer(text, return_tensors="pt", truncation=True, max_length=length)
        features = {"token_embeddings": model(**inputs).last_hidden_state, "attention_mask": inputs["attention_mask"]}
        vector = Pooling(WIDTH, modes)(dict(features))["sentence_embedding"]
        own.append((torch.nn.functional.normalize(vector, p=2, dim=1) if normalize else vector)[0].numpy())
        for mode, vectors in by_mode.items():
            vectors.append(Pooling(WIDTH, mode)(dict(features))["sentence_embedding"][0].numpy())
        if index % 8 == 0:
            tokens.append({"index": index, "vectors": pack(extract(text, tokenize_kwargs={"truncation": True, "max_length": length})[0])})
        if len(tokenizer(text)["input_ids"]) > length:
            truncated.append(index)
    return {"length": length, "truncated": truncated, "own": pack(own), "pooled": {mode: pack(v) for mode, v in by_mode.items() if name.startswith("tiny-bert")}, "tokens": tokens}


def real(folder: str, target: str) -> None:
    from sentence_transformers import SentenceTransformer

    main_export(model_name_or_path=folder, output=target, task="feature-extraction", library_name="transformers", do_validation=False)
    for file in ("modules.json", "1_Pooling/config.json", "sentence_bert_config.json"):
        Path(target, file).parent.mkdir(exist_ok=True)
        Path(target, file).write_text(Path(folder, file).read_text())
    texts = HARD + [text * 40 for text in HARD[36:40]]
    vectors = SentenceTransformer(folder, device="cpu").encode(texts, batch_size=1)
    Path(target, "expected.json").write_text(json.dumps({"texts": texts, "width": int(vectors.shape[1]), "vectors": pack(vectors)}))


def main() -> None:
    if len(sys.argv) > 1:
        return real(*sys.argv[1:])
    reference = {name: answers(name, **how) for name, how in make_models().items()}
    vectors = make_dense()
    tokenizer = AutoTokenizer.from_pretrained(MODELS / "tiny-bert-dense")
    truncated = [index for index, text in enumerate(HARD) if len(tokenizer(text)["input_ids"]) > 64]
    reference["tiny-bert-dense"] = {"length": 64, "truncated": truncated, "own": pack(vectors), "pooled": {}, "tokens": []}
    (REFERENCE / "feature-extraction.json").write_text(
        json.dumps({"versions": VERSIONS, "texts": HARD, "models": reference}, indent=1) + "\n")


if __name__ == "__main__":
    main()
