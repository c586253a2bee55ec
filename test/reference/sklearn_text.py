"""
Makes ../fixtures/formats/sklearn-text: for the scikit-learn that runs it, its fitted vectorizers and what they make of 1,000 texts in many
scripts. Outputs that equal those of the newest version to 1e-13 are not stored again: run the newest version first. Terms of hard texts are
stored by the newest version alone.
"""

import gzip
import json
from base64 import b64decode, b64encode
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import sklearn
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from table_rows import generator, make_rows
from text_samples import CORPUS, HARD

TEXTS = CORPUS.splitlines() + [text for text in HARD if len(text) < 500]
NEWEST = "1.9.1"
VERSION = sklearn.__version__
FOLDER = Path(__file__).parent / "../fixtures/formats/sklearn-text"

WORDS = (
    "the a of not good bad film Film FILM naïve Äpfel apfel Straße strasse GROẞ ὈΔΥΣΣΕΎΣ Οδυσσεύς ΟΔΟΣ κόσμε Москва москва ещё Ёж "
    "北京 我爱北京天安门 すし ｶﾀｶﾅ 서울 مرحبا بالعالم العَرَبِيَّة שלום שָׁלוֹם हिन्दी नमस्ते ไทย สวัสดี İstanbul ISPARTA ılık ﬁn ﬀ x² ½ Ⅷ ٣٤ 12 3.5 snake_case "
    "e-mail don't rock'n'roll can’t 😀 👩‍👩‍👧 🇩🇪 e\u0301te\u0301 cafe\u0301 café o\u0308l ǅ \u00ad \u200b zero\u200bwidth \ufeff "
    "\u0345 \u1e9b\u0323 \u212b Ω K a\u0328\u0301 q\u0307\u0323 ﷺ Zürich"
).split(" ")
JOINTS = [" ", " ", " ", "  ", "\t", "\n", "-", ", ", "\u00a0", "\u3000", "\u2028", "\x1c", "\x85", ""]


def make_texts(seed, count):
    uniform = generator(seed)
    texts = []
    for _ in range(count):
        text = ""
        for _ in range(int(uniform() * 12)):
            text += WORDS[int(uniform() * uniform() * len(WORDS))] + JOINTS[int(uniform() * len(JOINTS))]
        texts.append(text)
    return texts


MODELS = {
    "CountVectorizer": CountVectorizer(),
    "CountVectorizer binary": CountVectorizer(binary=True, lowercase=False),
    "CountVectorizer 1 to 3 words": CountVectorizer(ngram_range=(1, 3), min_df=4),
    "CountVectorizer 2 words": CountVectorizer(ngram_range=(2, 2), min_df=3),
    "CountVectorizer without stop words": CountVectorizer(stop_words="english", ngram_range=(1, 2), min_df=4),
    "CountVectorizer with own stop words": CountVectorizer(stop_words=["film", "москва"]),
    "CountVectorizer ascii": CountVectorizer(strip_accents="ascii"),
    "CountVectorizer unicode": CountVectorizer(strip_accents="unicode"),
    "CountVectorizer single letters": CountVectorizer(token_pattern=r"(?u)\b\w+\b"),
    "CountVectorizer of a pattern": CountVectorizer(token_pattern=r"[^\W\d_]+(?:['’-][^\W\d_]+)*|\d+(?:[.,]\d+)?"),
    "CountVectorizer of a group": CountVectorizer(token_pattern=r"(\w+)-"),
    "CountVectorizer of ascii letters": CountVectorizer(token_pattern=r"\b[a-zA-Z]{3,}\b"),
    "CountVectorizer of non-spaces": CountVectorizer(token_pattern=r"\S+"),
    "CountVectorizer chars": CountVectorizer(analyzer="char", ngram_range=(1, 3), min_df=20),
    "CountVectorizer char_wb": CountVectorizer(analyzer="char_wb", ngram_range=(2, 4), min_df=20),
    "CountVectorizer char_wb of short words": CountVectorizer(analyzer="char_wb", ngram_range=(5, 6), min_df=6),
    "CountVectorizer of a vocabulary": CountVectorizer(vocabulary={"film": 1, "good film": 0, "北京": 2}, ngram_range=(1, 2)),
    "TfidfVectorizer": TfidfVectorizer(),
    "TfidfVectorizer sublinear": TfidfVectorizer(sublinear_tf=True, norm="l1", ngram_range=(1, 2), min_df=4),
    "TfidfVectorizer without idf": TfidfVectorizer(use_idf=False, max_features=30),
    "TfidfVectorizer not smooth": TfidfVectorizer(smooth_idf=False, norm=None, max_features=30),
    "TfidfVectorizer char_wb": TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 3), strip_accents="unicode", max_features=60),
    "TfidfTransformer": make_pipeline(CountVectorizer(max_features=30), TfidfTransformer()),
    "FeatureUnion of words and chars": FeatureUnion(
        [("words", TfidfVectorizer(max_features=20)), ("chars", TfidfVectorizer(analyzer="char", ngram_range=(2, 3), max_features=20))],
        transformer_weights={"chars": 0.5},
    ),
}

COLUMNS = ["a", "cityu", "flag", "review"]
PREDICTORS = {
    "text classifier": make_pipeline(TfidfVectorizer(max_features=200), LogisticRegression()),
    "text regressor": make_pipeline(FeatureUnion([("words", CountVectorizer(max_features=80)), ("chars", MODELS["TfidfVectorizer char_wb"])]), Ridge()),
    "table with a text": make_pipeline(
        ColumnTransformer([
            ("number", StandardScaler(), ["a"]),
            ("city", OneHotEncoder(handle_unknown="ignore"), ["cityu", "flag"]),
            ("review", TfidfVectorizer(max_features=60), "review"),
        ]),
        LogisticRegression(),
    ),
}


def forget_stop_words(model):
    vars(model).pop("stop_words_", None)  # of versions before 1.7: large, and never read


def predict(name, model, train, test):
    """Three classes by the length of a text, or the length itself."""
    tables = [pd.DataFrame({**make_rows(seed, len(texts)), "review": texts})[COLUMNS] for seed, texts in ((1, train), (2, test))]
    tables[0]["cityu"] = make_rows(1, len(train))["city"]
    lengths = np.array([len(text.split()) for text in train])
    is_regressor = name == "text regressor"
    inputs = tables if name == "table with a text" else [train, test]
    model.fit(inputs[0], lengths if is_regressor else np.where(lengths < 4, "short", np.where(lengths < 7, "medium", "long")))
    output = model.predict(inputs[1]) if is_regressor else model.predict_proba(inputs[1])
    return {"columns": COLUMNS, "values": b64encode(np.ascontiguousarray(output.astype("<f8")).tobytes()).decode()}


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    train, test = make_texts(11, 400) + TEXTS, make_texts(12, 1_000)
    newest = FOLDER / f"expected-{NEWEST}.json.gz"
    before = json.loads(gzip.decompress(newest.read_bytes()))["outputs"] if VERSION != NEWEST else {}
    models, expected = {}, {}
    for name, model in MODELS.items():
        model.fit(train)
        forget_stop_words(model)
        models[name] = model
        output = model.transform(test)
        output = (output.toarray() if hasattr(output, "toarray") else np.asarray(output)).astype("<f8")
        # one number for each row, and a few columns: dense outputs would take megabytes
        weights = np.cos(np.arange(output.shape[1]))
        kept = np.column_stack([output @ weights, output[:, :3]]) if output.shape[1] > 3 else output
        stored = before.get(name, {}).get("values")
        old = None if stored is None else np.frombuffer(b64decode(stored), "<f8").reshape(1_000, -1)
        if old is not None and before[name]["width"] == output.shape[1] and np.allclose(old, kept, rtol=1e-13, atol=1e-13):
            expected[name] = {"as": NEWEST}
        else:
            expected[name] = {"width": output.shape[1], "values": b64encode(np.ascontiguousarray(kept).tobytes()).decode()}
    predictors = {name: predict(name, model, train, test) for name, model in PREDICTORS.items()}
    content = {"outputs": expected, "predictors": predictors}
    if VERSION == NEWEST:
        content["texts"] = test
        content["terms"] = {
            name: [model.build_analyzer()(text) for text in TEXTS + test[:100]]
            for name, model in MODELS.items() if isinstance(model, CountVectorizer)
        }
        content["samples"] = TEXTS + test[:100]
    joblib.dump({**models, **PREDICTORS}, FOLDER / f"{VERSION}.joblib", compress=("gzip", 9))
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    (FOLDER / f"expected-{VERSION}.json.gz").write_bytes(gzip.compress(text, 9, mtime=0))


if __name__ == "__main__":
    main()
