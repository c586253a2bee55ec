"""
Makes ../fixtures/formats/sklearn-preprocessing: for the scikit-learn that runs it, its fitted transformers and what they make of 1,000 rows.
Outputs that equal those of the newest version to 1e-13 are not stored again: run the newest version first.
"""

import gzip
import json
from base64 import b64decode, b64encode
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import sklearn
from scipy.special import erf
from sklearn import preprocessing as p
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.ensemble import ExtraTreesClassifier, RandomForestRegressor
from sklearn.feature_selection import (
    RFE, GenericUnivariateSelect, SelectFdr, SelectFromModel, SelectFpr, SelectKBest, SelectPercentile, VarianceThreshold, f_regression,
)
from sklearn.impute import KNNImputer, MissingIndicator, SimpleImputer
from sklearn.linear_model import Lasso, LinearRegression, LogisticRegression
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.svm import LinearSVR

from table_rows import make_rows

NEWEST = "1.9.1"
VERSION = sklearn.__version__
MINOR = int(VERSION.split(".")[1])
FOLDER = Path(__file__).parent / "../fixtures/formats/sklearn-preprocessing"


def one_hot(**options):
    return p.OneHotEncoder(**{"sparse_output" if MINOR >= 2 else "sparse": False}, **options)


ABC, ABCM = ["a", "b", "c"], ["am", "bm", "cm"]
MIXED = ["a", "bm", "citym", "grade", "flag"]

# Name: transformer, columns, and how it is fitted: "array" of float64, "frame", or "objects"; "spline" on rows whose values are halved, so that others lie beyond them
MODELS = {
    "StandardScaler": (p.StandardScaler(), ABCM, "array"),
    "StandardScaler without mean": (p.StandardScaler(with_mean=False), ABC, "frame"),
    "StandardScaler without std": (p.StandardScaler(with_std=False), ABC, "frame"),
    "MinMaxScaler": (p.MinMaxScaler((-1, 3)), ABCM, "array"),
    "MinMaxScaler clip": (p.MinMaxScaler(clip=True), ABC, "array"),
    "MaxAbsScaler": (p.MaxAbsScaler(), ABCM, "array"),
    "RobustScaler": (p.RobustScaler(quantile_range=(10, 80), unit_variance=True), ABCM, "array"),
    "RobustScaler scale alone": (p.RobustScaler(with_centering=False), ABC, "array"),
    "Normalizer l1": (p.Normalizer("l1"), ABC, "array"),
    "Normalizer l2": (p.Normalizer("l2"), ABC, "array"),
    "Normalizer max": (p.Normalizer("max"), ABC, "array"),
    "Binarizer": (p.Binarizer(threshold=1.28), ABC, "array"),
    "PolynomialFeatures 2": (p.PolynomialFeatures(2), ["a", "c"], "array"),
    "PolynomialFeatures 3": (p.PolynomialFeatures(3, interaction_only=True, include_bias=False), ["a", "c", "d"], "array"),
    "PolynomialFeatures 2 to 3": (p.PolynomialFeatures((2, 3)), ["a", "c"], "array"),
    "SplineTransformer": (p.SplineTransformer(n_knots=4), ["c", "a"], "spline"),
    "SplineTransformer linear": (p.SplineTransformer(n_knots=3, degree=2, extrapolation="linear", knots="quantile"), ["c"], "spline"),
    "SplineTransformer linear of degree 1": (p.SplineTransformer(n_knots=4, degree=1, extrapolation="linear", include_bias=False), ["c"], "spline"),
    "SplineTransformer continue": (p.SplineTransformer(n_knots=3, extrapolation="continue", include_bias=False), ["c"], "spline"),
    "SplineTransformer periodic": (p.SplineTransformer(n_knots=5, extrapolation="periodic"), ["c"], "spline"),
    "SplineTransformer error": (p.SplineTransformer(n_knots=3, degree=2, extrapolation="error"), ["d"], "array"),
    "SplineTransformer of one interval": (p.SplineTransformer(n_knots=2, degree=1), ["c"], "spline"),
    "PowerTransformer": (p.PowerTransformer(), ABCM, "array"),
    "PowerTransformer raw": (p.PowerTransformer(standardize=False), ABC, "array"),
    "PowerTransformer box-cox": (p.PowerTransformer("box-cox"), ["bm"], "array"),
    "QuantileTransformer": (p.QuantileTransformer(n_quantiles=40), ["am", "bm", "d"], "array"),
    "QuantileTransformer normal": (p.QuantileTransformer(n_quantiles=100, output_distribution="normal"), ["am", "bm", "d"], "array"),
    "KBinsDiscretizer": (p.KBinsDiscretizer(5, encode="ordinal", strategy="uniform"), ABC, "array"),
    "KBinsDiscretizer onehot": (p.KBinsDiscretizer([3, 4, 5], encode="onehot", strategy="quantile"), ABC, "array"),
    "FunctionTransformer none": (p.FunctionTransformer(validate=True), ABC, "array"),
    "FunctionTransformer in a pipeline": (make_pipeline(p.FunctionTransformer(np.log1p), p.StandardScaler()), ["a", "bm"], "array"),
    **{
        f"FunctionTransformer {f.__name__}": (p.FunctionTransformer(f, validate=True), columns, "array")
        for f, columns in [
            (np.log1p, ["a", "b"]), (np.log, ["b"]), (np.log2, ["b"]), (np.log10, ["b"]), (np.expm1, ["c"]), (np.exp, ["c"]), (np.exp2, ["c"]),
            (np.sqrt, ["a", "b"]), (np.cbrt, ["c"]), (np.square, ["c"]), (np.abs, ["c"]), (np.sign, ["c"]), (np.sin, ["c", "b"]), (np.cos, ["c", "b"]),
            (np.tan, ["c"]), (np.tanh, ["c"]), (np.arcsinh, ["c", "b"]), (np.reciprocal, ["b"]), (np.negative, ["c"]), (np.rint, ["c", "b"]),
            (np.floor, ["c"]), (np.ceil, ["c"]), (np.trunc, ["c"]), (np.deg2rad, ["c"]), (np.degrees, ["c"]),
        ]
    },
    "OneHotEncoder": (one_hot(), ["city", "grade", "flag"], "frame"),
    "OneHotEncoder ignore": (one_hot(handle_unknown="ignore"), ["cityum", "gradeu"], "frame"),
    "OneHotEncoder missing": (one_hot(), ["citym", "gradem"], "frame"),
    "OneHotEncoder drop first": (one_hot(drop="first"), ["city", "grade"], "frame"),
    "OneHotEncoder drop if_binary": (one_hot(drop="if_binary"), ["city", "flag"], "frame"),
    "OneHotEncoder drop some": (one_hot(drop=["oslo", 2]), ["city", "grade"], "objects"),
    "OneHotEncoder of numbers": (one_hot(handle_unknown="ignore"), ["d", "gradeu"], "array"),
    "OrdinalEncoder": (p.OrdinalEncoder(), ["city", "grade", "flag"], "frame"),
    "OrdinalEncoder unknown": (p.OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), ["cityu", "gradeu"], "frame"),
    "OrdinalEncoder unknown NaN": (p.OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan), ["cityu"], "frame"),
    "OrdinalEncoder missing": (p.OrdinalEncoder(), ["gradem"], "frame"),
    "SimpleImputer mean": (SimpleImputer(), ABCM, "array"),
    "SimpleImputer median": (SimpleImputer(strategy="median", add_indicator=True), ABCM, "array"),
    "SimpleImputer most_frequent": (SimpleImputer(strategy="most_frequent"), ["am", "gradem"], "frame"),
    "SimpleImputer constant": (SimpleImputer(strategy="constant", fill_value=-7.5), ABCM, "array"),
    "SimpleImputer of strings": (SimpleImputer(strategy="most_frequent", missing_values=None), ["citym"], "objects"),
    "SimpleImputer of other values": (SimpleImputer(missing_values=3, strategy="median"), ["d", "grade"], "array"),
    "SimpleImputer of a string": (SimpleImputer(missing_values="oslo", strategy="constant", fill_value="?"), ["city"], "objects"),
    "MissingIndicator": (MissingIndicator(), ["am", "b", "cm"], "array"),
    "MissingIndicator all": (MissingIndicator(features="all"), ["am", "b", "cm"], "array"),
    "KNNImputer": (KNNImputer(n_neighbors=3), ["b", "bm", "cm"], "array"),
    "KNNImputer distance": (KNNImputer(n_neighbors=4, weights="distance", add_indicator=True), ["b", "bm", "cm"], "array"),
    "SelectKBest": (SelectKBest(f_regression, k=2), ["a", "b", "c", "d"], "array"),
    "SelectKBest all": (SelectKBest(f_regression, k="all"), ABC, "array"),
    "SelectPercentile": (SelectPercentile(f_regression, percentile=40), ["a", "b", "c", "d"], "array"),
    "SelectFpr": (SelectFpr(f_regression, alpha=0.01), ["a", "b", "c", "d"], "array"),
    "SelectFdr": (SelectFdr(f_regression, alpha=0.05), ["a", "b", "c", "d"], "array"),
    "GenericUnivariateSelect": (GenericUnivariateSelect(f_regression, mode="fwe", param=0.05), ["a", "b", "c", "d"], "array"),
    "VarianceThreshold": (VarianceThreshold(0.5), ["a", "b", "c", "d"], "array"),
    "SelectFromModel Lasso": (SelectFromModel(Lasso(0.05)), ["a", "b", "c", "d"], "array"),
    "SelectFromModel forest": (SelectFromModel(RandomForestRegressor(5, random_state=0), threshold="0.5*mean"), ["a", "b", "c", "d"], "array"),
    "SelectFromModel max_features": (
        SelectFromModel(ExtraTreesClassifier(5, random_state=0), max_features=2, threshold=-np.inf), ["a", "b", "c", "d"], "classes",
    ),
    "SelectFromModel classes": (SelectFromModel(LogisticRegression(), threshold="median", norm_order=2), ["a", "b", "c", "d"], "classes"),
    "RFE": (RFE(LinearRegression(), n_features_to_select=2), ["a", "b", "c", "d"], "array"),
    "Pipeline of strings": (
        make_pipeline(SimpleImputer(strategy="most_frequent", missing_values=None), one_hot(handle_unknown="ignore")), ["cityum"], "objects",
    ),
    "Pipeline nested": (
        Pipeline([("none", None), ("impute", SimpleImputer()), ("inner", Pipeline([("skip", "passthrough"), ("scale", p.StandardScaler())]))]),
        ABCM, "array",
    ),
    "FeatureUnion": (
        FeatureUnion(
            [("scaled", p.StandardScaler()), ("dropped", "drop"), ("binary", p.Binarizer(threshold=0.5))], transformer_weights={"scaled": 0.25},
        ),
        ABC, "array",
    ),
    "ColumnTransformer of a frame": (
        ColumnTransformer(
            [
                ("numbers", make_pipeline(SimpleImputer(), p.StandardScaler()), ["a", "bm"]),
                ("city", make_pipeline(SimpleImputer(strategy="most_frequent", missing_values=None), one_hot()), ["citym"]),
                ("flag", "passthrough", ["flag"]),
                ("none", p.StandardScaler(), []),
            ],
            transformer_weights={"numbers": 2.0},
        ),
        MIXED, "frame",
    ),
    "ColumnTransformer with a remainder": (
        ColumnTransformer([("city", one_hot(handle_unknown="ignore"), [2])], remainder=p.MinMaxScaler()), ["a", "b", "cityu", "d"], "frame",
    ),
    "ColumnTransformer of an array": (
        ColumnTransformer(
            [("slice", p.StandardScaler(), slice(0, 2)), ("mask", p.Binarizer(), [False, False, True, False]), ("last", "passthrough", [-1])],
        ),
        ["a", "b", "c", "d"], "array",
    ),
    "ColumnTransformer with a drop": (
        ColumnTransformer([("one", p.StandardScaler(), [1]), ("gone", "drop", [0])], remainder="passthrough"), ["a", "b", "c"], "array",
    ),
    "ColumnTransformer by type": (
        ColumnTransformer(
            [
                ("numbers", p.StandardScaler(), make_column_selector(dtype_include=np.floating)),
                ("names", p.OrdinalEncoder(), slice("city", "city")),
            ],
        ),
        ["a", "city", "c"], "frame",
    ),
}
if MINOR >= 1:
    MODELS["OneHotEncoder min_frequency"] = (one_hot(min_frequency=8, handle_unknown="infrequent_if_exist"), ["cityu", "gradeu"], "frame")
    MODELS["OneHotEncoder max_categories"] = (one_hot(max_categories=4, handle_unknown="ignore"), ["cityu", "gradeu"], "frame")
    MODELS["OneHotEncoder infrequent and drop"] = (one_hot(min_frequency=0.03, drop="first", handle_unknown="infrequent_if_exist"), ["cityu"], "frame")
    MODELS["OrdinalEncoder encoded missing"] = (
        p.OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2), ["cityum", "gradem"], "frame",
    )
if MINOR >= 2:
    MODELS["SimpleImputer keep_empty_features"] = (SimpleImputer(keep_empty_features=True), ["am", "empty"], "array")
    MODELS["KNNImputer keep_empty_features"] = (KNNImputer(keep_empty_features=True), ["b", "empty", "cm"], "array")
if MINOR >= 3:
    MODELS["OrdinalEncoder infrequent"] = (
        p.OrdinalEncoder(min_frequency=8, handle_unknown="use_encoded_value", unknown_value=-1), ["cityu", "gradeu"], "frame",
    )
    MODELS["TargetEncoder"] = (p.TargetEncoder(target_type="continuous"), ["cityum", "gradeu"], "frame")
    MODELS["TargetEncoder binary"] = (p.TargetEncoder(), ["cityu"], "binary")
if MINOR >= 4:
    MODELS["TargetEncoder multiclass"] = (p.TargetEncoder(), ["cityu", "gradeu"], "classes")
if MINOR >= 9:
    for f in [np.arctan, np.sinh, np.cosh, np.positive, np.round, np.isnan, np.isfinite, np.isinf, np.logical_not, np.fix, erf]:
        MODELS[f"FunctionTransformer {f.__name__}"] = (p.FunctionTransformer(f, validate=True), ["c", "b"], "array")
    for f in [np.arcsin, np.arccos, np.arctanh]:
        shrink = p.MaxAbsScaler(clip=True)
        MODELS[f"FunctionTransformer {f.__name__}"] = (make_pipeline(shrink, p.FunctionTransformer(np.tanh), p.FunctionTransformer(f)), ["c", "b"], "array")
    MODELS["FunctionTransformer arccosh"] = (make_pipeline(p.FunctionTransformer(np.cosh), p.FunctionTransformer(np.arccosh)), ["c"], "array")
    MODELS["FunctionTransformer nan_to_num"] = (p.FunctionTransformer(np.nan_to_num, kw_args={"nan": -2.5}), ["am", "b", "cm"], "array")
    MODELS["FunctionTransformer clip"] = (p.FunctionTransformer(np.clip, kw_args={"a_min": -0.5, "a_max": 1}), ABCM, "array")
    MODELS["FunctionTransformer clip above"] = (p.FunctionTransformer(np.clip, kw_args={"min": None, "max": 0.25}), ABC, "array")
    MODELS["RFE before others"] = (make_pipeline(RFE(LinearSVR(), n_features_to_select=2), p.StandardScaler()), ["a", "b", "c", "d"], "array")
if MINOR >= 8:
    MODELS["MaxAbsScaler clip"] = (p.MaxAbsScaler(clip=True), ABC, "array")
MODELS["SimpleImputer empty"] = (SimpleImputer(), ["am", "empty", "c"], "array")


def to_input(rows, columns, kind):
    rows = {**rows, "empty": [None] * len(rows["a"])}
    if kind in ("frame", "objects", "classes", "binary"):
        data = {}
        for name in columns:
            values = rows[name]
            is_text = any(isinstance(value, str) for value in values)
            data[name] = pd.Series(values, dtype=object) if is_text else pd.Series(values)
        frame = pd.DataFrame(data)
        if kind == "objects":
            return frame.astype(object).to_numpy()
        return frame
    return np.array([[np.nan if value is None else value for value in rows[name]] for name in columns], dtype=float).T


def to_target(rows, kind):
    y = np.array(rows["y"])
    return (y * 2).astype(int) % 3 if kind == "classes" else (y > 2).astype(int) if kind == "binary" else y


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    train, test = make_rows(1, 300), make_rows(2, 1_000)
    # rare values are known, unknown ones are not
    for unknown, known in (("cityu", "city"), ("cityum", "citym"), ("gradeu", "grade")):
        train[unknown] = train[known]
    newest = FOLDER / f"expected-{NEWEST}.json.gz"
    before = json.loads(gzip.decompress(newest.read_bytes())) if VERSION != NEWEST else {}
    models, expected = {}, {}
    for name, (model, columns, kind) in MODELS.items():
        fitted = to_input(train, columns, kind)
        model.fit(fitted / 2 if kind == "spline" else fitted, to_target(train, kind))
        models[name] = model
        output = model.transform(to_input(test, columns, kind))
        output = output.toarray() if hasattr(output, "toarray") else np.asarray(output)
        entry = {"columns": columns, "width": output.shape[1]}
        if output.dtype == object and isinstance(output[0, 0], str):
            entry["texts"] = output.ravel().tolist()
            same = before.get(name, {}).get("texts") == entry["texts"]
        else:
            output = output.astype("<f8")
            entry["values"] = b64encode(np.ascontiguousarray(output).tobytes()).decode()
            stored = before.get(name, {}).get("values")
            old = None if stored is None else np.frombuffer(b64decode(stored), "<f8").reshape(-1, before[name]["width"])
            same = old is not None and old.shape == output.shape and np.allclose(old, output, rtol=1e-13, atol=1e-13, equal_nan=True)
        expected[name] = {"columns": columns, "as": NEWEST} if same else entry
    joblib.dump(models, FOLDER / f"{VERSION}.joblib", compress=("gzip", 9))
    content = json.dumps(expected, ensure_ascii=False, separators=(",", ":")).encode()
    (FOLDER / f"expected-{VERSION}.json.gz").write_bytes(gzip.compress(content, 9, mtime=0))


main()
