"""Small token classifiers of three kinds of tokenizer, and what `transformers`' pipeline answers with them.

Writes test/fixtures/models/tiny-{bert,roberta,xlm-roberta}-ner as Optimum exports them, and test/fixtures/reference/token-classification.json.
Weights are random and seeded. Offsets are in UTF-16 units, as JavaScript counts.
"""

import base64
import json
import shutil
import tempfile
import warnings
import zlib
from collections import Counter
from io import BytesIO
from pathlib import Path

import numpy as np
import sentencepiece
import torch
from optimum.exporters.onnx import main_export
from optimum.onnxruntime import ORTModelForTokenClassification
from tokenizers import ByteLevelBPETokenizer
from transformers import (
    BertConfig, BertForTokenClassification, BertTokenizerFast,
    RobertaConfig, RobertaForTokenClassification, RobertaTokenizerFast,
    XLMRobertaConfig, XLMRobertaForTokenClassification, XLMRobertaTokenizerFast,
    pipeline,
)
from transformers.pipelines.token_classification import AggregationStrategy

warnings.simplefilter("ignore")
FIXTURES = Path(__file__).parent.parent / "fixtures"
MAX_LENGTH = 32
DEFAULT_STRIDE = (MAX_LENGTH - 2) // 2
SHAPE = {"hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32, "initializer_range": 0.5}

STORY = (
    "My name is Sarah Connor and I live in London with Jean-Baptiste, who works for the United Nations in New York. "
    "Yesterday Microsoft and Société Générale opened an office in São Paulo; Angela Merkel flew from Zürich to Reykjavík. "
)
TEXTS = [
    "",
    " ",
    "\n\t  \r\n",
    ".",
    "London",
    "My name is Sarah Connor and I live in London.",
    "  Two  spaces,   and a\ttab\nand a line  ",
    "Je m'appelle Jean-Baptiste et je vis à Montréal, près de Québec.",
    "Beyonce\u0301 et Zu\u0308rich, e\u0301crits en formes de\u0301compose\u0301es",
    "ÅNGSTRÖM İSTANBUL STRASSE Straße ΣΊΣΥΦΟΣ",
    "ﬁne ﬂuﬀy ½ ligatures №5 ＡＢＣ １２３ ｶﾞ",
    "Sarah 😀 lives in 🗽 New York 👩‍👩‍👧‍👦🇫🇷 with 👍🏽 Bob",
    "😀😀😀",
    "𝒮𝒶𝓇𝒶𝒽 wrote 𠮷野家 in 𝐋𝐨𝐧𝐝𝐨𝐧",
    "安倍晋三は東京で生まれました。",
    "王小明住在北京，在Microsoft工作。",
    "你好丽 \U0002f804好\U0002f800 and 你",  # ideographs beyond the first plane that normalise to some within it
    "문재인 대통령은 서울에 산다.",
    "اسمي محمد وأعيش في القاهِرَة",
    "שמי דוד ואני גר בתל אביב",
    "محمد met David דוד in 東京 with Zoë 😀 — ½ past Ωμέγα",
    "मेरा नाम अमित है और मैं दिल्ली में रहता हूँ",
    "ผมชื่อสมชายอยู่กรุงเทพ",
    "Владимир живёт в Санкт-Петербурге.",
    "a\u0000b\u200bc\ufeffd\u00ade\u00a0f\u2028g\u0085h",
    "[SEP] and [MASK] and <s> and </s><mask> are not special here, nor is ##ing or ▁this or Ġthat",
    "<mask>😀 <unk>𝒮arah</s> 𠮷",  # a space is put before each part, and takes its place from the character after it
    "https://example.com/a_b?c=d&e=%20#f mail@example.org 3,141.59 U.S.A. e.g. it's \"quoted\" (twice)",
    "x" * 150,
    "Supercalifragilisticexpialidocious Donaudampfschifffahrtsgesellschaft",
    STORY + STORY,
    ("محمد 😀 Zoë 東京 London " * 8).strip(),
    "word " * 45,
]

LABELS = {
    "tiny-bert-ner": ["O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC"],
    # Without prefixes, and with dashes that are none.
    "tiny-roberta-ner": ["NOUN", "VERB", "O", "X-SYM-BOL"],
    "tiny-xlm-roberta-ner": ["B-LOC", "I-LOC", "LOC", "I-PER", "O"],
}


def units(text: str, index: int) -> int:
    """Code points to UTF-16 units."""
    return len(text[:index].encode("utf-16-le")) // 2


def to_text(array: np.ndarray) -> str:
    return base64.b64encode(zlib.compress(array.astype("<f4").tobytes(), 9)).decode()


def bert(folder: Path) -> tuple:
    """WordPiece, lower-cased, accents stripped: frequent words whole, every character alone and as the rest of a word, but for a few."""
    words = Counter("".join(c if c.isalnum() else " " for text in TEXTS for c in text.lower()).split())
    characters = sorted({c for text in TEXTS for c in text.lower() if not c.isspace()} - set("😀𠮷京☂"))
    frequent = sorted(word for word, count in words.items() if count > 2 and word.isascii() and len(word) > 1)
    pieces = ["san", "##ah", "##on", "##tion", "##ing", "con", "jean", "##or", "new", "york", "micro", "##soft", "mont", "##real"]
    vocabulary = list(dict.fromkeys(
        ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *frequent, *pieces, *characters, *(f"##{c}" for c in characters)]
    ))
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n", "utf-8")
    tokenizer = BertTokenizerFast(str(folder / "vocab.txt"), do_lower_case=True, model_max_length=MAX_LENGTH)
    config = BertConfig(vocab_size=len(vocabulary), max_position_embeddings=MAX_LENGTH, **SHAPE)
    return tokenizer, config, BertForTokenClassification


def roberta(folder: Path) -> tuple:
    """Byte-level BPE that takes every text to begin with a space."""
    trained = ByteLevelBPETokenizer(add_prefix_space=True)
    trained.train_from_iterator(
        TEXTS[:-3] + [STORY] * 3, vocab_size=420, min_frequency=2, special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"],
        show_progress=False,
    )
    trained.save_model(str(folder))
    tokenizer = RobertaTokenizerFast(
        str(folder / "vocab.json"), str(folder / "merges.txt"), add_prefix_space=True, model_max_length=MAX_LENGTH
    )
    config = RobertaConfig(vocab_size=len(tokenizer), max_position_embeddings=MAX_LENGTH + 2, **SHAPE)
    return tokenizer, config, RobertaForTokenClassification


def xlm_roberta(folder: Path) -> tuple:
    """Unigram of SentencePiece, with a short table of characters to normalise: the whole one of NFKC has 300 KB."""
    rules = {"ﬁ": "fi", "ﬂ": "fl", "ﬀ": "ff", "½": "1⁄2", "№": "No", "ｶﾞ": "ガ", "\u00a0": " ", "\u200b": " ", "\u00ad": "", "\t": " ", "\n": " "}
    rules |= {chr(0xFF00 + i): chr(0x20 + i) for i in range(1, 95)} | {"e\u0301": "é", "u\u0308": "ü"}
    rows = ["\t".join(" ".join(f"{ord(c):X}" for c in side) for side in rule) for rule in rules.items()]
    (folder / "rules.tsv").write_text("\n".join(rows) + "\n")
    model = BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([text.replace("\u0000", "") for text in TEXTS if text.strip()] * 3), model_writer=model,
        vocab_size=320, model_type="unigram", character_coverage=0.99, normalization_rule_tsv=str(folder / "rules.tsv"),
        num_threads=1, minloglevel=2,
    )
    (folder / "sentencepiece.bpe.model").write_bytes(model.getvalue())
    tokenizer = XLMRobertaTokenizerFast(str(folder / "sentencepiece.bpe.model"), model_max_length=MAX_LENGTH)
    config = XLMRobertaConfig(vocab_size=len(tokenizer), max_position_embeddings=MAX_LENGTH + 2, pad_token_id=1, **SHAPE)
    return tokenizer, config, XLMRobertaForTokenClassification


def balance(model: torch.nn.Module, tokenizer, outside: int) -> None:
    """Random weights prefer one label whatever the token: afterwards every label is as likely, and two in five tokens are no entity."""
    with torch.no_grad():
        logits = torch.cat([model(**tokenizer(text, truncation=True, return_tensors="pt")).logits[0] for text in TEXTS])
        model.classifier.bias -= logits.mean(0)
        logits -= logits.mean(0)
        others = torch.cat([logits[:, :outside], logits[:, outside + 1 :]], 1).amax(1)
        model.classifier.bias[outside] += (others - logits[:, outside]).quantile(0.4)


def export(name: str, make) -> Path:
    target = FIXTURES / "models" / name
    shutil.rmtree(target, ignore_errors=True)
    with tempfile.TemporaryDirectory() as temporary:
        tokenizer, config, architecture = make(Path(temporary))
        config.id2label = dict(enumerate(LABELS[name]))
        config.label2id = {label: index for index, label in enumerate(LABELS[name])}
        torch.manual_seed(0)
        model = architecture(config).eval()
        balance(model, tokenizer, LABELS[name].index("O"))
        folder = Path(temporary) / "torch"
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        main_export(str(folder), output=target, task="token-classification", do_validation=False)
    for extra in ("vocab.txt", "vocab.json", "merges.txt", "sentencepiece.bpe.model", "ort_config.json"):
        (target / extra).unlink(missing_ok=True)
    return target


def answer(classify, text: str, strategy: str, stride: int, **options) -> list[list]:
    """The pipeline's own steps: called as a whole it refuses windows for "none", and it does not tell which window a token is of."""
    strategy = AggregationStrategy(strategy)
    step = MAX_LENGTH - 2 - stride
    tokenizer_params = {"return_overflowing_tokens": True, "padding": True, "stride": stride}
    windows = classify.preprocess(text, is_split_into_words=False, tokenizer_params=tokenizer_params)
    outputs = [classify.forward(window) for window in windows]
    if strategy == AggregationStrategy.NONE:
        tokens: dict[int, dict] = {}  # each once, as the window says that is surest of it
        for number, output in enumerate(outputs):
            for token in classify.postprocess([{**output, "sentence": text}], strategy, ignore_labels=[]):
                index = token["index"] + number * step
                if index not in tokens or token["score"] > tokens[index]["score"]:
                    tokens[index] = {**token, "index": index}
        entities = [token for token in tokens.values() if token["entity"] not in options.get("ignore_labels", ["O"])]
    else:
        entities = classify.postprocess(outputs, strategy, **options)
        assert entities == classify(text, aggregation_strategy=strategy.value, stride=stride, **options)
    if len(outputs) == 1:
        assert entities == classify(text, aggregation_strategy=strategy.value, **options)
    return [
        [
            entity.get("entity", entity.get("entity_group")), round(float(entity["score"]), 6), entity["word"],
            units(text, entity["start"]), units(text, entity["end"]), *([entity["index"]] if "index" in entity else []),
        ]
        for entity in entities
    ]


def logits(classify, text: str) -> str:
    """float32 of every token, special ones too, of the text cut at the model's length."""
    inputs = classify.tokenizer(text, return_tensors="np", truncation=True)
    return to_text(classify.model(**inputs).logits)


def reference(name: str, folder: Path) -> dict:
    model = ORTModelForTokenClassification.from_pretrained(folder)
    classify = pipeline("token-classification", model=model, tokenizer=folder.as_posix())
    runs = [(index, strategy, {}) for index in range(len(TEXTS)) for strategy in ("none", "simple", "first", "average", "max")]
    for index in (5, 11, 16, 20, len(TEXTS) - 2):
        runs += [(index, "simple", {"stride": 0}), (index, "average", {"stride": 4}), (index, "max", {"stride": MAX_LENGTH - 3})]
        runs += [(index, "none", {"ignore_labels": []}), (index, "first", {"ignore_labels": []}), (index, "simple", {"ignore_labels": ["O", LABELS[name][1].split("-")[-1]]})]
    return {
        "logits": [logits(classify, text) for text in TEXTS],
        "answers": [
            {
                "text": index, "parameters": {"aggregation_strategy": strategy, **options},
                "entities": answer(classify, TEXTS[index], strategy, **{"stride": DEFAULT_STRIDE, **options}),
            }
            for index, strategy, options in runs
        ],
    }


def main() -> None:
    makers = {"tiny-bert-ner": bert, "tiny-roberta-ner": roberta, "tiny-xlm-roberta-ner": xlm_roberta}
    models = {name: reference(name, export(name, make)) for name, make in makers.items()}
    content = json.dumps({"texts": TEXTS, "models": models}, ensure_ascii=False, separators=(",", ":"))
    (FIXTURES / "reference" / "token-classification.json").write_text(content.replace('{"text":', '\n{"text":') + "\n", "utf-8")


if __name__ == "__main__":
    main()
