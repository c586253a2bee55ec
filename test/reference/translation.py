"""Translation models of random weights, and what optimum-onnx answers with them.

Writes test/fixtures/models/tiny-{marian,t5,m2m100,nllb}: folders as Optimum exports them, with tokenizers trained here on the
sentences below. And test/fixtures/reference/translation.json: for each model and text, the tokens that the reference generates greedily
and with beams, and what it makes of them:

  input_ids     of the reference's own tokenizer, cut at model_max_length
  ids           what was generated, without the start token, the end and the padding
  text          as the pipeline decodes it
  score, margin of beam search: the best hypothesis' score, and how far the second lies behind

Under "options" are the fields of generation_config.json, one by one and together, on the texts of one model.
"""

import json
import os
import shutil
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

os.environ["HF_HUB_OFFLINE"] = "1"

import sentencepiece
from sentencepiece import sentencepiece_model_pb2
import torch
from optimum.exporters.onnx import main_export
from optimum.onnxruntime import ORTModelForSeq2SeqLM
from transformers import (
    GenerationConfig,
    M2M100Config,
    M2M100ForConditionalGeneration,
    M2M100Tokenizer,
    MarianConfig,
    MarianMTModel,
    MarianTokenizer,
    NllbTokenizerFast,
    T5Config,
    T5ForConditionalGeneration,
    T5TokenizerFast,
    set_seed,
)

ROOT = Path(__file__).parents[2]
MODELS = ROOT / "test" / "fixtures" / "models"
REFERENCE = ROOT / "test" / "fixtures" / "reference" / "translation.json"
VERSIONS = {name: version(name) for name in ("optimum-onnx", "transformers", "sentencepiece", "onnxruntime", "torch")}
PRUNED = ("decoder_model.onnx", "decoder_with_past_model.onnx")  # the merged one does the work of both

ENGLISH = """The weather is fine today, and we are going to the market.
She reads a book every evening before she goes to sleep.
How much does this cost? It is too expensive for me.
I would like a cup of coffee with milk and two pieces of sugar.
The train to the city leaves at nine o'clock from platform four.
Our children play in the garden behind the house.
He has never seen the sea, but he knows many stories about ships.
Please close the window; it is getting cold in here.
The meeting was moved from Monday to Thursday afternoon.
They bought 3 apples, 12 eggs and 0.5 kg of flour for $7.45.
Machine translation turns sentences of one language into another.
We did not understand what the doctor wanted to tell us.
Where is the nearest station? Turn left at the church.
The old man opened the door slowly and looked outside.
My brother works in a hospital and comes home late.
All happy families are alike; every unhappy family is unhappy in its own way.
Thank you very much for your letter of the 21st of March.
The river rises in spring when the snow melts in the mountains.
Can you help me carry this heavy box up the stairs?
It was the best of times, it was the worst of times.""".splitlines()

OTHERS = """Le temps est beau aujourd'hui, et nous allons au marché.
Elle lit un livre chaque soir avant de s'endormir.
Combien ça coûte ? C'est trop cher pour moi.
Je voudrais une tasse de café avec du lait et deux morceaux de sucre.
Das Wetter ist heute schön, und wir gehen auf den Markt.
Sie liest jeden Abend ein Buch, bevor sie schlafen geht.
Wie viel kostet das? Für mich ist es zu teuer.
Über den Bergen schmilzt im Frühling der Schnee.
El tiempo es bueno hoy y vamos al mercado.
¿Dónde está la estación más cercana? Gire a la izquierda.
Сегодня хорошая погода, и мы идём на рынок.
Она читает книгу каждый вечер перед сном.
今天天气很好，我们去市场。
彼女は毎晩寝る前に本を読みます。
الطقس جميل اليوم ونحن ذاهبون إلى السوق.
מזג האוויר יפה היום ואנחנו הולכים לשוק.""".splitlines()

TEXTS = [
    *ENGLISH[:8],
    "Hello",
    "a",
    "",
    " ",
    "\n\t",
    "  two  spaces   and a tab\there ",
    "UPPER lower MiXeD",
    "naïve café, Ærøskøbing, Ångström",
    "e\u0301a\u0300 combining and é composed",
    "I love it 😀👩‍👩‍👧 🇫🇷!",
    "今天天气很好，我们去市场。",
    "الطقس جميل اليوم",
    "שלום world, привет 世界 ①②",
    "１２３ ｆｕｌｌ ｗｉｄｔｈ ﬁne ﬂow",
    "<pad> </s> <unk> in the text",
    "http://example.com/?q=1&r=2#x (50%) [a] {b} \\ | ~ ^",
    "zero\u200bwidth\u00a0space\u00adhyphen",
    "no",
    " ".join(ENGLISH),
    "word " * 200,
    "ǅ ß ſ ﷺ ½ ℃",
]  # fmt: skip

# A few rules of nmt_nfkc, whose whole table would be larger than the models: full width, ligatures, spaces.
NORMALIZATION = "".join(
    f"{' '.join(f'{ord(c):X}' for c in source)}\t{' '.join(f'{ord(c):X}' for c in target)}\n"
    for source, target in [
        *((chr(0xFF01 + i), chr(0x21 + i)) for i in range(94)),
        ("ﬁ", "fi"), ("ﬂ", "fl"), ("½", "1⁄2"), ("℃", "°C"), ("①", "1"), ("\u00a0", " "), ("\u3000", " "), ("\t", " "), ("\n", " "),
        ("e\u0301", "é"), ("a\u0300", "à"),
    ]
)  # fmt: skip


def train_pieces(folder, name, lines, **options):
    """Trains <folder>/<name>.model, and gives its pieces."""
    rules = folder / "normalization.tsv"
    rules.write_text(NORMALIZATION)
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines * 20), model_prefix=str(folder / name), normalization_rule_tsv=str(rules),
        character_coverage=1.0, hard_vocab_limit=False, num_threads=1, minloglevel=2, **options,
    )  # fmt: skip
    forget_paths(folder / f"{name}.model")
    model = sentencepiece.SentencePieceProcessor(model_file=str(folder / f"{name}.model"))
    return [model.id_to_piece(index) for index in range(model.get_piece_size())]


def forget_paths(file):
    """The trainer writes down where it worked: no two runs would give the same bytes."""
    model = sentencepiece_model_pb2.ModelProto.FromString(file.read_bytes())
    model.trainer_spec.model_prefix = file.stem
    model.normalizer_spec.normalization_rule_tsv = "normalization.tsv"
    file.write_bytes(model.SerializeToString())


def liven(model, factor, end):
    """Weights large enough that each step depends on all before it, and the end likely enough that lengths differ."""
    head = model.lm_head.weight
    with torch.no_grad():
        for name, weights in model.named_parameters():
            if weights.dim() > 1 and "shared" not in name and "embed" not in name and weights is not head:
                weights.mul_(factor)
        head.normal_(0, 1)
        head[model.config.eos_token_id].mul_(end)
    return model.eval()


def marian(folder):
    """Two sentencepiece models over one vocabulary, several target languages; settings as opus-mt models have them."""
    source = train_pieces(folder, "source", ENGLISH, vocab_size=260, model_type="unigram")
    target = train_pieces(folder, "target", OTHERS, vocab_size=260, model_type="unigram")
    languages = [">>fra<<", ">>deu<<", ">>zho_Hans<<"]
    pieces = dict.fromkeys(["</s>", "<unk>", *languages, *source, *target])
    vocabulary = {piece: index for index, piece in enumerate(p for p in pieces if p != "<s>")}
    vocabulary["<pad>"] = len(vocabulary)
    (folder / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False))
    tokenizer = MarianTokenizer(
        source_spm=str(folder / "source.model"), target_spm=str(folder / "target.model"), vocab=str(folder / "vocab.json"),
        source_lang="eng", target_lang="mul", model_max_length=40,
    )  # fmt: skip
    config = MarianConfig(
        vocab_size=len(vocabulary), d_model=16, encoder_layers=2, decoder_layers=2, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=32, decoder_ffn_dim=32, max_position_embeddings=64, activation_function="swish",
        scale_embedding=True, static_position_embeddings=True, pad_token_id=vocabulary["<pad>"], eos_token_id=0, bos_token_id=0,
        decoder_start_token_id=vocabulary["<pad>"], forced_eos_token_id=0, tie_word_embeddings=False,
    )  # fmt: skip
    model = liven(MarianMTModel(config), 12, end=1)
    model.final_logits_bias.normal_(0, 0.1)
    model.generation_config = GenerationConfig(
        decoder_start_token_id=vocabulary["<pad>"], pad_token_id=vocabulary["<pad>"], bos_token_id=0, eos_token_id=0,
        forced_eos_token_id=0, bad_words_ids=[[vocabulary["<pad>"]]], max_length=40, num_beams=4,
    )  # fmt: skip
    return model, tokenizer


def t5(folder):
    """Prefixes and search settings in task_specific_params of config.json, as t5-small has them."""
    train_pieces(
        folder, "spiece", ENGLISH + OTHERS, vocab_size=300, model_type="unigram", pad_id=0, eos_id=1, unk_id=2, bos_id=-1
    )
    tokenizer = T5TokenizerFast(vocab_file=str(folder / "spiece.model"), extra_ids=4, model_max_length=48)
    search = {"early_stopping": True, "length_penalty": 2.0, "max_length": 30, "no_repeat_ngram_size": 3, "num_beams": 4}
    config = T5Config(
        vocab_size=len(tokenizer), d_model=16, d_kv=8, d_ff=32, num_layers=2, num_heads=2, feed_forward_proj="gated-gelu",
        tie_word_embeddings=False, decoder_start_token_id=0, pad_token_id=0, eos_token_id=1,
        task_specific_params={
            "summarization": {"prefix": "summarize: ", "num_beams": 4},
            "translation_en_to_de": {"prefix": "translate English to German: ", **search},
            "translation_en_to_fr": {"prefix": "translate English to French: ", **search},
        },
    )  # fmt: skip
    model = liven(T5ForConditionalGeneration(config), 4, end=2)
    return model, tokenizer


def m2m(folder, tokenizer, vocab_size, end, **generation):
    config = M2M100Config(
        vocab_size=vocab_size, d_model=16, encoder_layers=2, decoder_layers=2, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=32, decoder_ffn_dim=32, max_position_embeddings=128, tie_word_embeddings=False,
    )  # fmt: skip
    model = liven(M2M100ForConditionalGeneration(config), 12, end)
    model.generation_config = GenerationConfig(
        bos_token_id=0, pad_token_id=1, eos_token_id=2, decoder_start_token_id=2, max_length=40, **generation
    )
    return model, tokenizer


def m2m100(folder):
    pieces = train_pieces(folder, "sentencepiece.bpe", ENGLISH + OTHERS, vocab_size=300, model_type="bpe")
    words = dict.fromkeys(["<s>", "<pad>", "</s>", "<unk>", *pieces])
    vocabulary = {piece: index for index, piece in enumerate(words)}
    (folder / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False))
    tokenizer = M2M100Tokenizer(
        vocab_file=str(folder / "vocab.json"), spm_file=str(folder / "sentencepiece.bpe.model"), model_max_length=48
    )
    size = len(vocabulary) + len(tokenizer.lang_code_to_id) + tokenizer.num_madeup_words
    return m2m(folder, tokenizer, size, end=2, num_beams=5, early_stopping=True)


def nllb(folder):
    train_pieces(folder, "sentencepiece.bpe", ENGLISH + OTHERS, vocab_size=300, model_type="bpe")
    languages = ["deu_Latn", "eng_Latn", "fra_Latn", "rus_Cyrl", "zho_Hans"]
    tokenizer = NllbTokenizerFast(
        vocab_file=str(folder / "sentencepiece.bpe.model"), additional_special_tokens=languages, model_max_length=48
    )
    return m2m(folder, tokenizer, len(tokenizer), end=1.4)


def languages_of(name, index):
    """Text prefix and arguments of the tokenizer and of `generate` that ask for a language."""
    if name == "tiny-marian":
        return {"prefix": f"{['>>fra<<', '>>deu<<', '>>zho_Hans<<'][index % 3]} "}
    if name == "tiny-t5":
        return {"prefix": f"translate English to {['French', 'German'][index % 2]}: ", "tgt_lang": ["fr", "de"][index % 2]}
    codes = ["en", "fr", "de", "zh"] if name == "tiny-m2m100" else ["eng_Latn", "fra_Latn", "deu_Latn", "zho_Hans"]
    return {"src_lang": codes[index % 2], "tgt_lang": codes[2 + index % 2]}


def encode(name, tokenizer, text, language):
    if "src_lang" in language:
        tokenizer.src_lang = language["src_lang"]
    return tokenizer(language.get("prefix", "") + text, truncation=True).input_ids


def pad(tokenizer, rows):
    batch = tokenizer.pad({"input_ids": rows}, return_tensors="pt")
    return {"input_ids": batch.input_ids, "attention_mask": batch.attention_mask}


def options_of(name, model, tokenizer, language):
    if name == "tiny-t5":
        task = model.config.task_specific_params[f"translation_en_to_{language['tgt_lang']}"]
        return {field: value for field, value in task.items() if field != "prefix"}
    if "tgt_lang" in language:
        return {"forced_bos_token_id": tokenizer.convert_tokens_to_ids(token_of(name, language["tgt_lang"]))}
    return {}


def token_of(name, code):
    return f"__{code}__" if name == "tiny-m2m100" else code


def strip(ids, eos, pad_id):
    ids = ids[1:]
    end = next((index for index, token in enumerate(ids) if token in eos), len(ids))
    ids = ids[:end]
    while ids and ids[-1] == pad_id:
        ids = ids[:-1]
    return ids


def generate(model, tokenizer, rows, num_beams, options):
    """One answer for each row, made together."""
    beams = {} if num_beams == 1 else {"num_return_sequences": num_beams}
    output = model.generate(
        **pad(tokenizer, rows), **{**options, "num_beams": num_beams}, **beams, return_dict_in_generate=True, output_scores=True
    )
    ends = options.get("eos_token_id", model.generation_config.eos_token_id)
    eos, pad_id = ends if isinstance(ends, list) else [ends], model.generation_config.pad_token_id
    answers = []
    for index in range(len(rows)):
        ids = strip(output.sequences[index * num_beams].tolist(), eos, pad_id)
        answer = {"ids": ids, "text": tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)}
        if num_beams > 1:
            best, second = output.sequences_scores[index * num_beams : index * num_beams + 2].tolist()
            answer |= {"score": best, "margin": best - second}
        else:
            steps = [step[index].topk(2).values.tolist() for step in output.scores[: len(ids) + 1]]
            answer |= {"margin": min(first - second for first, second in steps)}
        answers.append(answer)
    return answers


# Fields of generation_config.json, each where it changes something. Tokens are those that tiny-t5 likes to generate.
OPTIONS = [
    {"num_beams": 4, "length_penalty": 0.0},
    {"num_beams": 4, "length_penalty": -1.5},
    {"num_beams": 4, "length_penalty": 3.0, "early_stopping": "never"},
    {"num_beams": 4, "early_stopping": "never"},
    {"num_beams": 4, "early_stopping": True},
    {"num_beams": 4, "early_stopping": False},
    {"num_beams": 2, "max_new_tokens": 5},
    {"num_beams": 3, "min_length": 12, "max_length": 16},
    {"num_beams": 3, "min_new_tokens": 8},
    {"num_beams": 3, "repetition_penalty": 1.7},
    {"num_beams": 3, "repetition_penalty": 0.6, "renormalize_logits": True},
    {"num_beams": 3, "no_repeat_ngram_size": 1},
    {"num_beams": 3, "no_repeat_ngram_size": 2},
    {"num_beams": 3, "eos_token_id": [1, 84, 60]},
    {"num_beams": 3, "forced_bos_token_id": 40},
    {"num_beams": 3, "forced_bos_token_id": 40, "begin_suppress_tokens": [224, 299]},
    {"num_beams": 3, "forced_eos_token_id": 1, "max_length": 8},
    {"num_beams": 3, "suppress_tokens": [84, 113, 224]},
    {"num_beams": 3, "begin_suppress_tokens": [224, 299]},
    {"num_beams": 7, "early_stopping": True, "bad_words_ids": [[1], [84], [224, 113], [299, 299, 299], [114, 109]]},
    {"num_beams": 1, "repetition_penalty": 1.7},
    {"num_beams": 1, "no_repeat_ngram_size": 2, "min_length": 9},
    {"num_beams": 1, "eos_token_id": [1, 84, 60]},
    {"num_beams": 1, "forced_eos_token_id": 1, "forced_bos_token_id": 40, "max_length": 8},
    {"num_beams": 1, "bad_words_ids": [[84], [224, 114], [299, 299, 299]], "suppress_tokens": [60]},
]  # fmt: skip


def refer_options(tokenizer):
    """Six texts together, so that some are done before others."""
    model = ORTModelForSeq2SeqLM.from_pretrained(MODELS / "tiny-t5", use_merged=True)
    rows = [encode("tiny-t5", tokenizer, text, {}) for text in (*TEXTS[7:10], TEXTS[13], TEXTS[15], TEXTS[18])]
    cases = []
    for options in OPTIONS:
        search = {"max_length": 24, **options}
        if "max_new_tokens" in options:
            del search["max_length"]
        cases.append({"options": search, "outputs": generate(model, tokenizer, rows, search["num_beams"], search)})
    return {"model": "tiny-t5", "input_ids": rows, "cases": cases}


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
    for file in PRUNED:
        (folder / file).unlink()
    return tokenizer


def refer(name, tokenizer):
    model = ORTModelForSeq2SeqLM.from_pretrained(MODELS / name, use_merged=True)
    configured = 4 if name == "tiny-t5" else model.generation_config.num_beams
    entries = []
    for index, text in enumerate(TEXTS):
        language = languages_of(name, index)
        input_ids = encode(name, tokenizer, text, language)
        options = options_of(name, model, tokenizer, language)
        entry = {"text": text, **language, "input_ids": input_ids, "options": options}
        for beams in sorted({1, 4, configured}):
            entry[f"beams{beams}"] = generate(model, tokenizer, [input_ids], beams, options)[0]
        entries.append(entry)
    return {"beams": configured, "inputs": entries}


if __name__ == "__main__":
    tables, tokenizers = {}, {}
    for create in (marian, t5, m2m100, nllb):
        name = f"tiny-{create.__name__}"
        tokenizers[name] = make(name, create)
        tables[name] = refer(name, tokenizers[name])
    reference = {"versions": VERSIONS, "models": tables, "options": refer_options(tokenizers["tiny-t5"])}
    REFERENCE.write_text(json.dumps(reference, ensure_ascii=False, separators=(",", ":")).replace('{"text"', '\n{"text"') + "\n")
