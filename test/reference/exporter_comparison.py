"""Makes test/fixtures/formats/exporter: fitted trees of scikit-learn, what they answer for 1,000 rows, and how many of these rows the graphs of
skl2onnx answer otherwise.

A column has the seconds since 1970, which float32 rounds to steps of 128. `requirements-exporter.txt` has versions of onnx and protobuf with
which skl2onnx converts trees. skl2onnx gets float32 inputs, as its documentation shows; with float64 inputs onnxruntime refuses its trees.
"""

import base64
import json
from importlib.metadata import version
from pathlib import Path

import joblib
import numpy as np
import onnxruntime
from skl2onnx import to_onnx
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor, RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

FOLDER = Path(__file__).parent.parent / "fixtures" / "formats" / "exporter"
ROWS = 1000
TRAINING_ROWS = 1500

rng = np.random.default_rng(0)
count = TRAINING_ROWS + ROWS
seconds = rng.permutation(np.sort(1_700_000_000 + rng.integers(0, 3 * 86_400, count))).astype(float)
x = np.stack([seconds, np.round(rng.uniform(0, 100, count), 2), rng.integers(0, 50, count).astype(float)], axis=1)
y = 10 * np.sin(x[:, 0] / 3600) + 0.1 * x[:, 1] + rng.normal(0, 1, count)
classes = (y > np.median(y)).astype(int)
rows = x[TRAINING_ROWS:]

MODELS = {
    "StandardScaler, DecisionTreeRegressor": make_pipeline(StandardScaler(), DecisionTreeRegressor(max_leaf_nodes=500, random_state=0)),
    "StandardScaler, DecisionTreeClassifier": make_pipeline(StandardScaler(), DecisionTreeClassifier(random_state=0)),
    "RandomForestClassifier": RandomForestClassifier(20, max_leaf_nodes=60, random_state=0),
    "HistGradientBoostingRegressor": HistGradientBoostingRegressor(max_iter=50, random_state=0),
    "HistGradientBoostingClassifier": HistGradientBoostingClassifier(max_iter=50, random_state=0),
}


def exported(model):
    """Answers of the graph that skl2onnx makes, for all rows."""
    is_classifier = hasattr(model, "classes_")
    graph = to_onnx(model, rows[:1].astype(np.float32), options={"zipmap": False} if is_classifier else None)
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"X": rows.astype(np.float32)})[0].ravel()


comparison = {}
for name, model in MODELS.items():
    model.fit(x[:TRAINING_ROWS], (classes if "Classifier" in name else y)[:TRAINING_ROWS])
    expected = model.predict(rows)
    difference = np.abs(exported(model) - expected) / np.maximum(1, np.abs(expected))
    comparison[name] = {
        "expected": base64.b64encode(expected.astype(np.float64).tobytes()).decode(),
        "otherRows": int((difference > 1e-5).sum()),
        "largestDifference": float(difference.max()),
    }

FOLDER.mkdir(parents=True, exist_ok=True)
joblib.dump(MODELS, FOLDER / "models.joblib", compress=("zlib", 9))
versions = {package: version(package) for package in ["scikit-learn", "skl2onnx", "onnx", "onnxruntime"]}
record = {"versions": versions, "rows": base64.b64encode(rows.tobytes()).decode(), "models": comparison}
(FOLDER / "comparison.json").write_text(json.dumps(record, indent=1) + "\n")
