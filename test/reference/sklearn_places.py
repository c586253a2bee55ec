"""Models whose steps take the columns by their places, freeze a pipeline, or are around LightGBM, with their answers to 40 rows.

    python test/reference/sklearn_places.py

writes test/fixtures/formats/sklearn-places/models.joblib and expected.json, with scikit-learn 1.9.1 and LightGBM 4.7.0.
"""

import json
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from lightgbm import LGBMClassifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import FixedThresholdClassifier, GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

FOLDER = Path(__file__).parent.parent / "fixtures/formats/sklearn-places"


def frame(seed, rows):
    random = np.random.default_rng(seed)
    city = random.choice(["Lima", "Oslo", "Pune"], rows).astype(object)
    table = pd.DataFrame({"age": random.integers(18, 80, rows) * 1.0, "city": city, "visits": random.integers(0, 9, rows) * 1.0})
    score = table.age / 20 + (table.city == "Oslo") * 2 - table.visits / 3 + random.random(rows)
    table.loc[random.random(rows) < 0.2, "city"] = np.nan
    return table, np.where(score > 2.2, "yes", "no")


def words_as_categories(table):
    return table.assign(city=pd.Categorical(table.city, categories=["Lima", "Oslo", "Pune"]))


ROWS, LABELS = frame(1, 200)
TEST, _ = frame(2, 40)
CODES = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)


def numbers(**settings):
    return make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["city"]), (StandardScaler(), ["age", "visits"]), **settings)


frozen = make_pipeline(numbers(), LogisticRegression()).fit(ROWS, LABELS)
boosting = {"max_iter": 4, "min_samples_leaf": 5, "random_state": 0}
MODELS = {
    "a frozen pipeline, calibrated": CalibratedClassifierCV(FrozenEstimator(frozen), cv=2),
    "a frozen pipeline with a threshold": FixedThresholdClassifier(FrozenEstimator(frozen), threshold=0.4, pos_label="yes"),
    "codes, then boosting with categories by places": make_pipeline(
        make_column_transformer((CODES, ["city"]), remainder="passthrough"), HistGradientBoostingClassifier(categorical_features=[0], **boosting)
    ),
    "flags, then boosting with a category by its place": make_pipeline(
        make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["city"]), remainder="passthrough", sparse_threshold=0),
        HistGradientBoostingClassifier(categorical_features=[0], **boosting),
    ),
    "codes, then another transformer of columns": make_pipeline(
        make_column_transformer((OrdinalEncoder(encoded_missing_value=9), ["city"]), remainder="passthrough"),
        make_column_transformer((OneHotEncoder(), [0]), (StandardScaler(), [1, 2])),
        LogisticRegression(),
    ),
    "a search for a booster of words": GridSearchCV(LGBMClassifier(n_estimators=4, min_child_samples=5, verbose=-1), {"num_leaves": [4, 6]}, cv=2),
    "a calibrated booster that decides": make_pipeline(numbers(), CalibratedClassifierCV(LGBMClassifier(n_estimators=4, verbose=-1), cv=2)),
    "a threshold of a booster that decides": make_pipeline(
        numbers(), FixedThresholdClassifier(LGBMClassifier(n_estimators=4, verbose=-1), threshold=0.1, response_method="decision_function", pos_label="yes")
    ),
}
OF_CATEGORIES = "a search for a booster of words"

FOLDER.mkdir(parents=True, exist_ok=True)
for name, model in MODELS.items():
    model.fit(words_as_categories(ROWS) if name == OF_CATEGORIES else ROWS, LABELS)
joblib.dump(MODELS, FOLDER / "models.joblib", compress=9)


def answers(model, table):
    return {"labels": model.predict(table).tolist(), "probabilities": model.predict_proba(table)[:, 1].tolist()}


ANSWERS = {name: answers(model, words_as_categories(TEST) if name == OF_CATEGORIES else TEST) for name, model in MODELS.items()}
CELLS = [{name: None if pd.isna(value) else value for name, value in row.items()} for row in TEST.to_dict("records")]
(FOLDER / "expected.json").write_text(json.dumps({"rows": CELLS, "answers": ANSWERS}) + "\n")
