"""Makes the boosters of test/fixtures/formats/{xgboost,lightgbm}/<version> and what the libraries predict with them.

Run once for each pair of versions (requirements-boosting-new.txt, requirements-boosting-old.txt). test/support/parity/boosting.ts makes the same
rows with the same generator. Some of their values are then replaced by thresholds of the model itself and by the numbers next to them.
"""

import base64
import gzip
import json
import pickle
import shutil
import warnings
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pandas as pd
import xgboost as xgb
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

warnings.filterwarnings("ignore")
FORMATS = Path(__file__).parent.parent / "fixtures" / "formats"
NAMES = ["grid", "even", "count", "code", "epoch", "zeros", "tail"]
COLOURS = ["red", "green", "blue", "cyan", "green-blue", "white", "black", "pink", "gold", "grey"]
ROWS = 1000
THRESHOLDS = 60
CODE = 3


class Draws:
    """xorshift32; each draw is a number in [0, 1)."""

    def __init__(self, seed):
        self.state = seed

    def next(self):
        s = self.state
        s ^= (s << 13) & 0xFFFFFFFF
        s ^= s >> 17
        s ^= (s << 5) & 0xFFFFFFFF
        self.state = s
        return s / 2**32


def make_rows(seed, count, is_test):
    """Rows of seven columns, with 8 % NaN. Rows of a test also have half steps, and codes that no row of the training has."""
    draws = Draws(seed)
    step = 32 if is_test else 16
    rows = []
    for _ in range(count):
        u = [draws.next() for _ in NAMES]
        code = np.floor(u[3] * 26) / 2 - 1 if is_test else np.floor(u[3] * 10)
        row = [
            np.floor((u[0] - 0.5) * 8 * step) / step,
            u[1] * 10 - 5,
            np.floor(u[2] * 10),
            code,
            1.7e9 + u[4] * 1e8,
            0 if u[5] < 0.5 else np.floor((u[5] - 0.75) * 8 * step) / step,
            1 / (u[6] + 0.001),
        ]
        rows.append([np.nan if draws.next() < 0.08 else value for value in row])
    return np.array(rows, np.float64)


X = make_rows(1, 1500, False)
TEST = make_rows(2, ROWS, True)
CLEAN = np.nan_to_num(X)
SCORE = (
    CLEAN[:, 0]
    + np.sin(CLEAN[:, 1])
    + (CLEAN[:, 2] > 4)
    + np.isin(CLEAN[:, 3], [1, 4, 5, 8]) * 1.5
    + (CLEAN[:, 4] - 1.75e9) / 4e7
    - (CLEAN[:, 5] == 0)
    + np.log1p(CLEAN[:, 6]) / 2
    + np.random.default_rng(0).normal(0, 0.4, len(X))
)
BINARY = (SCORE > np.median(SCORE)).astype(int)
CLASSES = np.digitize(SCORE, np.quantile(SCORE, [0.3, 0.7]))
POSITIVE = np.exp(SCORE / 3) + 0.05
COUNTS = np.floor(POSITIVE * 2)
SHARES = 1 / (1 + np.exp(-SCORE))
RELEVANCE = np.digitize(SCORE, np.quantile(SCORE, [0.5, 0.8]))
GROUPS = [50] * 30


def encode(values, dtype=np.float64) -> str:
    return base64.b64encode(np.ascontiguousarray(values, dtype).tobytes()).decode()


def with_thresholds(thresholds, single):
    """TEST with thresholds of the model, and the numbers below and above each; the changes as (row, column, value)."""
    patches = []
    seen = sorted({(column, float(value)) for column, value in thresholds if np.isfinite(value)})
    chosen = [seen[index] for index in np.linspace(0, len(seen) - 1, min(len(seen), THRESHOLDS)).astype(int)] if seen else []
    for index, (column, value) in enumerate(chosen):
        kind = np.float32 if single else np.float64
        near = [value, np.nextafter(kind(value), kind(-np.inf)), np.nextafter(kind(value), kind(np.inf))]
        if single:
            near += [np.nextafter(value, -np.inf), np.nextafter(value, np.inf)]
        patches += [(index * len(near) + offset, column, each) for offset, each in enumerate(near)]
    rows = TEST.copy()
    for row, column, value in patches:
        rows[row, column] = value
    return rows, patches


class Writer:
    def __init__(self, library, version):
        self.folder = FORMATS / library / version
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.single = library == "xgboost"
        self.cases = []

    def add(self, name, extension, data, expected, labels=None, patches=(), **more):
        """`expected` [N,outputs] as the library gives it, or None when labels alone are compared."""
        file = f"{name}.{extension}.gz"
        (self.folder / file).write_bytes(gzip.compress(data, 9, mtime=0))
        dtype = np.float32 if self.single else np.float64
        case = {"name": name, "file": file, "patches": encode(np.array(patches).reshape(-1, 3))}
        if expected is not None:
            expected = np.asarray(expected).reshape(ROWS, -1)
            case |= {"outputs": expected.shape[1], "expected": encode(expected, dtype)}
        if labels is not None:
            case["labels"] = [str(label) for label in np.asarray(labels).tolist()]
        self.cases.append(case | more)

    def close(self):
        (self.folder / "cases.json.gz").write_bytes(gzip.compress(json.dumps(self.cases).encode(), 9, mtime=0))


# XGBoost


def xgb_thresholds(model):
    gradient = model["learner"]["gradient_booster"]
    trees = gradient.get("gbtree", gradient).get("model", {}).get("trees", [])
    for tree in trees:
        for node, left in enumerate(tree["left_children"]):
            if left >= 0 and not tree["split_type"][node]:
                yield tree["split_indices"][node], tree["split_conditions"][node]


def xgb_matrix(rows, types=None, **more):
    return xgb.DMatrix(rows, feature_names=NAMES, feature_types=types, enable_categorical=types is not None, **more)


def both(probabilities):
    """The probabilities of both classes, as XGBClassifier makes them."""
    return np.stack([1 - probabilities, probabilities], 1)


def xgb_add(writer, name, booster, types=None, extensions=("json",), missing=np.nan):
    document = json.loads(bytes(booster.save_raw("json")))
    rows, patches = with_thresholds(xgb_thresholds(document), True)
    matrix = xgb_matrix(rows, types)
    predicted = booster.predict(matrix)
    objective = document["learner"]["objective"]["name"]
    labels = None
    if objective in ("binary:logistic", "binary:hinge") and predicted.ndim == 1:
        labels = (predicted > 0.5).astype(int)
        predicted = both(predicted)
    elif objective == "multi:softprob":
        labels = predicted.argmax(1)
    elif objective == "multi:softmax":
        labels, predicted = predicted.astype(int), None
    for extension in extensions:
        writer.add(name, extension, bytes(booster.save_raw(extension)), predicted, labels, patches)


def xgboost_files(writer):
    modern = int(xgb.__version__.split(".")[0]) >= 2
    base = {"max_depth": 3, "tree_method": "hist", "eta": 0.3, "nthread": 2, "seed": 1}

    def train(name, objective, target, rounds=6, extensions=("json",), types=None, margins=None, group=None, **params):
        matrix = xgb_matrix(X, types, label=target)
        if group:
            matrix.set_group(group)
        if margins is not None:
            matrix.set_float_info("label_lower_bound", margins[0])
            matrix.set_float_info("label_upper_bound", margins[1])
        booster = xgb.train(base | {"objective": objective} | params, matrix, rounds)
        xgb_add(writer, name, booster, types, extensions)

    kinds = ["q", "q", "q", "c", "q", "q", "q"]
    train("binary-logistic", "binary:logistic", BINARY, extensions=("json", "ubj"), rounds=20)
    train("binary-base-score", "binary:logistic", BINARY, base_score=0.2)
    train("binary-exact", "binary:logistic", BINARY, tree_method="exact")
    train("binary-logitraw", "binary:logitraw", BINARY)
    train("binary-hinge", "binary:hinge", BINARY)
    train("multi-softprob", "multi:softprob", CLASSES, num_class=3, extensions=("json", "ubj"))
    train("multi-softmax", "multi:softmax", CLASSES, num_class=3)
    train("reg-squarederror", "reg:squarederror", SCORE, rounds=20, extensions=("json", "ubj"))
    train("reg-squaredlogerror", "reg:squaredlogerror", POSITIVE)
    train("reg-pseudohubererror", "reg:pseudohubererror", SCORE)
    train("reg-absoluteerror", "reg:absoluteerror", SCORE)
    train("reg-logistic", "reg:logistic", SHARES)
    train("reg-gamma", "reg:gamma", POSITIVE)
    train("reg-tweedie", "reg:tweedie", POSITIVE)
    train("count-poisson", "count:poisson", COUNTS)
    train("survival-cox", "survival:cox", np.where(BINARY, POSITIVE, -POSITIVE))
    train("survival-aft", "survival:aft", None, margins=(POSITIVE, np.where(BINARY, POSITIVE, np.inf)))
    train("rank-pairwise", "rank:pairwise", RELEVANCE, group=GROUPS)
    train("rank-ndcg", "rank:ndcg", RELEVANCE, group=GROUPS)
    train("rank-map", "rank:map", (RELEVANCE > 1).astype(int), group=GROUPS)
    train("dart", "binary:logistic", BINARY, booster="dart", rate_drop=0.5, rounds=12)
    train("gblinear", "reg:squarederror", SCORE, booster="gblinear", tree_method="auto", updater="coord_descent")
    train("gblinear-multi", "multi:softprob", CLASSES, num_class=3, booster="gblinear", updater="coord_descent")
    train("forest", "binary:logistic", BINARY, rounds=1, num_parallel_tree=6, subsample=0.7, eta=1)
    train("forest-multi", "multi:softprob", CLASSES, num_class=3, rounds=2, num_parallel_tree=2, subsample=0.7)
    train("categories", "binary:logistic", BINARY, types=kinds, max_cat_to_onehot=1, extensions=("json", "ubj"))
    train("categories-one-hot", "reg:squarederror", SCORE, types=kinds, max_cat_to_onehot=100)
    train("targets", "reg:squarederror", np.stack([SCORE, -2 * SCORE], 1))
    train("multi-label", "binary:logistic", np.stack([BINARY, CLASSES > 1], 1))
    if modern:
        train("quantiles", "reg:quantileerror", SCORE, quantile_alpha=[0.1, 0.5, 0.9])
        train("multi-output-tree", "reg:squarederror", np.stack([SCORE, -2 * SCORE], 1), multi_strategy="multi_output_tree")
        xgb_frame(writer)


def to_frame(rows, unknown="none"):
    """Column `code` as texts and column `count` as whole categories of pandas. A code that training lacks is `unknown`."""
    frame = pd.DataFrame(rows, columns=NAMES)
    texts = [None if np.isnan(code) else unknown if code not in range(10) else COLOURS[int(code)] for code in rows[:, CODE]]
    frame["code"] = pd.Categorical(texts)
    counts = [None if np.isnan(count) else int(count) * 10 for count in rows[:, 2]]
    frame["count"] = pd.Categorical(counts, categories=sorted({count for count in counts if count is not None}))
    return frame


def xgb_frame(writer):
    """Categories of pandas, which XGBoost 3.1 and later stores in the model. It refuses unknown ones, and fails at names beyond ASCII."""
    matrix = xgb.DMatrix(to_frame(X), BINARY, enable_categorical=True)
    booster = xgb.train({"objective": "binary:logistic", "max_depth": 4, "max_cat_to_onehot": 1, "nthread": 2}, matrix, 8)
    test = to_frame(TEST, None)
    test["code"] = test["code"].cat.reorder_categories(sorted(test["code"].cat.categories, reverse=True))
    predicted = booster.predict(xgb.DMatrix(test, enable_categorical=True))
    for extension in ("json", "ubj"):
        data = bytes(booster.save_raw(extension))
        writer.add("frame", extension, data, both(predicted), (predicted > 0.5).astype(int), frame=True)


def xgb_pickle(writer, name, model, rows=None, patches=(), labels=True, **more):
    booster = model[-1] if hasattr(model, "steps") else model
    if rows is None:
        document = json.loads(bytes(booster.get_booster().save_raw("json")))
        rows, patches = with_thresholds(xgb_thresholds(document), True)
    is_classifier = hasattr(booster, "predict_proba")
    predicted = model.predict_proba(rows) if is_classifier else model.predict(rows)
    writer.add(name, "pkl", pickle.dumps(model, 4), predicted, model.predict(rows) if is_classifier else None, patches, **more)


def xgboost_pickles(writer):
    params = {"max_depth": 3, "tree_method": "hist", "n_jobs": 2, "random_state": 1}
    stopped = xgb.XGBClassifier(n_estimators=60, early_stopping_rounds=3, learning_rate=0.8, **params)
    noise = np.random.default_rng(1).permutation(BINARY[1000:])
    stopped.fit(X[:1000], BINARY[:1000], eval_set=[(X[1000:], np.where(np.arange(500) % 3, BINARY[1000:], noise))], verbose=False)
    assert stopped.best_iteration + 1 < stopped.get_booster().num_boosted_rounds()
    xgb_pickle(writer, "stopped", stopped)
    xgb_pickle(writer, "classes", xgb.XGBClassifier(n_estimators=5, **params).fit(X, CLASSES))
    xgb_pickle(writer, "softmax", xgb.XGBClassifier(n_estimators=5, objective="multi:softmax", **params).fit(X, CLASSES))
    xgb_pickle(writer, "regressor", xgb.XGBRegressor(n_estimators=5, **params).fit(X, SCORE))
    xgb_pickle(writer, "random-forest", xgb.XGBRFClassifier(n_estimators=8, **params).fit(X, BINARY))
    xgb_pickle(writer, "random-forest-regressor", xgb.XGBRFRegressor(n_estimators=8, **params).fit(X, SCORE))
    xgb_pickle(writer, "ranker", xgb.XGBRanker(n_estimators=5, objective="rank:pairwise", **params).fit(X, RELEVANCE, group=GROUPS))
    marked = xgb.XGBRegressor(n_estimators=5, missing=0.0, **params).fit(CLEAN, SCORE)
    xgb_pickle(writer, "missing-0", marked, np.nan_to_num(TEST), clean=True)
    xgb_pickle(writer, "pipeline", make_pipeline(StandardScaler(), xgb.XGBClassifier(n_estimators=5, **params)).fit(X, BINARY), TEST)
    booster = xgb.train({"objective": "reg:gamma", "max_depth": 3, "nthread": 2}, xgb_matrix(X, label=POSITIVE), 5)
    writer.add("booster", "pkl", pickle.dumps(booster, 4), booster.predict(xgb_matrix(TEST)))


# LightGBM


def lgb_thresholds(booster):
    def walk(node):
        if "split_feature" in node:
            if node["decision_type"] == "<=":
                yield node["split_feature"], node["threshold"]
            yield from walk(node["left_child"])
            yield from walk(node["right_child"])

    for tree in booster.dump_model()["tree_info"]:
        yield from walk(tree["tree_structure"])


def lgb_add(writer, name, booster):
    rows, patches = with_thresholds(lgb_thresholds(booster), False)
    predicted = booster.predict(rows)
    objective = booster.model_to_string().split("objective=")[-1].split("\n")[0].split(" ")[0]
    labels = None
    if objective == "binary":
        predicted = both(predicted)
    if objective in ("binary", "multiclass", "multiclassova"):
        labels = predicted.argmax(1)
    writer.add(name, "txt", booster.model_to_string().encode(), predicted, labels, patches)


def lightgbm_files(writer):
    base = {"num_leaves": 7, "min_data_in_leaf": 20, "verbose": -1, "num_threads": 2, "seed": 1, "deterministic": True}

    def train(name, objective, target, rounds=6, categories="auto", group=None, **params):
        data = lgb.Dataset(X, target, feature_name=NAMES, categorical_feature=categories, group=group, free_raw_data=False)
        lgb_add(writer, name, lgb.train(base | {"objective": objective} | params, data, rounds))

    forest = {"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.7}
    train("binary", "binary", BINARY, rounds=20)
    train("binary-steep", "binary", BINARY, sigmoid=2.5)
    train("multiclass", "multiclass", CLASSES, num_class=3)
    train("multiclassova", "multiclassova", CLASSES, num_class=3, sigmoid=0.7)
    train("regression", "regression", SCORE, rounds=20)
    train("regression-sqrt", "regression", SCORE, reg_sqrt=True)
    train("regression-l1", "regression_l1", SCORE)
    train("huber", "huber", SCORE)
    train("fair", "fair", SCORE)
    train("quantile", "quantile", SCORE, alpha=0.8)
    train("mape", "mape", POSITIVE)
    train("poisson", "poisson", COUNTS)
    train("gamma", "gamma", POSITIVE)
    train("tweedie", "tweedie", POSITIVE)
    train("cross-entropy", "cross_entropy", SHARES)
    train("cross-entropy-lambda", "cross_entropy_lambda", SHARES)
    train("lambdarank", "lambdarank", RELEVANCE, group=GROUPS)
    train("rank-xendcg", "rank_xendcg", RELEVANCE, group=GROUPS)
    train("forest", "regression", SCORE, **forest)
    train("forest-binary", "binary", BINARY, **forest)
    train("forest-multiclass", "multiclass", CLASSES, num_class=3, **forest)
    train("dart", "binary", BINARY, boosting="dart", drop_rate=0.5, rounds=12)
    train("goss", "binary", BINARY, boosting="goss")
    train("zero-as-missing", "binary", BINARY, zero_as_missing=True)
    train("no-missing", "regression", SCORE, use_missing=False)
    train("categories", "binary", BINARY, categories=[CODE])
    train("categories-wide", "regression", SCORE, categories=[2, CODE], max_cat_to_onehot=1, cat_smooth=1)
    frame = lgb.Dataset(to_frame(X), BINARY, free_raw_data=False)
    booster = lgb.train(base | {"objective": "binary", "max_cat_to_onehot": 1, "cat_smooth": 1}, frame, 8)
    predicted = both(booster.predict(to_frame(TEST)))
    writer.add("frame", "txt", booster.model_to_string().encode(), predicted, predicted.argmax(1), frame=True)


def lgb_pickle(writer, name, model, rows=None, **more):
    estimator = model[-1] if hasattr(model, "steps") else model
    patches = ()
    if rows is None:
        rows, patches = with_thresholds(lgb_thresholds(estimator.booster_), False)
    is_classifier = hasattr(estimator, "predict_proba")
    predicted = model.predict_proba(rows) if is_classifier else model.predict(rows)
    writer.add(name, "pkl", pickle.dumps(model, 4), predicted, model.predict(rows) if is_classifier else None, patches, **more)


def lightgbm_pickles(writer):
    params = {"num_leaves": 7, "n_estimators": 5, "n_jobs": 2, "verbose": -1, "random_state": 1}
    stopped = lgb.LGBMClassifier(**params | {"n_estimators": 60, "learning_rate": 0.8})
    noise = np.random.default_rng(1).permutation(BINARY[1000:])
    answers = np.where(np.arange(500) % 3, BINARY[1000:], noise)
    stopped.fit(X[:1000], BINARY[:1000], eval_set=[(X[1000:], answers)], callbacks=[lgb.early_stopping(3, verbose=False)])
    assert stopped.best_iteration_ < 60
    lgb_pickle(writer, "stopped", stopped)
    words = np.array(["low", "mid", "top"])[CLASSES]
    lgb_pickle(writer, "classes", lgb.LGBMClassifier(**params).fit(X, words))
    lgb_pickle(writer, "regressor", lgb.LGBMRegressor(**params).fit(X, SCORE))
    lgb_pickle(writer, "random-forest", lgb.LGBMClassifier(boosting_type="rf", subsample=0.7, subsample_freq=1, **params).fit(X, BINARY))
    lgb_pickle(writer, "ranker", lgb.LGBMRanker(**params).fit(X, RELEVANCE, group=GROUPS))
    lgb_pickle(writer, "pipeline", make_pipeline(StandardScaler(), lgb.LGBMClassifier(**params)).fit(X, BINARY), TEST)
    booster = lgb.train({"objective": "poisson", "verbose": -1, "num_leaves": 7}, lgb.Dataset(X, COUNTS), 5)
    writer.add("booster", "pkl", pickle.dumps(booster, 4), booster.predict(TEST))
    booster.best_iteration = 3
    writer.add("booster-of-three", "pkl", pickle.dumps(booster, 4), booster.predict(TEST))


def main() -> None:
    writer = Writer("xgboost", xgb.__version__)
    xgboost_files(writer)
    xgboost_pickles(writer)
    writer.close()
    writer = Writer("lightgbm", lgb.__version__)
    lightgbm_files(writer)
    lightgbm_pickles(writer)
    writer.close()


if __name__ == "__main__":
    main()
