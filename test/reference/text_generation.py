"""Decoders of random weights, and what transformers answers with them.

Writes test/fixtures/models/tiny-{gpt2,neox,opt,llama,llama-half,mistral,qwen2,qwen3,gemma2,gemma3,phi3,smollm3}: folders as Optimum exports
them, with tokenizers trained here on the sentences below. And test/fixtures/reference/text-generation.json: for each model and prompt

  input_ids  of the reference's own tokenizer
  ids        what PyTorch generates greedily, the end token included
  logprobs   of those tokens
  margin     the smallest distance of the likeliest token to the second, over all steps
  text       what is new in the decoded text, without special tokens; bytes of the prompt, which could melt with those of the answer, are
             left out before
  logits     float32 of the next token after the prompt, as base64, for the first prompts

Under "sampling" are the probabilities of the next token after warpers of transformers, and under "penalties" the answers with fields of
generation_config.json.
"""

import base64
import json
import os
import re
import shutil
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

os.environ["HF_HUB_OFFLINE"] = "1"

import onnx
import sentencepiece
import torch
from onnxruntime.transformers.float16 import convert_float_to_float16
from generation_prompts import LONG, NEW_TOKENS, PROMPTS, SENTENCES
from optimum.exporters.onnx import onnx_export_from_model
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    Gemma2Config,
    Gemma2ForCausalLM,
    Gemma3ForCausalLM,
    Gemma3TextConfig,
    GemmaTokenizerFast,
    GenerationConfig,
    GPT2Config,
    GPT2LMHeadModel,
    GPTNeoXConfig,
    GPTNeoXForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    LlamaTokenizerFast,
    LogitsProcessorList,
    MinPLogitsWarper,
    MistralConfig,
    MistralForCausalLM,
    OPTConfig,
    OPTForCausalLM,
    Phi3Config,
    Phi3ForCausalLM,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
    SmolLM3Config,
    SmolLM3ForCausalLM,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
    set_seed,
)

ROOT = Path(__file__).parents[2]
MODELS = ROOT / "test" / "fixtures" / "models"
REFERENCE = ROOT / "test" / "fixtures" / "reference" / "text-generation.json"
VERSIONS = {name: version(name) for name in ("optimum-onnx", "transformers", "tokenizers", "sentencepiece", "onnxruntime", "torch")}

LOGITS_OF = 6


BYTE = re.compile("<0x[0-9A-F]{2}>$")


def byte_level(specials):
    """A byte-level BPE as of GPT-2, Qwen and Llama 3."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=360, special_tokens=specials, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(SENTENCES * 4, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token=specials[0], eos_token=specials[-1], pad_token=specials[-1],
        clean_up_tokenization_spaces=False,
    )  # fmt: skip


def pieces(folder, **options):
    """A sentencepiece model with byte fallback."""
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(SENTENCES * 20), model_prefix=str(folder / "tokenizer"), vocab_size=460, model_type="bpe",
        byte_fallback=True, character_coverage=0.98, hard_vocab_limit=False, num_threads=1, minloglevel=2, split_digits=True,
        allow_whitespace_only_pieces=True, remove_extra_whitespaces=False, normalization_rule_name="identity", **options,
    )  # fmt: skip
    return str(folder / "tokenizer.model")


def llama_tokenizer(folder):
    return LlamaTokenizerFast(vocab_file=pieces(folder), clean_up_tokenization_spaces=False)


def gemma_tokenizer(folder):
    file = pieces(folder, pad_id=0, eos_id=1, bos_id=2, unk_id=3, add_dummy_prefix=False)
    return GemmaTokenizerFast(vocab_file=file, clean_up_tokenization_spaces=False)


SHAPE = dict(hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4, tie_word_embeddings=False)
GROUPED = dict(num_key_value_heads=2, max_position_embeddings=4096)
GEMMA = dict(head_dim=8, sliding_window=8, query_pre_attn_scalar=8, hidden_activation="gelu_pytorch_tanh")


def specials_of(tokenizer):
    return dict(vocab_size=len(tokenizer), bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id, pad_token_id=None)


def gpt2(folder):
    tokenizer = byte_level(["<|endoftext|>"])
    shape = dict(n_embd=32, n_layer=2, n_head=4, n_positions=128, tie_word_embeddings=False)
    return GPT2LMHeadModel(GPT2Config(**shape, **specials_of(tokenizer))), tokenizer


def neox(folder):
    tokenizer = byte_level(["<|endoftext|>", "<|padding|>"])
    return GPTNeoXForCausalLM(GPTNeoXConfig(**SHAPE, max_position_embeddings=4096, **specials_of(tokenizer))), tokenizer


def opt(folder):
    tokenizer = byte_level(["</s>"])
    shape = dict(hidden_size=32, ffn_dim=48, num_hidden_layers=2, num_attention_heads=4, word_embed_proj_dim=32)
    config = OPTConfig(**shape, max_position_embeddings=128, tie_word_embeddings=False, **{**specials_of(tokenizer), "pad_token_id": 0})
    return OPTForCausalLM(config), tokenizer


def llama(folder):
    tokenizer = llama_tokenizer(folder)
    return LlamaForCausalLM(LlamaConfig(**SHAPE, **GROUPED, **specials_of(tokenizer))), tokenizer


def mistral(folder):
    tokenizer = llama_tokenizer(folder)
    return MistralForCausalLM(MistralConfig(**SHAPE, **GROUPED, sliding_window=8, **specials_of(tokenizer))), tokenizer


def qwen2(folder):
    tokenizer = byte_level(["<|endoftext|>", "<|im_start|>", "<|im_end|>"])
    return Qwen2ForCausalLM(Qwen2Config(**SHAPE, **GROUPED, **specials_of(tokenizer))), tokenizer


def qwen3(folder):
    tokenizer = byte_level(["<|endoftext|>", "<|im_start|>", "<|im_end|>"])
    return Qwen3ForCausalLM(Qwen3Config(**SHAPE, **GROUPED, head_dim=16, **specials_of(tokenizer))), tokenizer


def gemma2(folder):
    tokenizer = gemma_tokenizer(folder)
    return Gemma2ForCausalLM(Gemma2Config(**SHAPE, **GROUPED, **GEMMA, **specials_of(tokenizer))), tokenizer


def gemma3(folder):
    tokenizer = gemma_tokenizer(folder)
    layers = ["sliding_attention", "full_attention"]
    return Gemma3ForCausalLM(Gemma3TextConfig(**SHAPE, **GROUPED, **GEMMA, layer_types=layers, **specials_of(tokenizer))), tokenizer


def phi3(folder):
    tokenizer = llama_tokenizer(folder)
    return Phi3ForCausalLM(Phi3Config(**SHAPE, **GROUPED, **{**specials_of(tokenizer), "pad_token_id": 0})), tokenizer


def smollm3(folder):
    tokenizer = byte_level(["<|begin_of_text|>", "<|im_start|>", "<|im_end|>"])
    return SmolLM3ForCausalLM(SmolLM3Config(**SHAPE, **GROUPED, **specials_of(tokenizer))), tokenizer


def liven(model):
    """Weights large enough that each step depends on all before it, and the end likely enough that lengths differ."""
    head = model.get_output_embeddings().weight
    with torch.no_grad():
        for name, weights in model.named_parameters():
            if weights.dim() > 1 and weights is not head:
                weights.mul_(12 if "embed" not in name and "wte" not in name and "wpe" not in name else 20)
        head.normal_(0, 0.7)
        head[model.config.eos_token_id].mul_(1.5)
    return model.eval()


def answer(model, tokenizer, text, with_logits):
    repeat = 2000 // len(tokenizer(text).input_ids) if text == LONG else 1
    ids = tokenizer(text * repeat).input_ids or [tokenizer.bos_token_id]
    output = model.generate(
        torch.tensor([ids]), attention_mask=torch.ones(1, len(ids), dtype=torch.long), do_sample=False, max_new_tokens=NEW_TOKENS,
        return_dict_in_generate=True, output_logits=True, pad_token_id=0,
    )  # fmt: skip
    new = output.sequences[0, len(ids) :].tolist()
    steps = [step[0].float() for step in output.logits]
    likely = [step.log_softmax(-1) for step in steps]
    best = [step.topk(2).values.tolist() for step in steps]
    known = [token for token in ids if not BYTE.match(tokenizer.convert_ids_to_tokens(token))]
    whole, before = (tokenizer.decode(part, skip_special_tokens=True) for part in (known + new, known))
    return {
        **({"prompt": text} if repeat == 1 else {"repeat": [text, repeat]}),
        "input_ids": ids if repeat == 1 else len(ids),
        "ids": new,
        "logprobs": [round(float(step[token]), 6) for step, token in zip(likely, new)],
        "margin": round(min(first - second for first, second in best), 6),
        "text": whole[len(before) :],
        **({"logits": base64.b64encode(steps[0].numpy().astype("<f4").tobytes()).decode()} if with_logits else {}),
    }


def warped(model, tokenizer):
    """Probabilities of the next token after a prompt, by what changes them."""
    ids = torch.tensor([tokenizer("The weather is").input_ids])
    logits = model(ids).logits[:, -1].float()
    cases = {
        "temperature": ({"temperature": 1.7}, [TemperatureLogitsWarper(1.7)]),
        "top_k": ({"top_k": 7}, [TopKLogitsWarper(7)]),
        "top_p": ({"top_p": 0.8}, [TopPLogitsWarper(0.8)]),
        "min_p": ({"min_p": 0.2}, [MinPLogitsWarper(0.2)]),
        "all": (
            {"temperature": 1.3, "top_k": 12, "top_p": 0.9, "min_p": 0.02},
            [TemperatureLogitsWarper(1.3), TopKLogitsWarper(12), TopPLogitsWarper(0.9), MinPLogitsWarper(0.02)],
        ),
    }
    answers = {}
    for name, (parameters, warpers) in cases.items():
        chances = LogitsProcessorList(warpers)(ids, logits.clone()).softmax(-1)[0]
        answers[name] = {"parameters": parameters, "probabilities": {str(i): round(float(p), 8) for i, p in enumerate(chances) if p > 0}}
    return answers


def penalised(model, tokenizer):
    """Greedy answers with fields that change them."""
    cases = [
        {"repetition_penalty": 1.4},
        {"no_repeat_ngram_size": 2},
        {"min_new_tokens": 15},
        {"suppress_tokens": [40, 41, 42]},
        {"bad_words_ids": [[50], [60, 61]]},
    ]
    answers = []
    for case in cases:
        for text in PROMPTS[:1] + PROMPTS[16:20]:
            ids = tokenizer(text).input_ids
            new = model.generate(torch.tensor([ids]), do_sample=False, max_new_tokens=NEW_TOKENS, pad_token_id=0, **case)[0, len(ids) :]
            answers.append({"options": case, "prompt": text, "ids": new.tolist()})
    return answers


def export(name, model, tokenizer, folder):
    target = MODELS / f"tiny-{name}"
    shutil.rmtree(target, ignore_errors=True)
    onnx_export_from_model(model, target, task="text-generation-with-past", monolith=False, do_validation=False)
    tokenizer.save_pretrained(target)
    for extra in ("special_tokens_map.json", "tokenizer.model", "added_tokens.json"):
        (target / extra).unlink(missing_ok=True)
    return target


def halve(source, target):
    """The same model in float16, its cache too, as transformers.js calls it."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)
    model = convert_float_to_float16(onnx.load(target / "model.onnx"), keep_io_types=False)
    (target / "model.onnx").unlink()
    (target / "onnx").mkdir()
    onnx.save(model, target / "onnx" / "model_fp16.onnx")


def to_text(reference):
    """JSON with an answer on each line."""

    def line(value):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

    models = ",\n".join(f"{line(name)}:[\n" + ",\n".join(map(line, own)) + "\n]" for name, own in reference["models"].items())
    rest = ",\n".join(f"{line(key)}:{line(value)}" for key, value in reference.items() if key != "models")
    return "{" + rest + ',\n"models":{\n' + models + "\n}}\n"


def main():
    reference = {"versions": VERSIONS, "models": {}}
    for make in (gpt2, neox, opt, llama, mistral, qwen2, qwen3, gemma2, gemma3, phi3, smollm3):
        set_seed(7)
        with TemporaryDirectory() as folder:
            model, tokenizer = make(Path(folder))
            liven(model)
            special = {key: value for key, value in specials_of(tokenizer).items() if key.endswith("token_id") and value is not None}
            model.generation_config = GenerationConfig(**special)
            model.config.architectures = [type(model).__name__]
            target = export(make.__name__, model, tokenizer, Path(folder))
        texts = [*PROMPTS, LONG] if make not in (gpt2, opt) else PROMPTS
        answers = [answer(model, tokenizer, text, index < LOGITS_OF) for index, text in enumerate(texts)]
        reference["models"][target.name] = answers
        print(target.name, sum(file.stat().st_size for file in target.rglob("*") if file.is_file()), [len(one["ids"]) for one in answers])
        if make is llama:
            halve(target, MODELS / "tiny-llama-half")
            reference["sampling"] = warped(model, tokenizer)
            reference["penalties"] = penalised(model, tokenizer)
    REFERENCE.write_text(to_text(reference))


if __name__ == "__main__":
    main()
