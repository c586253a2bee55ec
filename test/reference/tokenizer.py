"""Tiny tokenizers of every kind, and what `tokenizers` and `transformers` make of hard texts with them.

Writes test/fixtures/tokenizers/<kind>/tokenizer.json, tokenizer_config.json
       test/fixtures/reference/tokenizers.json: per kind zlib+base64 of {texts, pairs}; offsets in code points
"""

import base64
import json
import shutil
import tempfile
import zlib
from importlib.metadata import version
from pathlib import Path

import sentencepiece
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (
    AutoTokenizer, BertTokenizerFast, GPT2TokenizerFast, NllbTokenizerFast, PreTrainedTokenizerFast, RobertaTokenizerFast, T5TokenizerFast,
    XLMRobertaTokenizerFast,
)  # fmt: skip

from text_samples import CORPUS, HARD, PAIRS

ROOT = Path(__file__).parents[2]
TOKENIZERS = ROOT / "test" / "fixtures" / "tokenizers"
REFERENCE = ROOT / "test" / "fixtures" / "reference" / "tokenizers.json"
VERSIONS = {name: version(name) for name in ("tokenizers", "transformers", "sentencepiece")}
LINES = CORPUS.splitlines()

# Not special: one in any place, one as a word of its own, one that is matched in normalised form.
ADDED = [AddedToken("NEWTOKEN", normalized=False), AddedToken("wholeword", single_word=True), AddedToken("Lower Added")]


def train(tokenizer: Tokenizer, trainer) -> Tokenizer:
    tokenizer.train_from_iterator(LINES, trainer)
    return tokenizer


def bert(lower_case: bool, **options) -> PreTrainedTokenizerFast:
    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lower_case)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    train(tokenizer, trainers.WordPieceTrainer(vocab_size=700, special_tokens=specials, show_progress=False, limit_alphabet=250))
    vocabulary = tokenizer.get_vocab()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "vocab.txt").write_text("".join(f"{t}\n" for t in sorted(vocabulary, key=vocabulary.get)))
        return BertTokenizerFast(vocab_file=f"{folder}/vocab.txt", do_lower_case=lower_case, **options)


def byte_level(cls, vocabulary_size: int = 600, **options) -> PreTrainedTokenizerFast:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    specials = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"] if cls is RobertaTokenizerFast else ["<|endoftext|>"]
    train(tokenizer, trainers.BpeTrainer(
        vocab_size=vocabulary_size, special_tokens=specials, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    with tempfile.TemporaryDirectory() as folder:
        vocab, merges = tokenizer.model.save(folder)
        return cls(vocab_file=vocab, merges_file=merges, **options)


def sentence_piece(cls, kind: str, vocabulary_size: int, rule: str = "nmt_nfkc", train_options=None, **options) -> PreTrainedTokenizerFast:
    with tempfile.TemporaryDirectory() as folder:
        rules = {"normalization_rule_name": rule}
        if rule == "small":
            Path(folder, "rules.tsv").write_text(SMALL_RULES)
            rules = {"normalization_rule_tsv": f"{folder}/rules.tsv"}
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(LINES), model_prefix=f"{folder}/model", model_type=kind, vocab_size=vocabulary_size, num_threads=1,
            hard_vocab_limit=False, minloglevel=2, **rules, **(train_options or {}))
        return cls(vocab_file=f"{folder}/model.model", **options)


# Fewer rules than nmt_nfkc, whose map alone is 300 KB: compatibility forms, an ideographic space, removed controls, a zero-width space.
SMALL_RULES = "".join(
    "\t".join(" ".join(f"{ord(c):X}" for c in side) for side in rule) + "\n"
    for rule in [("ﬁ", "fi"), ("ﬂ", "fl"), ("\u3000", " "), ("\u00a0", " "), ("\t", " "), ("\n", " "), ("\r", " "), ("½", "1⁄2"), ("ｆ", "f"), ("１", "1"),
                 ("e\u0301", "é"), ("o\u0308", "ö"), ("か\u3099", "が"), ("…", "..."), ("\u200b", " "), ("\ufeff", ""), ("\u0001", ""), ("㎏", "kg"), ("™", "TM")]
)  # fmt: skip


def custom(model, normalizer=None, pre_tokenizer=None, post_processor=None, decoder=None, trainer=None, **options) -> PreTrainedTokenizerFast:
    tokenizer = Tokenizer(model)
    if normalizer:
        tokenizer.normalizer = normalizer
    if pre_tokenizer:
        tokenizer.pre_tokenizer = pre_tokenizer
    train(tokenizer, trainer)
    if post_processor:
        tokenizer.post_processor = post_processor
    if decoder:
        tokenizer.decoder = decoder
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **options)


def llama() -> PreTrainedTokenizerFast:
    specials = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)]
    tokenizer = custom(
        models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True),
        normalizer=normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]),
        post_processor=processors.TemplateProcessing(single="<s> $A", pair="<s> $A <s>:1 $B:1", special_tokens=[("<s>", 1)]),
        decoder=decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]),
        trainer=trainers.BpeTrainer(vocab_size=700, special_tokens=specials, limit_alphabet=90, show_progress=False, max_token_length=8),
        bos_token="<s>", eos_token="</s>", unk_token="<unk>", pad_token="</s>", padding_side="left", truncation_side="left")
    tree = json.loads(tokenizer.backend_tokenizer.to_str())
    tree["added_tokens"] = [token for token in tree["added_tokens"] if not token["content"].startswith("<0x")]
    return PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(json.dumps(tree)), bos_token="<s>", eos_token="</s>", unk_token="<unk>", pad_token="</s>",
        padding_side="left", truncation_side="left", clean_up_tokenization_spaces=True)


GPT4_WORDS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"


def kinds() -> dict[str, PreTrainedTokenizerFast]:
    byte_trainer = dict(initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    return {
        "bert-uncased": bert(True, model_max_length=64),
        "bert-cased": bert(False, model_max_length=64),
        "bert-accents": bert(True, strip_accents=False, tokenize_chinese_chars=False),
        "roberta": byte_level(RobertaTokenizerFast, model_max_length=64),
        "roberta-prefix": byte_level(RobertaTokenizerFast, add_prefix_space=True, trim_offsets=False),
        "gpt2": byte_level(GPT2TokenizerFast),
        "llama3": custom(
            models.BPE(ignore_merges=True),
            pre_tokenizer=pre_tokenizers.Sequence([
                pre_tokenizers.Split(Regex(GPT4_WORDS), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]),
            post_processor=processors.Sequence([
                processors.ByteLevel(trim_offsets=False),
                processors.TemplateProcessing(single="<|begin|> $A", pair="<|begin|> $A <|begin|>:1 $B:1", special_tokens=[("<|begin|>", 0)])]),
            decoder=decoders.ByteLevel(), trainer=trainers.BpeTrainer(vocab_size=600, special_tokens=["<|begin|>"], **byte_trainer)),
        "clip": custom(
            models.BPE(unk_token="<|endoftext|>", end_of_word_suffix="</w>"),
            normalizer=normalizers.Sequence([normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]),
            pre_tokenizer=pre_tokenizers.Sequence([
                pre_tokenizers.Split(Regex(r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"), "removed", invert=True),
                pre_tokenizers.ByteLevel(add_prefix_space=False)]),
            post_processor=processors.RobertaProcessing(("<|endoftext|>", 1), ("<|startoftext|>", 0), trim_offsets=False, add_prefix_space=False),
            decoder=decoders.BPEDecoder(suffix="</w>"),
            trainer=trainers.BpeTrainer(vocab_size=700, end_of_word_suffix="</w>", special_tokens=["<|startoftext|>", "<|endoftext|>"], **byte_trainer)),
        "xlm-roberta": sentence_piece(XLMRobertaTokenizerFast, "unigram", 600, model_max_length=64),
        "xlm-roberta-small-rules": sentence_piece(XLMRobertaTokenizerFast, "unigram", 600, rule="small"),
        "t5": sentence_piece(T5TokenizerFast, "unigram", 500, rule="small", extra_ids=5),
        "nllb": sentence_piece(NllbTokenizerFast, "bpe", 700, rule="small", src_lang="eng_Latn", tgt_lang="deu_Latn"),
        "unigram-bytes": custom(
            models.Unigram(), normalizer=normalizers.NFKC(), pre_tokenizer=pre_tokenizers.Metaspace(prepend_scheme="first"),
            decoder=decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]),
            trainer=trainers.UnigramTrainer(vocab_size=500, unk_token="<unk>", special_tokens=["<unk>"] + [f"<0x{byte:02X}>" for byte in range(256)], show_progress=False)),
        "llama": llama(),
        "albert": custom(
            models.Unigram(),
            normalizer=normalizers.Sequence([normalizers.Replace("``", '"'), normalizers.NFKD(), normalizers.StripAccents(), normalizers.Lowercase(), normalizers.Nmt(), normalizers.Strip()]),
            pre_tokenizer=pre_tokenizers.Metaspace(), post_processor=processors.BertProcessing(("</s>", 1), ("<s>", 0)), decoder=decoders.Metaspace(),
            trainer=trainers.UnigramTrainer(vocab_size=500, unk_token="<unk>", special_tokens=["<s>", "</s>", "<unk>"], show_progress=False)),
        "digits": custom(
            models.BPE(unk_token="[UNK]", continuing_subword_prefix="##"),
            normalizer=normalizers.NFD(),
            pre_tokenizer=pre_tokenizers.Sequence([pre_tokenizers.Whitespace(), pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.Punctuation("contiguous")]),
            decoder=decoders.WordPiece(),
            trainer=trainers.BpeTrainer(vocab_size=500, continuing_subword_prefix="##", special_tokens=["[UNK]"], limit_alphabet=150, show_progress=False)),
        "digits-merged": custom(
            models.WordPiece(unk_token="[UNK]"), normalizer=normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()]),
            pre_tokenizer=pre_tokenizers.Sequence([
                pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Digits(), pre_tokenizers.Split("-", "merged_with_previous"), pre_tokenizers.Split("'", "merged_with_next"),
                pre_tokenizers.Punctuation("removed")]),
            decoder=decoders.WordPiece(cleanup=False), trainer=trainers.WordPieceTrainer(vocab_size=500, special_tokens=["[UNK]"], limit_alphabet=200, show_progress=False)),
    }  # fmt: skip


def record(tokenizer, *texts: str, **options) -> dict:
    encoding = tokenizer(*texts, return_offsets_mapping=True, return_special_tokens_mask=True, return_token_type_ids=True, **options)
    return {
        "ids": encoding["input_ids"],
        "types": encoding["token_type_ids"],
        "offsets": encoding["offset_mapping"],
        "special": encoding["special_tokens_mask"],
        "words": encoding.word_ids(),
        "sequences": encoding.sequence_ids(),
    }


def expectations(tokenizer) -> dict:
    texts = []
    for text in HARD:
        entry = record(tokenizer, text)
        entry["decoded"] = tokenizer.decode(entry["ids"])
        entry["decodedWithoutSpecials"] = tokenizer.decode(entry["ids"], skip_special_tokens=True)
        entry["cleaned"] = tokenizer.decode(entry["ids"], skip_special_tokens=True, clean_up_tokenization_spaces=True)
        texts.append(entry)
    pairs = [[record(tokenizer, *pair), record(tokenizer, *pair, truncation=True, max_length=16), record(tokenizer, *pair, add_special_tokens=False)] for pair in PAIRS]
    cut = [record(tokenizer, text, truncation=True, max_length=9) for text in HARD]
    return {"texts": texts, "pairs": pairs, "cut": cut, "size": len(tokenizer)}


def main() -> None:
    shutil.rmtree(TOKENIZERS, ignore_errors=True)
    reference = {}
    for name, tokenizer in kinds().items():
        tokenizer.add_tokens(ADDED)
        with tempfile.TemporaryDirectory() as folder:
            tokenizer.save_pretrained(folder)
            tokenizer = AutoTokenizer.from_pretrained(folder)
            (TOKENIZERS / name).mkdir(parents=True)
            for file in ("tokenizer.json", "tokenizer_config.json"):
                tree = json.loads(Path(folder, file).read_text())
                Path(TOKENIZERS, name, file).write_text(json.dumps(tree, ensure_ascii=False, separators=(",", ":")))
        reference[name] = base64.b64encode(zlib.compress(json.dumps(expectations(tokenizer), separators=(",", ":")).encode(), 9)).decode()
    REFERENCE.write_text(json.dumps({"versions": VERSIONS, "texts": HARD, "pairs": PAIRS, "kinds": reference}, indent=1) + "\n")


if __name__ == "__main__":
    main()
