"""
Makes ../fixtures/formats/sklearn-hashing: for the scikit-learn that runs it, its HashingVectorizer in pipelines, and what they answer for more than
1,000 texts in many scripts. Outputs that equal those of the newest version to 1e-13 are not stored again: run the newest version first.
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
from sklearn.decomposition import TruncatedSVD
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfTransformer
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier
from sklearn.naive_bayes import ComplementNB, MultinomialNB
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from sklearn_text import TEXTS, make_texts

NEWEST = "1.9.1"
VERSION = sklearn.__version__
FOLDER = Path(__file__).parent / "../fixtures/formats/sklearn-hashing"

SMALL = 2**10
COUNTS = {"norm": None, "alternate_sign": False}
TRANSFORMERS = {
    "HashingVectorizer": HashingVectorizer(n_features=SMALL),
    "HashingVectorizer l1": HashingVectorizer(n_features=SMALL, norm="l1", ngram_range=(1, 2)),
    "HashingVectorizer without norm": HashingVectorizer(n_features=1_000, norm=None, lowercase=False),
    "HashingVectorizer counts": HashingVectorizer(n_features=SMALL, **COUNTS),
    "HashingVectorizer of collisions": HashingVectorizer(n_features=3, norm="l2", ngram_range=(1, 3)),
    "HashingVectorizer of binary collisions": HashingVectorizer(n_features=3, binary=True, norm="l1"),
    "HashingVectorizer binary": HashingVectorizer(n_features=SMALL, binary=True, norm="l2"),
    "HashingVectorizer of one column": HashingVectorizer(n_features=1, norm=None),
    "HashingVectorizer float32": HashingVectorizer(n_features=SMALL, dtype=np.float32),
    "HashingVectorizer float32 l1": HashingVectorizer(n_features=SMALL, dtype=np.float32, norm="l1"),
    "HashingVectorizer chars": HashingVectorizer(n_features=SMALL, analyzer="char", ngram_range=(1, 4)),
    "HashingVectorizer char_wb": HashingVectorizer(n_features=SMALL, analyzer="char_wb", ngram_range=(2, 5), strip_accents="unicode"),
    "HashingVectorizer of a pattern": HashingVectorizer(n_features=SMALL, token_pattern=r"\S+", strip_accents="ascii"),
    "HashingVectorizer of empty terms": HashingVectorizer(n_features=SMALL, token_pattern=r"(\d*)\w"),
    "HashingVectorizer without stop words": HashingVectorizer(n_features=SMALL, stop_words="english"),
    "TfidfTransformer": make_pipeline(HashingVectorizer(n_features=SMALL, **COUNTS), TfidfTransformer()),
    "TfidfTransformer sublinear": make_pipeline(HashingVectorizer(n_features=SMALL, **COUNTS), TfidfTransformer(sublinear_tf=True, norm="l1")),
    "TfidfTransformer of signs": make_pipeline(HashingVectorizer(n_features=50, norm=None), TfidfTransformer(smooth_idf=False)),
    "FeatureUnion": FeatureUnion(
        [("hashes", HashingVectorizer(n_features=64)), ("words", CountVectorizer(max_features=20)), ("chars", HashingVectorizer(n_features=32, analyzer="char"))],
        transformer_weights={"hashes": 0.5},
    ),
    "TruncatedSVD": make_pipeline(HashingVectorizer(n_features=2**17), TruncatedSVD(4, random_state=0)),
}

COLUMNS = ["number", "review"]
PREDICTORS = {
    "LogisticRegression": make_pipeline(HashingVectorizer(), LogisticRegression()),
    "LogisticRegression binary": make_pipeline(HashingVectorizer(n_features=2**17, binary=True, norm=None), LogisticRegression()),
    "SGDClassifier": make_pipeline(HashingVectorizer(n_features=2**17, norm="l1"), SGDClassifier(loss="modified_huber", random_state=0)),
    "LinearSVC": make_pipeline(HashingVectorizer(n_features=2**17, analyzer="char_wb", ngram_range=(2, 4)), LinearSVC(random_state=0)),
    "MultinomialNB": make_pipeline(HashingVectorizer(n_features=2**17, alternate_sign=False), MultinomialNB()),
    "ComplementNB": make_pipeline(HashingVectorizer(n_features=2**17, **COUNTS), ComplementNB()),
    "Ridge": make_pipeline(HashingVectorizer(n_features=2**17, ngram_range=(1, 2)), Ridge(solver="lsqr")),
    "LogisticRegression of TfidfTransformer": make_pipeline(HashingVectorizer(n_features=2**17, **COUNTS), TfidfTransformer(), LogisticRegression()),
    "LogisticRegression of TruncatedSVD": make_pipeline(HashingVectorizer(n_features=2**17), TruncatedSVD(5, random_state=0), LogisticRegression()),
    "LogisticRegression of FeatureUnion": make_pipeline(
        FeatureUnion(
            [("words", HashingVectorizer(n_features=2**17)), ("counts", CountVectorizer(max_features=40)), ("chars", HashingVectorizer(n_features=2**17, analyzer="char"))],
            transformer_weights={"chars": 0.25, "words": 2},
        ),
        LogisticRegression(),
    ),
    "LogisticRegression of ColumnTransformer": make_pipeline(
        ColumnTransformer([("number", StandardScaler(), ["number"]), ("review", HashingVectorizer(n_features=2**17), "review")]),
        LogisticRegression(),
    ),
    "RandomForestClassifier": make_pipeline(HashingVectorizer(n_features=256), RandomForestClassifier(5, random_state=0)),
}


def encode(output):
    return b64encode(np.ascontiguousarray(np.asarray(output).astype("<f8")).tobytes()).decode()


def shorten(output, before):
    """An output, or the newest version in its place where it is the same."""
    if before is not None and np.allclose(np.frombuffer(b64decode(before["values"]), "<f8"), output.ravel(), rtol=1e-13, atol=1e-13):
        return {"as": NEWEST}
    return {"values": encode(output)}


def numbers_of(texts):
    return [len(text) % 7 for text in texts]


def predict(name, model, train, test):
    """Classes by the length of a text, or the length itself."""
    lengths = np.array([len(text.split()) for text in train])
    classes = np.where(lengths < 4, "short", np.where((lengths < 7) | ("binary" in name), "medium", "long"))
    isTable = "ColumnTransformer" in name
    inputs = [pd.DataFrame({"number": numbers_of(texts), "review": texts}) if isTable else texts for texts in (train, test)]
    model.fit(inputs[0], lengths if name == "Ridge" else classes)
    if name == "Ridge":
        return model.predict(inputs[1])
    scores = model.decision_function(inputs[1]) if name == "LinearSVC" else model.predict_proba(inputs[1])
    labels = np.searchsorted(model.classes_, model.predict(inputs[1]))
    return np.column_stack([labels, scores])


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    texts = [text for text in TEXTS if "\0" not in text]  # tables refuse NUL
    train, test = make_texts(21, 400) + texts, make_texts(22, 900) + texts + ["", " ", "😀 😀 😀", "\U00010400 \U00010428", "a" * 500, "film " * 300]
    newest = FOLDER / f"expected-{NEWEST}.json.gz"
    before = json.loads(gzip.decompress(newest.read_bytes())) if VERSION != NEWEST else {"outputs": {}, "predictors": {}}
    content = {"outputs": {}, "predictors": {}}
    for name, model in TRANSFORMERS.items():
        output = model.fit(train).transform(test)
        output = np.asarray(output.toarray() if hasattr(output, "toarray") else output).astype("<f8")
        # one number for each row: a dense output would take megabytes
        kept = output @ np.cos(np.arange(output.shape[1]))
        content["outputs"][name] = {"width": output.shape[1], **shorten(kept, before["outputs"].get(name))}
    for name, model in PREDICTORS.items():
        content["predictors"][name] = shorten(predict(name, model, train, test), before["predictors"].get(name))
    if VERSION == NEWEST:
        content["rows"] = [{"text": text, "review": text, "number": number} for text, number in zip(test, numbers_of(test))]
    joblib.dump({**TRANSFORMERS, **{f"predictor {name}": model for name, model in PREDICTORS.items()}}, FOLDER / f"{VERSION}.joblib", compress=("gzip", 9))
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    (FOLDER / f"expected-{VERSION}.json.gz").write_bytes(gzip.compress(text, 9, mtime=0))


main()
