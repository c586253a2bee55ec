"""Makes test/fixtures/unconverted-tokenizers: folders as they are before anybody has written a tokenizer.json, one for each kind that `push` converts,
and test/fixtures/reference/unconverted-tokenizers: what transformers' own tokenizers answer for them.

    .venv/bin/python sentencepiece_tokenizers.py

The models are trained on the few sentences below. Two runs give the same bytes.
"""

import contextlib
import io
import json
import random
import re
import shutil
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import sentencepiece
from tokenizers import ByteLevelBPETokenizer
from transformers import (
    AutoTokenizer,
    BertTokenizer,
    BertTokenizerFast,
    GPT2Tokenizer,
    GPT2TokenizerFast,
    M2M100Tokenizer,
    MarianTokenizer,
    MPNetTokenizer,
    MPNetTokenizerFast,
    NllbTokenizer,
    NllbTokenizerFast,
    RobertaTokenizer,
    RobertaTokenizerFast,
    T5Tokenizer,
    T5TokenizerFast,
    WhisperTokenizer,
    WhisperTokenizerFast,
    XLMRobertaTokenizer,
    XLMRobertaTokenizerFast,
)
from transformers.models.m2m_100.tokenization_m2m_100 import FAIRSEQ_LANGUAGE_CODES

FIXTURES = Path(__file__).parent.parent / "fixtures"
FOLDERS = FIXTURES / "unconverted-tokenizers"
REFERENCE = FIXTURES / "reference" / "unconverted-tokenizers"

SOURCE = """
The engineer who trained the model wants an answer from it within a second.
A model is loaded once, and everything that it answers afterwards is fast.
Nobody reads the manual before the machine stops working, and nobody forgets it afterwards.
Seven engines pull the long train over the mountains, and one pushes from behind.
She sells tickets, he sells tea, and the train leaves without either of them.
What is the difference between a signature and a promise that was never written down?
The bill came to 1,234.50 dollars (taxes included), payable by 31 December 2026.
It's raining again; they've closed the bridge, and I don't know when it'll open.
Please send the letters to info@example.org or see https://example.org/help?page=2#top for more.
In the beginning the harbour was empty, then came the ships, the sailors and the songs.
Who wrote "the weather is an opinion" on the wall of the old observatory?
Nothing that is measured once is known; nothing that is measured twice is simple.
The children counted: one, two, three, four, five, six, seven, eight, nine, ten.
Translation is the art of losing as little as possible on the way across the river.
Every morning the baker puts forty loaves into the oven and takes thirty-nine out.
""".strip().splitlines()

TARGET = """
Der Ingenieur, der das Modell trainiert hat, möchte innerhalb einer Sekunde eine Antwort.
Ein Modell wird einmal geladen, und alles, was es danach antwortet, geht schnell.
Niemand liest das Handbuch, bevor die Maschine stehen bleibt, und niemand vergisst es danach.
Sieben Lokomotiven ziehen den langen Zug über die Berge, und eine schiebt von hinten.
Sie verkauft Fahrkarten, er verkauft Tee, und der Zug fährt ohne die beiden ab.
Was ist der Unterschied zwischen einer Unterschrift und einem Versprechen?
Die Rechnung beträgt 1.234,50 Euro (einschließlich Steuern), zahlbar bis 31. Dezember 2026.
Es regnet schon wieder; die Brücke ist gesperrt, und ich weiß nicht, wann sie öffnet.
Am Anfang war der Hafen leer, dann kamen die Schiffe, die Matrosen und die Lieder.
Die Kinder zählten: eins, zwei, drei, vier, fünf, sechs, sieben, acht, neun, zehn.
L'ingénieur attend une réponse, et le modèle répond avant qu'il n'ait fini son café.
Où est la différence entre une signature et une promesse jamais écrite ? « Nulle part. »
""".strip().splitlines()

WORLD = """
Модель загружается один раз, и всё остальное происходит быстро.
Инженер ждёт ответа, а поезд уходит без него.
Το μοντέλο φορτώνεται μία φορά και μετά απαντά γρήγορα.
يُحمَّل النموذج مرة واحدة ثم يجيب بسرعة.
المهندس ينتظر الجواب والقطار يغادر بدونه.
המודל נטען פעם אחת, וכל השאר מהיר.
模型只加载一次，之后的回答都很快。
工程师在等待回答，火车已经开走了。
モデルは一度だけ読み込まれ、その後の応答は速いです。
엔지니어는 대답을 기다리고 기차는 떠난다.
मॉडल एक बार लोड होता है, फिर उत्तर तेज़ होते हैं।
El modelo se carga una sola vez; ¿y después? ¡Responde rápido!
O engenheiro espera a resposta, não a explicação.
Model ładuje się tylko raz, a potem odpowiada szybko.
Mô hình được tải một lần, sau đó trả lời rất nhanh.
""".strip().splitlines()

TEXTS = [
    *SOURCE,
    *TARGET,
    *WORLD,
    # whitespace
    "",
    " ",
    "   ",
    "\t",
    "\n\n",
    " leading",
    "  two leading",
    "trailing ",
    "trailing two  ",
    "two  between",
    "many     between",
    "a\ttab\tand\nnew\r\nlines",
    "no\u00a0break \u00a0 space",
    "thin\u2009hair\u200aideographic\u3000spaces",
    "zero\u200bwidth\u200cnon\u200djoiner\ufeff",
    "soft\u00adhyphen",
    "line\u2028separator\u2029paragraph\u0085next",
    "\u00a0",
    # punctuation and numbers
    "!",
    "?!...",
    "...and so on…",
    "\"double\" 'single' “curly” ‘quotes’ «guillemets» „low“",
    "dash - en – em — minus −",
    "3.14159 1,000,000 0x1F ½ ² ³ № ™ ©",
    "50% of $100 & €20 @ £5 #1 *2 ^3 ~4 `5` |6| \\7/",
    "a_b-c.d:e;f/g",
    "don't can't it's we've I'm you'll he'd they're",
    "e-mail: a.b+c@example.co.uk",
    "<html><body class=\"x\">&amp;&lt;</body></html>",
    "{\"json\": [1, 2.5, null, true]}",
    "C++ C# F# .NET",
    # case and accents
    "ALL UPPER CASE",
    "MiXeD cAsE",
    "İstanbul ıssız ŞİİR straße STRASSE ẞ",
    "café naïve résumé Ångström",
    "cafe\u0301 nai\u0308ve re\u0301sume\u0301 A\u030angstro\u0308m",
    "Z\u0351\u036b\u0343\u036a\u0302\u036b\u033d\u034f\u0334\u0319\u0324\u031e\u0349\u035aA\u032d\u0348L",
    "ﬁne ﬂow ﬃ ĳ Ǆ ŉ",
    "ｆｕｌｌｗｉｄｔｈ　ＡＢＣ１２３～！",
    "ﾊﾝｶｸ ｶﾞ ﾊﾟ",
    "①②③ ㈱ ㍻ ㎏",
    "𝐁𝐨𝐥𝐝 𝒮𝒸𝓇𝒾𝓅𝓉 𝟘𝟙𝟚",
    "Ω Å K ſ ẛ\u0323",
    "ά Ά ὰ ᾳ ς",
    # scripts
    "Привет, мир!",
    "ёлка Ёлка е\u0308лка",
    "שלום עולם",
    "שָׁלוֹם עֲלֵיכֶם",
    "مرحبا بالعالم",
    "السَّلَامُ عَلَيْكُمْ ـــ ﷺ",
    "你好，世界！",
    "漢字かな交じり文です。",
    "안녕하세요 세계",
    "\u1112\u1161\u11ab\u1100\u1173\u11af",
    "नमस्ते दुनिया",
    "สวัสดีชาวโลก",
    "ሰላም ልዑል",
    "བོད་སྐད་",
    "ᚠᛇᚻ ᛒᛦᚦ",
    "abc абв אבג ابج 甲乙丙 αβγ",
    "English then русский then 中文 then العربية then עברית",
    "\u202eright to left override\u202c and \u200fmark\u200e",
    # emoji
    "😀",
    "I ❤️ you 😀😃 ok",
    "👨‍👩‍👧‍👦 family",
    "🇫🇷🇩🇪 flags",
    "👍🏽 skin ☺︎ text ☺️",
    "😀a😀b😀",
    # control characters and the like
    "a\u0001b\u0007c\u007fd\u0080e\u009f",
    "replacement \ufffd character",
    "private \ue000 use",
    "noncharacter \uffff",
    "astral \U0001f9ff \U00020000 \U000e0041",
    # what tokenizers use themselves
    "▁literal lower ▁block",
    "▁",
    "▁▁ two",
    "hello </s> world",
    "</s>",
    "<s> begin",
    "<unk>",
    "an <unk> in between <pad>",
    "<pad><pad>",
    "< /s> </ s>",
    "[CLS] hello [SEP] [MASK] [UNK] [PAD]",
    "a <mask> b<mask>c",
    "<extra_id_0> and <extra_id_99> and <extra_id_1>.",
    "<|endoftext|>",
    "hello<|startoftranscript|><|en|>",
    "##ing un##able",
    "Ġhello Ċ",
    "<0x41><0xE5>",
    # language codes
    ">>fra<< the model",
    ">>fra<<the model",
    ">>fra<<",
    " >>fra<< the model",
    ">>deu<< >>fra<< the model",
    ">>xyz<< the model",
    ">>unfinished the model",
    "the model >>fra<< afterwards",
    "__en__ the model",
    "the model __fr__ afterwards",
    "__xx__ the model",
    "eng_Latn the model",
    "the model fra_Latn",
    # the same again and again
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "the the the the the the the",
    "ababababababababababababab",
    "ëëëëëëëëëë",
    "漢漢漢漢漢",
    "nnnnmmmmnnnn",
    # equally good cuts, between which sums of 32 bits decide
    "aae\u2581a e\u2581 tnbeb\u2581e\u2581 mtttea\u2581 amebem\u2581tmab\u2581ataenanb\u2581m\u2581am",
    "neam\u2581eeem \u2581 mban\u2581ettte\u2581ntabammmna b\u2581 mebttae",
    "e\u2581me\u2581nettt eetbm",
    "x" * 300,
    " ".join(SOURCE),
    " ".join(WORLD) * 2,
]

# Letters without sense, where several ways to cut are equally good.
DRAWN = random.Random(11)
TEXTS += ["".join(DRAWN.choices("abemnt \u2581", k=DRAWN.randrange(20, 60))) for _ in range(60)]
TEXTS += ["".join(DRAWN.choices("".join(TEXTS[:42]), k=DRAWN.randrange(5, 40))) for _ in range(40)]

# Some of nmt_nfkc, so that a model needs no 240 kB for them; m2m100 has all of it.
RULES = {
    **{code: "20" for code in ["9", "A", "D", "A0", "2009", "200A", "200B", "2028", "2029", "3000", "FEFF", "FFFD", "2581"]},
    **{code: "" for code in ["1", "7", "7F", "AD"]},
    **{f"{0xFF01 + i:X}": f"{0x21 + i:X}" for i in range(93)},
    "FB01": "66 69",
    "FB02": "66 6C",
    "FB03": "66 66 69",
    "132": "49 4A",
    "2026": "2E 2E 2E",
    "2122": "54 4D",
    "2160": "49",
    "BD": "31 2044 32",
    "B2": "32",
    "65 301": "E9",
    "65 308": "EB",
    "69 308": "EF",
    "41 30A": "C5",
    "6F 308": "F6",
    "FF76 FF9E": "30AC",
    "FDFA": "635 644 649 20 627 644 644 647",
}


def train(path, sentences, vocab_size, **options):
    """Without files but for the rules, whose name is written into the model, and has to be the same everywhere."""
    with TemporaryDirectory() as directory, contextlib.chdir(directory):
        if "normalization_rule_name" not in options:
            lines = [f"{source}\t{target}\n" for source, target in RULES.items()]
            Path("rules.tsv").write_text("".join(lines), encoding="utf-8")
            options["normalization_rule_tsv"] = "rules.tsv"
        model = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(sentences * 3),
            model_writer=model,
            vocab_size=vocab_size,
            hard_vocab_limit=False,
            num_threads=1,
            minloglevel=2,
            **options,
        )
    path.write_bytes(model.getvalue())


def pieces(path):
    model = sentencepiece.SentencePieceProcessor(model_file=str(path))
    return [model.id_to_piece(index) for index in range(len(model))]


def write_json(path, value):
    path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")


def folder(name):
    path = FOLDERS / name
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path


def save(tokenizer, path, config):
    """As Optimum does, which calls save_pretrained; a fast tokenizer's own file is left out, for it is what push has to build."""
    tokenizer.save_pretrained(path)
    (path / "tokenizer.json").unlink(missing_ok=True)
    write_json(path / "config.json", config)


def record(name, tokenizer, bare=None):
    """Ids of every text, and the text of ids; of a fast tokenizer its own tokenizer.json too."""
    reference = {"texts": TEXTS, "ids": [tokenizer(text)["input_ids"] for text in TEXTS]}
    generator = random.Random(5)
    count = len(tokenizer)
    drawn = [[generator.randrange(count) for _ in range(12)] for _ in range(60)]
    drawn += [list(range(start, min(start + 40, count))) for start in range(0, count, 40)]
    reference["decoded"] = [
        {
            "ids": ids,
            "text": tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False),
            "whole": tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False),
        }
        for ids in [*reference["ids"], *drawn]
    ]
    if tokenizer.is_fast:
        made = json.loads(tokenizer.backend_tokenizer.to_str())
        for part in (made["normalizer"] or {}).get("normalizers", []):
            part.pop("precompiled_charsmap", None)  # it is in the .model already
        reference |= {"tokenizer": made, "bareTokens": bare}
    write_json(REFERENCE / f"{name}.json", reference)


def marian():
    path = folder("marian")
    train(path / "source.spm", SOURCE, 300)
    train(path / "target.spm", TARGET + WORLD[:2], 360, character_coverage=0.99)
    source, target = pieces(path / "source.spm")[3:], pieces(path / "target.spm")[3:]
    # As Marian makes it: by frequency over both sides, without pieces that its data never had; language codes where there are several targets.
    joint = sorted(set(source[:-9] + target[:-12]), key=lambda piece: (len(piece), piece))
    vocabulary = {token: index for index, token in enumerate(["</s>", "<unk>", ">>deu<<", ">>fra<<", *joint, "<pad>"])}
    write_json(path / "vocab.json", vocabulary)
    tokenizer = MarianTokenizer(
        str(path / "source.spm"), str(path / "target.spm"), str(path / "vocab.json"), source_lang="eng", target_lang="deu+fra"
    )
    save(tokenizer, path, {"model_type": "marian"})
    record("marian", tokenizer)


def marian_separate_vocabularies():
    path = folder("marian-separate-vocabs")
    train(path / "source.spm", SOURCE, 260, normalization_rule_name="identity", user_defined_symbols=["<html>", "the", "\u2581mod"])
    train(path / "target.spm", TARGET, 300, normalization_rule_name="identity", model_type="bpe")
    for file, spm in [("vocab.json", "source.spm"), ("target_vocab.json", "target.spm")]:
        write_json(path / file, {token: index for index, token in enumerate(["</s>", "<unk>", *pieces(path / spm)[3:], "<pad>"])})
    tokenizer = MarianTokenizer(
        str(path / "source.spm"),
        str(path / "target.spm"),
        str(path / "vocab.json"),
        target_vocab_file=str(path / "target_vocab.json"),
        separate_vocabs=True,
    )
    save(tokenizer, path, {"model_type": "marian"})
    record("marian-separate-vocabs", tokenizer)


def m2m100(name, language_codes, **options):
    path = folder(name)
    train(path / "sentencepiece.bpe.model", SOURCE + TARGET + WORLD, 700, **options)
    shuffled = pieces(path / "sentencepiece.bpe.model")[3:-20]
    random.Random(1).shuffle(shuffled)
    tokens = ["<s>", "<pad>", "</s>", "<unk>", *shuffled]
    write_json(path / "vocab.json", {token: index for index, token in enumerate(tokens)})
    special = [f"__{code}__" for code in language_codes]
    tokenizer = M2M100Tokenizer(
        str(path / "vocab.json"), str(path / "sentencepiece.bpe.model"), src_lang="fr", additional_special_tokens=special
    )
    save(tokenizer, path, {"model_type": "m2m_100"})
    record(name, tokenizer)


def bare_tokens(path):
    """What is added to a tokenizer whose folder says no more than old ones do."""
    with TemporaryDirectory() as directory:
        bare = Path(directory)
        for file in path.iterdir():
            if file.name not in ("tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"):
                shutil.copy(file, bare)
        settings = json.loads((path / "tokenizer_config.json").read_text())
        write_json(bare / "tokenizer_config.json", {"do_lower_case": settings.get("do_lower_case", True)})
        return json.loads(AutoTokenizer.from_pretrained(bare).backend_tokenizer.to_str())["added_tokens"]


def fast(name, slow_class, fast_class, path, config, **options):
    """The class in Python writes the folder; its fast counterpart, which AutoTokenizer prefers, is the reference."""
    save(slow_class.from_pretrained(path, **options), path, config)
    slow, reference = slow_class.from_pretrained(path), fast_class.from_pretrained(path)
    differ = [text for text in TEXTS if slow(text)["input_ids"] != reference(text)["input_ids"]]
    print(f"{name}: the two differ on {differ}")
    record(name, reference, None if name == "nllb" else bare_tokens(path))


def t5():
    path = folder("t5")
    train(path / "spiece.model", SOURCE + TARGET, 400, pad_id=0, eos_id=1, unk_id=2, bos_id=-1)
    fast("t5", T5Tokenizer, T5TokenizerFast, path, {"model_type": "t5"})


def xlm_roberta():
    path = folder("xlm-roberta")
    train(path / "sentencepiece.bpe.model", SOURCE + TARGET + WORLD, 600)
    fast("xlm-roberta", XLMRobertaTokenizer, XLMRobertaTokenizerFast, path, {"model_type": "xlm-roberta"})


def nllb():
    path = folder("nllb")
    train(path / "sentencepiece.bpe.model", SOURCE + TARGET + WORLD, 600, model_type="bpe")
    fast("nllb", NllbTokenizer, NllbTokenizerFast, path, {"model_type": "m2m_100"}, src_lang="fra_Latn")


def bert(name, slow_class, fast_class, config, special=(), **options):
    """Every character, and the words and endings that come most often: the trainer's choice would differ from run to run."""
    path = folder(name)
    text = " ".join(SOURCE + TARGET + WORLD)
    words = Counter(re.findall(r"\w+", text if options.get("do_lower_case") is False else text.lower()))
    endings = Counter(word[-length:] for word in words for length in (2, 3) if len(word) > length + 1)
    characters = sorted(set("".join(words)) | set("!\"#$%&'(),-./:;<=>?@[]_{|}«»„“”…"))
    vocabulary = [
        *["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"],
        *characters,
        *[f"##{character}" for character in characters],
        *[word for word, _ in words.most_common(120) if len(word) > 1],
        *[f"##{ending}" for ending, _ in endings.most_common(60)],
    ]
    (path / "vocab.txt").write_text("".join(f"{token}\n" for token in [*special, *vocabulary]), encoding="utf-8")
    fast(name, slow_class, fast_class, path, config, **options)


def byte_level(name, slow_class, fast_class, config, special, **options):
    path = folder(name)
    trainer = ByteLevelBPETokenizer()
    trainer.train_from_iterator(SOURCE + TARGET + WORLD[:6], vocab_size=700, special_tokens=special, show_progress=False)
    trainer.save_model(str(path))
    fast(name, slow_class, fast_class, path, config, **options)


if __name__ == "__main__":
    shutil.rmtree(REFERENCE, ignore_errors=True)
    REFERENCE.mkdir(parents=True)
    marian()
    marian_separate_vocabularies()
    m2m100("m2m100", FAIRSEQ_LANGUAGE_CODES["m2m100"], normalization_rule_name="nmt_nfkc")
    m2m100("m2m100-bpe", [], model_type="bpe", remove_extra_whitespaces=False, user_defined_symbols=["<html>", "mm", "\ufb01"])
    t5()
    xlm_roberta()
    nllb()
    bert("bert-uncased", BertTokenizer, BertTokenizerFast, {"model_type": "bert"})
    bert("bert-cased", BertTokenizer, BertTokenizerFast, {"model_type": "bert"}, do_lower_case=False)
    mpnet = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    bert("mpnet", MPNetTokenizer, MPNetTokenizerFast, {"model_type": "mpnet"}, special=mpnet)
    roberta = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    byte_level("roberta", RobertaTokenizer, RobertaTokenizerFast, {"model_type": "roberta"}, roberta)
    byte_level("gpt2", GPT2Tokenizer, GPT2TokenizerFast, {"model_type": "gpt2"}, ["<|endoftext|>"])
    whisper = ["<|endoftext|>", "<|startoftranscript|>", "<|en|>", "<|fr|>", "<|translate|>", "<|transcribe|>", "<|notimestamps|>"]
    byte_level("whisper", WhisperTokenizer, WhisperTokenizerFast, {"model_type": "whisper"}, whisper)
