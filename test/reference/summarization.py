"""Summarization models of random weights, and what the pipeline of transformers answers with them.

Writes test/fixtures/models/tiny-bart: the folder as Optimum exports it, with a tokenizer trained here on the sentences of
translation.py. And test/fixtures/reference/summarization.json: for tiny-bart and tiny-t5 (of translation.py, which has a prefix and a
search for summaries), and for each text and each set of parameters:

  text          as the pipeline "summarization" answers
  margin        of greedy search: how far the second token lies behind, at its narrowest; of beam search: the second hypothesis
"""

import json
import os
import shutil
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

os.environ["HF_HUB_OFFLINE"] = "1"

from optimum.exporters.onnx import main_export
from optimum.onnxruntime import ORTModelForSeq2SeqLM
from tokenizers import ByteLevelBPETokenizer
from transformers import AutoTokenizer, BartConfig, BartForConditionalGeneration, BartTokenizerFast, GenerationConfig, pipeline, set_seed
from translation import ENGLISH, MODELS, OTHERS, PRUNED, ROOT, TEXTS, VERSIONS, liven

REFERENCE = ROOT / "test" / "fixtures" / "reference" / "summarization.json"
VERSIONS = VERSIONS | {"tokenizers": version("tokenizers")}

# As the settings stand, and as callers of the pipeline write them.
PARAMETERS = {
    "tiny-bart": [
        {},
        {"num_beams": 1},
        {"min_length": 5, "max_length": 12, "do_sample": False},
        {"num_beams": 3, "max_length": 20, "no_repeat_ngram_size": 1, "early_stopping": True, "length_penalty": 0.0},
        {"num_beams": 1, "max_new_tokens": 12, "repetition_penalty": 1.7, "no_repeat_ngram_size": 2},
    ],
    "tiny-t5": [
        {"max_new_tokens": 20},
        {"num_beams": 1, "max_new_tokens": 12},
        {"num_beams": 3, "max_new_tokens": 16, "min_new_tokens": 8, "length_penalty": -1.5, "early_stopping": "never"},
    ],
}


def bart(folder):
    """Settings as bart-large-cnn has them: four beams of a least length, and the tasks of config.json."""
    words = ByteLevelBPETokenizer()
    words.train_from_iterator(
        ENGLISH + OTHERS, vocab_size=340, min_frequency=2, special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    )
    words.save_model(str(folder))
    tokenizer = BartTokenizerFast(
        vocab_file=str(folder / "vocab.json"), merges_file=str(folder / "merges.txt"), model_max_length=60
    )
    search = {"early_stopping": True, "length_penalty": 2.0, "max_length": 40, "min_length": 10, "no_repeat_ngram_size": 3, "num_beams": 4}
    config = BartConfig(
        vocab_size=len(tokenizer), d_model=16, encoder_layers=2, decoder_layers=2, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=32, decoder_ffn_dim=32, max_position_embeddings=64, tie_word_embeddings=False,
        bos_token_id=0, pad_token_id=1, eos_token_id=2, decoder_start_token_id=2, forced_bos_token_id=0, forced_eos_token_id=2,
        task_specific_params={"summarization": search},
    )  # fmt: skip
    model = liven(BartForConditionalGeneration(config), 12, end=1.2)
    model.final_logits_bias.normal_(0, 0.1)
    model.generation_config = GenerationConfig(
        bos_token_id=0, pad_token_id=1, eos_token_id=2, decoder_start_token_id=2, forced_bos_token_id=0, forced_eos_token_id=2, **search
    )
    return model, tokenizer


def make(name, create):
    folder = MODELS / name
    shutil.rmtree(folder, ignore_errors=True)
    set_seed(7)
    with TemporaryDirectory() as work:
        model, tokenizer = create(Path(work))
        saved = Path(work) / "saved"
        model.save_pretrained(saved)
        tokenizer.save_pretrained(saved)
        main_export(str(saved), str(folder), task="text2text-generation-with-past")
    for file in (*PRUNED, "vocab.json", "merges.txt"):
        (folder / file).unlink(missing_ok=True)


def summarize(pipe, text, parameters):
    """What the pipeline answers, by its own steps, with the margin of its search."""
    beams = parameters.get("num_beams", pipe.generation_config.num_beams)
    output = pipe.model.generate(
        **pipe.preprocess(text, truncation=True), generation_config=pipe.generation_config, **parameters,
        **({} if beams == 1 else {"num_return_sequences": beams}), return_dict_in_generate=True, output_scores=True,
    )  # fmt: skip
    if beams > 1:
        best, second = output.sequences_scores[:2].tolist()
        margin = best - second
    else:
        margin = min(first - second for first, second in (step[0].topk(2).values.tolist() for step in output.scores))
    return {"text": pipe.tokenizer.decode(output.sequences[0], skip_special_tokens=True), "margin": margin}


def refer(name):
    model = ORTModelForSeq2SeqLM.from_pretrained(MODELS / name, use_merged=True)
    pipe = pipeline("summarization", model=model, tokenizer=AutoTokenizer.from_pretrained(MODELS / name))
    first = PARAMETERS[name][0]
    assert pipe(TEXTS[0], truncation=True, **first)[0]["summary_text"] == summarize(pipe, TEXTS[0], first)["text"]
    inputs = [{"text": text, "cases": [summarize(pipe, text, each) for each in PARAMETERS[name]]} for text in TEXTS]
    return {"prefix": pipe.prefix, "parameters": PARAMETERS[name], "inputs": inputs}


if __name__ == "__main__":
    make("tiny-bart", bart)
    tables = {name: refer(name) for name in ("tiny-bart", "tiny-t5")}
    reference = {"versions": VERSIONS, "models": tables}
    REFERENCE.write_text(json.dumps(reference, ensure_ascii=False, separators=(",", ":")).replace('{"text"', '\n{"text"') + "\n")
