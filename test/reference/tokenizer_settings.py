"""Makes `../fixtures/reference/tokenizer-settings.json`: folders whose files contradict each other, and the ids of `transformers` for hard texts.

A folder is the tokenizer.json of `../fixtures/tokenizers/<base>` without a part of its added tokens, and other settings beside it. Without a
base, it has the vocab.txt of `../fixtures/unconverted-tokenizers/bert-uncased`; then the reference has the decoded texts, too.
"""

import base64
import json
import tempfile
import warnings
import zlib
from pathlib import Path
from shutil import copy

import numpy as np
from transformers import AutoTokenizer
from transformers.utils import logging

from text_samples import HARD

FIXTURES = Path(__file__).parents[1] / "fixtures"
TEXTS = [text for text in HARD if len(text) < 200][:70] + [
    "HE SAID Hello, Émile Ökonomie", "naïve CAFÉ 中文字 test", "a <mask> b [MASK] c", "a<mask>b[MASK]c", "x</s>y <s> z", "[CLS] he [SEP]", "QUESTION NEWTOKEN newtoken",
    "word  wholeword wholewords", "Lower Added lower added", "<extra> and <more>", " leading", "trailing ", "the the the the the the the the the the",
]  # fmt: skip


def token(content: str, **flags) -> dict:
    return {"content": content, "lstrip": False, "normalized": False, "rstrip": False, "single_word": False, "special": True, **flags}


def decoder(base: str, **changes) -> dict:
    """`added_tokens_decoder` as the tokenizer.json has it, with other flags for some tokens."""
    tree = json.loads((FIXTURES / "tokenizers" / base / "tokenizer.json").read_text())
    return {str(t.pop("id")): {**t, **changes.get(t["content"], {})} for t in tree["added_tokens"]}


def case(base: str, name: str | None, config: dict | None, without=(), files=None, truncation=None, padding=None, flags=None) -> dict:
    settings = None if config is None else ({"tokenizer_class": name} if name else {}) | config
    return {"base": base, "config": settings, "without": list(without), "files": files or {}, "truncation": truncation, "padding": padding, "flags": flags or {}}


def vocabulary(name: str, config: dict) -> dict:
    """A folder with vocab.txt in the place of tokenizer.json."""
    return case(None, name, config)


BERT_TOKENS = {
    "bos_token": "[CLS]", "eos_token": "[SEP]", "unk_token": "[UNK]", "sep_token": "[SEP]", "pad_token": "[PAD]", "cls_token": "[CLS]", "mask_token": "[MASK]",
}

FOLDERS = {
    "bert lower case by default": case("bert-cased", "BertTokenizer", {}),
    "bert lower case asked for": case("bert-cased", "BertTokenizer", {"do_lower_case": True}),
    "bert cased": case("bert-uncased", "BertTokenizer", {"do_lower_case": False}),
    "bert accents kept": case("bert-uncased", "BertTokenizerFast", {"strip_accents": False}),
    "bert accents stripped": case("bert-cased", "BertTokenizerFast", {"do_lower_case": False, "strip_accents": True}),
    "bert chinese together": case("bert-uncased", "BertTokenizer", {"tokenize_chinese_chars": False}),
    "bert accents and chinese by default": case("bert-accents", "BertTokenizer", {}),
    "distilbert": case("bert-cased", "DistilBertTokenizer", {"tokenize_chinese_chars": False}),
    "electra": case("bert-cased", "ElectraTokenizerFast", {"strip_accents": False}),
    "mobilebert": case("bert-uncased", "MobileBertTokenizer", {"do_lower_case": False, "model_max_length": 12}),
    "mpnet": case("bert-accents", "MPNetTokenizer", {"do_lower_case": False, **BERT_TOKENS}),
    "dpr": case("bert-cased", "DPRQuestionEncoderTokenizer", {}),
    "layoutlm": case("bert-accents", "LayoutLMTokenizer", {}),
    "roformer": case("bert-accents", "SplinterTokenizer", {"do_lower_case": False}),
    "bert by config.json alone": case("bert-cased", None, None, files={"config.json": {"model_type": "bert"}}),
    "llama by mistral": case("llama", None, None, files={"config.json": {"model_type": "mistral"}}),
    "gemma by gemma2": case("llama", None, {"add_eos_token": True, "bos_token": "<s>", "eos_token": "</s>", "pad_token": "</s>"}, files={"config.json": {"model_type": "gemma2"}}),
    "roberta by ibert": case("roberta-prefix", None, None, files={"config.json": {"model_type": "ibert"}}),
    "bert by megatron-bert": case("bert-cased", None, {}, files={"config.json": {"model_type": "megatron-bert"}}),
    "gpt-neox by olmo": case("gpt2", None, {"add_eos_token": True}, files={"config.json": {"model_type": "olmo"}}),
    "bert by the class of config.json": case("bert-cased", None, {}, files={"config.json": {"model_type": "gpt2", "tokenizer_class": "BertTokenizer"}}),
    "bert without a class": case("bert-cased", "PreTrainedTokenizerFast", {"do_lower_case": True}),
    "bert special tokens by default": case("bert-uncased", "BertTokenizer", {}, without=["[MASK]", "[SEP]", "[CLS]"]),
    "bert mask by special_tokens_map": case("bert-uncased", "PreTrainedTokenizerFast", {}, without=["[MASK]"], files={"special_tokens_map.json": {"mask_token": "[MASK]"}}),
    "bert mask takes the space": case(
        "bert-uncased", "BertTokenizer", {"mask_token": {"__type": "AddedToken"} | token("[MASK]", lstrip=True), "added_tokens_decoder": {}}
    ),
    "mpnet mask takes the space by default": case("bert-uncased", "MPNetTokenizer", {**BERT_TOKENS, "mask_token": "[MASK]", "added_tokens_decoder": {}}),
    "roberta flags of the mask by default": case("roberta", "RobertaTokenizer", {}, flags={"<mask>": {"lstrip": False, "rstrip": True}}),
    "mbart from German": case("nllb", "MBartTokenizer", {"src_lang": "deu_Latn", "additional_special_tokens": []}),
    "code-llama": case("llama", "CodeLlamaTokenizer", {"add_eos_token": True, "pad_token": "</s>"}),
    "blenderbot": case("roberta", "BlenderbotTokenizer", {"add_prefix_space": True}),
    "led": case("roberta-prefix", "LEDTokenizer", {}),
    "convbert": case("bert-cased", "ConvBertTokenizer", {"strip_accents": True}),
    "squeezebert": case("bert-accents", "SqueezeBertTokenizer", {"do_lower_case": False}),
    "qwen2": case("gpt2", "Qwen2Tokenizer", {"add_prefix_space": True}),
    "bert flags of recorded tokens": case(
        "bert-uncased", "BertTokenizer", {"added_tokens_decoder": decoder("bert-uncased", NEWTOKEN={"normalized": True}, wholeword={"single_word": False})},
    ),
    "bert additional special tokens": case("bert-uncased", "BertTokenizer", {"additional_special_tokens": ["the", "and"]}),
    "bert additional tokens of the map": case("bert-uncased", "BertTokenizer", {}, files={"special_tokens_map.json": {"additional_special_tokens": ["the", token("of")]}}),
    "bert added_tokens.json": case("bert-uncased", "BertTokenizer", {}, without=["NEWTOKEN", "Lower Added", "wholeword"], files={"added_tokens.json": {"NEWTOKEN": 700, "wholeword": 701, "Lower Added": 702}}),
    "bert added_tokens.json beside the flags of tokenizer.json": case("bert-uncased", "BertTokenizer", {}, files={"added_tokens.json": {"NEWTOKEN": 700, "wholeword": 701, "Lower Added": 702}}),
    "bert recorded tokens normalised otherwise": case(
        "bert-uncased", "BertTokenizer", {"added_tokens_decoder": decoder("bert-uncased", **{"Lower Added": {"normalized": False, "rstrip": True}, "[MASK]": {"normalized": True}})},
    ),
    "xlm-roberta recorded mask normalised otherwise": case(
        "xlm-roberta", "XLMRobertaTokenizer", {"added_tokens_decoder": decoder("xlm-roberta", **{"<mask>": {"normalized": False, "lstrip": False}, "NEWTOKEN": {"normalized": True}})},
    ),
    "camembert two roles of a token": case("xlm-roberta", "CamembertTokenizer", {"cls_token": {"__type": "AddedToken"} | token("</s>", rstrip=True), "sep_token": {"__type": "AddedToken"} | token("</s>", lstrip=True), "added_tokens_decoder": {}}),
    "bert recorded tokens that tokenizer.json lacks": case("bert-uncased", "BertTokenizer", {"added_tokens_decoder": decoder("bert-uncased")}, without=["NEWTOKEN", "Lower Added", "wholeword"]),
    "bert cut on the left": case("bert-uncased", "BertTokenizer", {"model_max_length": 9, "truncation_side": "left", "padding_side": "left"}),
    "bert cut by tokenizer.json": case("bert-uncased", "BertTokenizer", {"model_max_length": 9}, truncation={"max_length": 5, "strategy": "LongestFirst", "direction": "Left", "stride": 0}),
    "bert padded by tokenizer.json": case(
        "bert-uncased", "PreTrainedTokenizerFast", {"model_max_length": 9},
        padding={"strategy": "BatchLongest", "direction": "Left", "pad_to_multiple_of": None, "pad_id": 4, "pad_type_id": 0, "pad_token": "[MASK]"},
    ),
    "roberta without a prefix by default": case("roberta-prefix", "RobertaTokenizer", {}),
    "roberta with a prefix": case("roberta", "RobertaTokenizerFast", {"add_prefix_space": True}),
    "roberta special tokens by default": case("roberta", "RobertaTokenizer", {}, without=["<mask>", "<s>", "</s>", "<pad>"]),
    "roberta mask by default": case("roberta", "RobertaTokenizer", {}),
    "roberta recorded mask": case("roberta", "RobertaTokenizer", {"mask_token": "<mask>", "added_tokens_decoder": decoder("roberta", **{"<mask>": {"lstrip": False}})}),
    "bart": case("roberta-prefix", "BartTokenizer", {"model_max_length": 10}, without=["<mask>"]),
    "longformer": case("roberta", "LongformerTokenizer", {"add_prefix_space": True, "trim_offsets": False}),
    "gpt2 with a prefix": case("gpt2", "GPT2Tokenizer", {"add_prefix_space": True}),
    "gpt2 bos asked for": case("gpt2", "GPT2Tokenizer", {"add_bos_token": True}),
    "deberta": case("gpt2", "DebertaTokenizer", {"add_prefix_space": True, **dict.fromkeys(BERT_TOKENS, "<|endoftext|>")}),
    "gpt-neox with eos": case("gpt2", "GPTNeoXTokenizer", {"add_bos_token": True, "add_eos_token": True}),
    "llama bos by default": case("llama", "LlamaTokenizer", {}),
    "llama with eos": case("llama", "LlamaTokenizer", {"add_eos_token": True, "pad_token": "</s>"}),
    "llama without bos": case("llama", "LlamaTokenizerFast", {"add_bos_token": False}),
    "llama as a plain class": case("llama", "PreTrainedTokenizerFast", {"add_eos_token": True, "bos_token": "<s>", "eos_token": "</s>"}),
    "gemma": case("llama", "GemmaTokenizer", {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "</s>", "add_eos_token": True}),
    "t5": case("t5", "T5Tokenizer", {"model_max_length": 8}, without=["</s>"]),
    "xlm-roberta": case("xlm-roberta-small-rules", "XLMRobertaTokenizer", {}, without=["<mask>", "<s>"]),
    "xlm-roberta mask": case("xlm-roberta-small-rules", "XLMRobertaTokenizer", {"mask_token": "<mask>"}),
    "camembert": case("xlm-roberta-small-rules", "CamembertTokenizer", {}, without=["<mask>", "</s>"]),
    "nllb by default": case("nllb", "NllbTokenizer", {}),
    "nllb from German": case("nllb", "NllbTokenizerFast", {"src_lang": "deu_Latn"}),
    "nllb legacy": case("nllb", "NllbTokenizer", {"legacy_behaviour": True, "src_lang": "fra_Latn"}),
    "albert": case("albert", "AlbertTokenizer", {"do_lower_case": False, "keep_accents": True, **dict.fromkeys(BERT_TOKENS, "<s>"), "pad_token": "</s>"}),
    "clip": case("clip", "CLIPTokenizer", {"model_max_length": 7}),
    "whisper": case("gpt2", "WhisperTokenizer", {"add_prefix_space": True}),
    "bert special tokens split": case("bert-uncased", "BertTokenizer", {"split_special_tokens": True}),
    "bert roles make tokens special": case("bert-uncased", "BertTokenizer", {"split_special_tokens": True, "sep_token": "[SEP]"}, flags=dict.fromkeys(["[SEP]", "[CLS]"], {"special": False})),
    "bert roles make recorded tokens special": case(
        "bert-uncased", "BertTokenizer", {"split_special_tokens": True, "added_tokens_decoder": decoder("bert-uncased", **dict.fromkeys(["[SEP]", "[MASK]"], {"special": False}))},
        flags=dict.fromkeys(["[SEP]", "[MASK]"], {"special": False}),
    ),
    "bert extra special tokens": case("bert-uncased", "BertTokenizer", {"extra_special_tokens": {"image_token": "the", "end_token": {"__type": "AddedToken"} | token("and", lstrip=True)}}),
    "bert cut by the limit's old name": case("bert-uncased", "BertTokenizer", {"max_len": 9}),
    "bert cut by the limit's new name": case("bert-uncased", "BertTokenizer", {"max_len": 9, "model_max_length": 7}),
    "bert from vocab.txt without a mask": vocabulary("BertTokenizer", {"mask_token": None, "pad_token": None}),
    "bert from vocab.txt with more special tokens": vocabulary("BertTokenizer", {"additional_special_tokens": ["the"], "extra_special_tokens": {"end_token": "and"}}),
    "electra from vocab.txt, spaces cleaned": vocabulary("ElectraTokenizer", {}),
    "mobilebert from vocab.txt, spaces kept": vocabulary("MobileBertTokenizer", {"clean_up_tokenization_spaces": False, "do_basic_tokenize": False}),
    "pegasus": case("t5", "PegasusTokenizer", {"offset": 0, "mask_token": None, "mask_token_sent": None}),
}


def write(folder: Path, base: str, config, without, files, truncation, padding, flags) -> None:
    if base is None:
        copy(FIXTURES / "unconverted-tokenizers" / "bert-uncased" / "vocab.txt", folder)
        (folder / "tokenizer_config.json").write_text(json.dumps(config))
        return
    tree = json.loads((FIXTURES / "tokenizers" / base / "tokenizer.json").read_text())
    tree["added_tokens"] = [t | flags.get(t["content"], {}) for t in tree["added_tokens"] if t["content"] not in without]
    tree |= {"truncation": truncation or tree["truncation"], "padding": padding or tree["padding"]}
    for name, content in {"tokenizer.json": tree, "tokenizer_config.json": config, **files}.items():
        if content is not None:
            (folder / name).write_text(json.dumps(content))


def answer(name: str, parts: dict) -> dict:
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), **parts)
        tokenizer = AutoTokenizer.from_pretrained(folder)
    assert tokenizer.is_fast, name
    cut = tokenizer.model_max_length < 1e9
    ids, offsets = [], []
    for text in TEXTS:
        encoding = tokenizer(text, truncation=cut, return_offsets_mapping=True)
        ids.append(encoding["input_ids"])
        offsets.append([at for pair in encoding["offset_mapping"] for at in pair])
    decoded = [tokenizer.decode(each) for each in ids] if parts["base"] is None else []
    packed = zlib.compress(json.dumps({"ids": ids, "offsets": offsets, "decoded": decoded}, separators=(",", ":")).encode(), 9)
    pad = tokenizer.pad_token_id
    return {"name": name, **parts, "class": type(tokenizer).__name__, "pad": pad, "side": tokenizer.padding_side, "encoded": base64.b64encode(packed).decode()}


def main() -> None:
    warnings.filterwarnings("ignore")
    logging.set_verbosity_error()
    answers = []
    for name, parts in FOLDERS.items():
        try:
            answers.append(answer(name, parts))
        except Exception as error:
            print(name, type(error).__name__, str(error)[:300])
    path = FIXTURES / "reference" / "tokenizer-settings.json"
    path.write_text(json.dumps({"texts": TEXTS, "folders": answers}, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
