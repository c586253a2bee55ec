"""A decoder with int4 weights and onnxruntime's own operators, and what onnxruntime-genai generates with it.

Writes test/fixtures/models/tiny-llama-int4, a folder of onnxruntime-genai's builder, with the tokenizer of tiny-llama. And
test/fixtures/reference/int4-decoder.json: for each prompt of generation_prompts.py the tokens that onnxruntime-genai generates greedily,
their log-probabilities, and the smallest distance of the likeliest token to the second. They are there twice: with products in 8 bits, as
the model asks for, and with products in float32, as processors without AVX2 compute it. Needs packages of its own: requirements-genai.txt.
"""

import json
import os
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

os.environ["HF_HUB_OFFLINE"] = "1"

import numpy
import onnx
import onnxruntime_genai as genai
import torch
from generation_prompts import NEW_TOKENS, PROMPTS
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM, set_seed

ROOT = Path(__file__).parents[2]
TARGET = ROOT / "test" / "fixtures" / "models" / "tiny-llama-int4"
REFERENCE = ROOT / "test" / "fixtures" / "reference" / "int4-decoder.json"
VERSIONS = {name: version(name) for name in ("onnxruntime-genai", "onnxruntime", "transformers", "torch")}


def export():
    set_seed(7)
    tokenizer = AutoTokenizer.from_pretrained(TARGET.parent / "tiny-llama")
    config = LlamaConfig(
        hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
        max_position_embeddings=512, vocab_size=len(tokenizer), bos_token_id=1, eos_token_id=2, pad_token_id=None,
        tie_word_embeddings=False,
    )  # fmt: skip
    model = LlamaForCausalLM(config).eval()
    with torch.no_grad():
        for name, weights in model.named_parameters():
            if weights.dim() > 1:
                weights.mul_(20 if "embed" in name else 12)
        model.lm_head.weight.normal_(0, 0.7)
    with TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        builder = [sys.executable, "-m", "onnxruntime_genai.models.builder", "-i", folder, "-o", str(TARGET), "-p", "int4", "-e", "cpu"]
        # Not in this folder: its quantization.py has the name of a module of the builder.
        subprocess.run(builder, check=True, cwd=folder)


def answer(model, tokenizer, text):
    ids = tokenizer(text).input_ids
    options = genai.GeneratorParams(model)
    options.set_search_options(max_length=len(ids) + NEW_TOKENS, do_sample=False)
    generator = genai.Generator(model, options)
    generator.append_tokens(numpy.array([ids], dtype=numpy.int32))
    new, logprobs, margins = [], [], []
    while not generator.is_done():
        logits = generator.get_logits()[0, -1].astype(numpy.float64)
        generator.generate_next_token()
        token = int(generator.get_next_tokens()[0])
        second, first = numpy.sort(logits)[-2:]
        new.append(token)
        logprobs.append(round(float(logits[token] - first - numpy.log(numpy.exp(logits - first).sum())), 6))
        margins.append(first - second)
    return {"prompt": text, "input_ids": ids, "ids": new, "logprobs": logprobs, "margin": round(float(min(margins)), 6)}


def answers(folder):
    model, tokenizer = genai.Model(str(folder)), AutoTokenizer.from_pretrained(TARGET)
    return "[\n" + ",\n".join(json.dumps(answer(model, tokenizer, text), ensure_ascii=False) for text in PROMPTS) + "\n]"


def multiply_in_float32(folder):
    model = onnx.load(folder / "model.onnx", load_external_data=False)
    for node in model.graph.node:
        for attribute in node.attribute:
            if attribute.name == "accuracy_level":
                attribute.i = 1
    onnx.save(model, folder / "model.onnx")


def main():
    export()
    with TemporaryDirectory() as parent:
        folder = Path(parent) / "model"
        shutil.copytree(TARGET, folder)
        multiply_in_float32(folder)
        parts = {"versions": json.dumps(VERSIONS), "int8": answers(TARGET), "float32": answers(folder)}
    REFERENCE.write_text("{" + ",\n".join(f'"{name}":{part}' for name, part in parts.items()) + "}\n")


if __name__ == "__main__":
    main()
