"""Models that were fitted on frames with None and NaN, and models of imbalanced-learn, with their answers for 60 rows.

    pip install scikit-learn==1.5.2 "numpy<2.1" "pandas<2.3" imbalanced-learn==0.12.4
"""

import json
import pathlib

import joblib
import numpy as np
import pandas as pd
from imblearn.ensemble import BalancedBaggingClassifier, BalancedRandomForestClassifier, EasyEnsembleClassifier, RUSBoostClassifier
from imblearn.over_sampling import SMOTE
from imblearn.pipeline import make_pipeline as make_sampled
from imblearn.under_sampling import RandomUnderSampler
from sklearn.compose import make_column_transformer
from sklearn.ensemble import AdaBoostClassifier, BaggingClassifier, HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler, TargetEncoder
from sklearn.tree import DecisionTreeClassifier

TARGET = pathlib.Path(__file__).parents[1] / "fixtures" / "formats" / "sklearn-frames"


def frame(seed, rows):
    random = np.random.RandomState(seed)
    age = np.floor(random.rand(rows) * 80)
    city = np.array(["Köln", "Ulm", "北京", None], dtype=object)[random.randint(0, 4, rows)]
    code = np.array([7, 3, None], dtype=object)[random.randint(0, 3, rows)]
    age[random.rand(rows) < 0.2] = np.nan
    score = np.nan_to_num(age) / 30 + np.array([{"Köln": 0, "Ulm": 1, "北京": 2}.get(each, 4) for each in city]) + (code == 7)
    return pd.DataFrame({"age": age, "city": city, "code": code}), np.where(score + random.rand(rows) > 4.2, "yes", "no")


ROWS, LABELS = frame(1, 240)
TEST, _ = frame(2, 60)
TEST.loc[::9, "city"] = "Xanadu"


def columns(encoder, **imputer):
    words = make_pipeline(SimpleImputer(**{"strategy": "most_frequent", **imputer}), encoder)
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    return make_column_transformer((numbers, ["age"]), (words, ["city", "code"]), sparse_threshold=0)


UNKNOWN = {"handle_unknown": "ignore"}
CODES = {"handle_unknown": "use_encoded_value", "unknown_value": -1}


def numbers():
    return make_column_transformer((SimpleImputer(), ["age"]), (OneHotEncoder(**UNKNOWN), ["city"]), sparse_threshold=0)


MODELS = {
    "None through an imputer, one-hot": make_pipeline(columns(OneHotEncoder(**UNKNOWN)), LogisticRegression()),
    "None through an imputer, ordinal": make_pipeline(columns(OrdinalEncoder(**CODES)), DecisionTreeClassifier(max_depth=4)),
    "None through an imputer, targets": make_pipeline(columns(TargetEncoder(random_state=0)), LogisticRegression()),
    "None that is replaced": make_pipeline(columns(OneHotEncoder(**UNKNOWN), missing_values=None), LogisticRegression()),
    "bag with missing numbers": make_pipeline(
        make_column_transformer(("passthrough", ["age"]), (OrdinalEncoder(**CODES), ["city"])),
        BaggingClassifier(HistGradientBoostingClassifier(max_iter=2), n_estimators=2, random_state=0),
    ),
    "bag of some columns": make_pipeline(
        numbers(), BaggingClassifier(LogisticRegression(), n_estimators=2, max_features=0.7, random_state=0)
    ),
    "over-sampled": make_sampled(numbers(), SMOTE(random_state=0), LogisticRegression()),
    "searched and under-sampled": GridSearchCV(
        make_sampled(numbers(), RandomUnderSampler(random_state=0), LogisticRegression()), {"logisticregression__C": [1]}, cv=2
    ),
    "BalancedRandomForestClassifier": make_pipeline(
        numbers(),
        BalancedRandomForestClassifier(3, max_depth=3, random_state=0, sampling_strategy="all", replacement=True, bootstrap=False),
    ),
    "BalancedBaggingClassifier": make_pipeline(
        numbers(), BalancedBaggingClassifier(DecisionTreeClassifier(max_depth=3), n_estimators=2, random_state=0)
    ),
    "EasyEnsembleClassifier": make_pipeline(
        numbers(), EasyEnsembleClassifier(2, estimator=AdaBoostClassifier(n_estimators=2, algorithm="SAMME"), random_state=0)
    ),
    "RUSBoostClassifier": make_pipeline(numbers(), RUSBoostClassifier(n_estimators=3, algorithm="SAMME", random_state=0)),
}

TARGET.mkdir(parents=True, exist_ok=True)
for model in MODELS.values():
    model.fit(ROWS, LABELS)
joblib.dump(MODELS, TARGET / "models.joblib", compress=("zlib", 9))
ANSWERS = {
    name: {"labels": model.predict(TEST).tolist(), "probabilities": model.predict_proba(TEST)[:, 1].tolist()} for name, model in MODELS.items()
}
CELLS = [{name: None if pd.isna(value) else value for name, value in row.items()} for row in TEST.to_dict("records")]
(TARGET / "expected.json").write_text(json.dumps({"rows": CELLS, "answers": ANSWERS}, ensure_ascii=False) + "\n")
