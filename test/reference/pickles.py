"""Pickles of every protocol and compression, joblib and skops files, of values and of a model.

Each version of scikit-learn writes its own folder. Python 3.9 for 1.0.2, 3.11 for the others:

    pip install scikit-learn==1.0.2 numpy==1.22.4 pandas==1.4.4 joblib==1.1.1
    pip install scikit-learn==1.1.3 "numpy<1.25" pandas==1.5.3
    pip install scikit-learn==1.3.2 numpy==1.26.4 pandas==2.1.4
    pip install scikit-learn==1.7.2 pandas==3.1.1 skops==0.16.0
    pip install scikit-learn==1.9.1 pandas==3.1.1 skops==0.16.0
"""

import collections
import datetime
import functools
import operator
import pathlib
import pickle

import joblib
import numpy as np
import pandas as pd
import scipy.sparse
import sklearn
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier, VotingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.utils import Bunch

TARGET = pathlib.Path(__file__).parents[1] / "fixtures" / "formats" / "pickle" / f"scikit-learn-{sklearn.__version__}"

RECORDS = np.array([(1, 0.5, b"ab"), (-2, 1.5, b"c")], dtype=[("left", "<i8"), ("threshold", "<f8"), ("name", "S2")])


def model() -> Pipeline:
    """A pipeline of columns with text and numbers, and of estimators with records, object arrays and random generators."""
    random = np.random.RandomState(0)
    rows = pd.DataFrame({"a": random.rand(60), "b": random.choice(["x", "y", "ü"], 60), "c": random.rand(60)})
    labels = np.where(rows["a"] + rows["c"] > 1, "yes", "no")
    columns = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(), StandardScaler(), FunctionTransformer(np.arctan)), ["a", "c"]),
            ("words", OneHotEncoder(handle_unknown="ignore"), ["b"]),
        ]
    )
    voting = VotingClassifier(
        [
            ("forest", RandomForestClassifier(2, max_depth=3, random_state=0)),
            ("boosting", GradientBoostingClassifier(n_estimators=2, max_depth=2, random_state=random)),
        ]
    )
    rows["a"] = rows["a"].where(rows["a"] < 0.9)
    return Pipeline([("columns", columns), ("voting", voting)]).fit(rows, labels)


def vectorizer() -> TfidfVectorizer:
    """Its state has a dict of numpy's integers, and in older versions a sparse matrix."""
    return TfidfVectorizer(ngram_range=(1, 2)).fit(["a cat sat", "a dog sat", "no œuvre in 2020"])


def values() -> list:
    """Values of every type that a reader knows, and of types that it keeps as objects."""
    shared = [1]
    return [
        [None, True, False, 0, -1, 255, 256, 65535, 65536, -(2**31), 2**31, -(2**40), 2**53, 2**63, -(2**70)],
        [0.0, -0.0, 1.5, -1e300, float("inf"), float("-inf"), float("nan")],
        ["", "a", "é", "€", "😀", "line\nfeed \\ 'quotes\"", "x" * 300],
        [b"", b"a\x00\xff", bytearray(b"ab"), b"y" * 300],
        [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), [], [[]], {}],
        {"a": 1, 2: "b", (1, "c"): None, None: [], True: False, "__proto__": {"constructor": 1}},
        [{1, 2}, set(), frozenset("a"), frozenset()],
        [shared, shared],
        [collections.OrderedDict(a=1), collections.defaultdict(list, a=[1]), collections.Counter("aab"), Bunch(a=1)],
        [np.float64(1.5), np.float32(0.5), np.float16(0.25), np.int64(-7), np.uint8(200), np.bool_(True), np.str_("hé")],
        [np.array([[1.5, 2.5, -3.0], [np.nan, np.inf, 0]]), np.arange(6, dtype=np.int32).reshape(2, 3).T],
        [np.array(order="F", object=np.arange(24, dtype=">i2").reshape(2, 3, 4)), np.array([1, 2], dtype=">f4")],
        [np.array(["a", "bcd", ""]), np.array([b"a", b"bc"]), np.array([True, False]), np.array([], dtype="u8")],
        [np.array([1.5, None, "x", (1,)], dtype=object), np.array([[1, "a"], [None, b""]], dtype=object), np.array(3)],
        [RECORDS, np.array([2**53 + 1, -1]), np.array([65504, 6e-8, -0.0], dtype=np.float16)],
        [slice(1, None, 2), 1 + 2j, pathlib.PurePosixPath("/a/b"), datetime.datetime(2026, 1, 2, 3, 4, 5)],
        [np.datetime64("2026-01-02"), np.array([1 + 2j]), np.array(["2026-01-02"], dtype="M8[D]"), np.dtype("<f4")],
        [np.ma.array([1, 2], mask=[True, False]), scipy.sparse.csr_matrix([[0, 1.5], [2.5, 0]])],
        [np.log1p, len, np.random.RandomState(1).rand, functools.partial(np.full, fill_value=2), operator.itemgetter(1)],
        [np.random.RandomState(1), np.random.default_rng(2), pd.Timestamp("2026-01-02"), int, np.float32],
    ]


def write_all(name: str, value: object) -> None:
    for protocol in range(6):
        (TARGET / f"{name}.p{protocol}.pkl").write_bytes(pickle.dumps(value, protocol=protocol))
    for protocol in (2, 3, 4, 5):
        joblib.dump(value, TARGET / f"{name}.p{protocol}.joblib", protocol=protocol)
    for compression in ("zlib", "gzip"):
        joblib.dump(value, TARGET / f"{name}.{compression}.joblib", compress=(compression, 9))


def main() -> None:
    TARGET.mkdir(parents=True, exist_ok=True)
    fitted = model()
    write_all("vectorizer", vectorizer())
    if sklearn.__version__ in ("1.0.2", "1.9.1"):
        write_all("values", values())
    for protocol in (0, 2, 5):
        joblib.dump(fitted, TARGET / f"model.p{protocol}.joblib", compress=("gzip", 9), protocol=protocol)
    (TARGET / "model.pkl").write_bytes(pickle.dumps(fitted))
    try:
        import skops.io
    except ImportError:
        return
    import zipfile

    skops.io.dump(fitted, TARGET / "model.skops", compression=zipfile.ZIP_DEFLATED)
    skops.io.dump(vectorizer(), TARGET / "vectorizer.skops")


if __name__ == "__main__":
    main()
