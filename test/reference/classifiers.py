"""Makes `../fixtures/classifiers`: classifiers, clusterers and outlier detectors as skl2onnx writes them, and what scikit-learn answers for 240 rows.

All take the same rows float32[240,4]. Scores are those of each class: `predict_proba`, `decision_function` (of two classes -z and z), or `transform`
of a clusterer. Of several targets they stand side by side; of several labels they are the scores that a label is set.
"""

import base64
import json
import shutil
import zlib
from pathlib import Path

import numpy as np
from skl2onnx import to_onnx
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.ensemble import IsolationForest, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Perceptron, RidgeClassifier, SGDClassifier
from sklearn.mixture import GaussianMixture
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier
from sklearn.neighbors import KNeighborsClassifier, LocalOutlierFactor
from sklearn.neural_network import MLPClassifier
from sklearn.svm import SVC, LinearSVC, NuSVC, OneClassSVM

FOLDER = Path(__file__).parent.parent / "fixtures" / "classifiers"
OPSET = {"": 17, "ai.onnx.ml": 3}
ROWS = 240

rng = np.random.default_rng(7)
train, rows = (rng.normal(size=(count, 4)).astype(np.float32) for count in (300, ROWS))
first = train[:, 0] + 0.3 * train[:, 1] + rng.normal(0, 0.2, 300)

two = np.where(first > 0, "yes", "no")
four = np.array(list("abcd"))[np.digitize(first, [-1, 0, 1])]
numbers = np.digitize(first, [-0.5, 0.5]) + 1
flags = (train[:, :3] > [0, 0.5, -0.5]).astype(int)
texts = np.stack([two, four], 1)
uneven = np.stack([numbers, np.digitize(train[:, 1], [0])], 1)


def encode(values) -> str:
    return base64.b64encode(zlib.compress(np.ascontiguousarray(values, np.float32).tobytes(), 9)).decode()


def id2label(*names) -> dict:
    return {"id2label": {str(index): name for index, name in enumerate(names)}}


def scores_of(model) -> np.ndarray:
    if hasattr(model, "transform"):
        return model.transform(rows)
    if hasattr(model, "predict_proba"):
        found = model.predict_proba(rows)
        return np.concatenate(found, 1) if isinstance(found, list) else found
    margins = model.decision_function(rows)
    if margins.ndim > 1:
        return margins
    return margins[:, None] if hasattr(model, "offset_") else np.stack([-margins, margins], 1)


def printed(values) -> list:
    """Labels as Python prints them."""
    return [printed(value) if isinstance(value, (list, np.ndarray)) else str(value) for value in values]


# The model, its target, options of skl2onnx, and what config.json has to say.
MODELS = {
    "linear-svc": (LinearSVC(), two, {}, {}),
    "linear-svc-numbers": (LinearSVC(), numbers, {}, {}),
    "ridge": (RidgeClassifier(), two, {}, {}),
    "ridge-four": (RidgeClassifier(), four, {}, {}),
    "sgd": (SGDClassifier(random_state=0), two, {}, {}),
    "sgd-numbers": (SGDClassifier(random_state=0), numbers, {"zipmap": False}, id2label("1", "2", "3")),
    "perceptron": (Perceptron(), two, {}, {}),
    "svc": (SVC(), two, {}, {}),
    "svc-four": (SVC(), four, {"zipmap": False}, {}),
    "svc-pairs": (SVC(decision_function_shape="ovo"), four, {"zipmap": False}, {"scores": "label"}),
    "svc-probabilities": (SVC(probability=True, random_state=0), four, {}, {}),
    "nu-svc": (NuSVC(nu=0.3), numbers, {}, {}),
    "bools": (LogisticRegression(), first > 0, {}, id2label("False", "True")),
    "bool-margins": (LinearSVC(), first > 0, {}, id2label("False", "True")),
    "floats": (LogisticRegression(), numbers.astype(float), {"zipmap": False}, id2label("1.0", "2.0", "3.0")),
    "k-means": (KMeans(4, n_init=2, random_state=0), None, {}, {}),
    "mini-batch-k-means": (MiniBatchKMeans(3, random_state=0), None, {}, id2label("near", "far", "new")),
    "gaussian-mixture": (GaussianMixture(3, random_state=0), None, {}, {}),
    "isolation-forest": (IsolationForest(n_estimators=10, contamination=0.2, random_state=0), None, {}, {}),
    "one-class-svm": (OneClassSVM(nu=0.3), None, {}, {}),
    "local-outlier-factor": (LocalOutlierFactor(novelty=True, contamination=0.2), None, {}, {}),
    "targets-of-texts": (MultiOutputClassifier(LogisticRegression()), texts, {}, {}),
    "targets-of-flags": (MultiOutputClassifier(LogisticRegression()), flags, {}, {}),
    "labels-by-targets": (MultiOutputClassifier(LogisticRegression()), flags, {}, {"problem_type": "multi_label_classification", **id2label("a", "b", "c")}),
    "forest-of-targets": (RandomForestClassifier(4, max_depth=4, random_state=0), flags, {"zipmap": False}, {}),
    "forest-of-uneven-targets": (
        RandomForestClassifier(4, max_depth=4, random_state=0), uneven, {"zipmap": False}, {"targets": [id2label("1", "2", "3"), id2label("0", "1")]},
    ),
    "neighbours-of-targets": (KNeighborsClassifier(), flags, {"zipmap": False}, {}),
    "labels-one-vs-rest": (OneVsRestClassifier(LogisticRegression()), flags, {}, {}),
    "labels-network": (MLPClassifier((5,), random_state=0, max_iter=500), flags, {"zipmap": False}, id2label("a", "b", "c")),
    "labels-of-margins": (OneVsRestClassifier(LinearSVC()), flags, {}, {"label": "none"}),
}


def make(name: str, model, target, options: dict, config: dict) -> dict:
    model.fit(train) if target is None else model.fit(train, target)
    graph = to_onnx(model, train[:1], target_opset=OPSET, options=options or None)
    folder = FOLDER / name
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"pipeline_tag": "tabular-classification", **config}) + "\n")
    (folder / "model.onnx").write_bytes(graph.SerializeToString(deterministic=True))
    scores = scores_of(model)
    if name == "labels-by-targets":
        scores = scores[:, 1::2]
    labels = printed(model.predict(rows))
    if target is None and "id2label" in config:
        labels = [config["id2label"][label] for label in labels]
    return {"model": name, "labels": labels, "width": scores.shape[1], "scores": encode(scores)}


def main() -> None:
    shutil.rmtree(FOLDER, ignore_errors=True)
    cases = [make(name, *parts) for name, parts in MODELS.items()]
    (FOLDER / "expected.json").write_text(json.dumps({"rows": encode(rows), "cases": cases}) + "\n")


if __name__ == "__main__":
    main()
