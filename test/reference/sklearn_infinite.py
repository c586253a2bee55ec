"""Models of texts with infinite logarithms: naive Bayes with alpha=0, and TfidfVectorizer with a term that no text had, without smooth_idf.

    python test/reference/sklearn_infinite.py

writes test/fixtures/formats/sklearn-infinite/models.joblib and expected.json, with scikit-learn 1.7.2.
"""

import json
from pathlib import Path

import joblib
import numpy as np
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import BernoulliNB, ComplementNB, MultinomialNB
from sklearn.pipeline import make_pipeline

FOLDER = Path(__file__).parent.parent / "fixtures/formats/sklearn-infinite"
TEXTS = ["free money now", "win money prize", "free prize free", "meeting at noon", "lunch at noon today", "project meeting today"]
NAMES = ["spam"] * 3 + ["ham"] * 3
WORDS = sorted({word for text in TEXTS for word in text.split()})

MODELS = {
    "MultinomialNB": make_pipeline(CountVectorizer(), MultinomialNB(alpha=0)),
    "ComplementNB": make_pipeline(CountVectorizer(), ComplementNB(alpha=0)),
    "BernoulliNB": make_pipeline(CountVectorizer(), BernoulliNB(alpha=0)),
    "MultinomialNB of hashed words": make_pipeline(HashingVectorizer(n_features=2**10, alternate_sign=False, norm=None), MultinomialNB(alpha=0)),
    "TfidfVectorizer": make_pipeline(TfidfVectorizer(vocabulary=["free", "money", "never", "noon"], smooth_idf=False), LogisticRegression()),
}

rng = np.random.default_rng(3)
asked = [" ".join(rng.choice(WORDS, rng.integers(0, 4))) for _ in range(100)]


def answers(model):
    model.fit(TEXTS, NAMES)
    numbers = [None if np.isnan(value) else value for value in model.predict_proba(asked).ravel().tolist()]
    return {"label": np.searchsorted(model.classes_, model.predict(asked)).tolist(), "probabilities": numbers}


FOLDER.mkdir(parents=True, exist_ok=True)
content = {"texts": asked, "models": {name: answers(model) for name, model in MODELS.items()}}
(FOLDER / "expected.json").write_text(json.dumps(content))
joblib.dump(MODELS, FOLDER / "models.joblib", compress=9)
