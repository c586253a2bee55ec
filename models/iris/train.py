"""Makes this folder: the ONNX graph, config.json, the golden outputs and the samples.

    python3 -m venv .venv && .venv/bin/pip install -r requirements.txt && .venv/bin/python train.py
"""

import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
import onnxruntime
from skl2onnx import to_onnx
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

FOLDER = Path(__file__).parent
GRAPH = FOLDER / "model.onnx"
OPSET = {"": 17, "ai.onnx.ml": 3}
SEED = 0
# A typical flower of each species, the border between two of them, and what no iris measures.
SAMPLES = [[5.1, 3.5, 1.4, 0.2], [5.9, 2.8, 4.3, 1.3], [6.5, 3.0, 5.5, 2.0], [6.0, 2.7, 5.1, 1.6], [0, 0, 0, 0], [50, 50, 50, 50]]


def wilson(right: int, count: int, z: float = 1.96) -> list[float]:
    """The 95 % interval of a share (Wilson, JASA 1927)."""
    share = right / count
    centre = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z / (1 + z**2 / count) * np.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    return [round(float(centre - half), 3), round(float(centre + half), 3)]


def write_json(name: str, content) -> None:
    (FOLDER / name).write_text(json.dumps(content, indent=2) + "\n")


def main() -> None:
    data = load_iris()
    features, species = data.data.astype(np.float32), data.target
    model = make_pipeline(StandardScaler(), LogisticRegression())
    folds = StratifiedKFold(10, shuffle=True, random_state=SEED)
    right = int((cross_val_predict(model, features, species, cv=folds) == species).sum())

    model.fit(features, species)
    GRAPH.write_bytes(to_onnx(model, features[:1], target_opset=OPSET, options={"zipmap": False}).SerializeToString(deterministic=True))
    names = data.target_names.tolist()
    write_json("config.json", {
        "pipeline_tag": "tabular-classification",
        "columns": data.feature_names,
        "id2label": {str(index): name for index, name in enumerate(names)},
    })

    rows = np.array(SAMPLES, np.float32)
    expected = model.predict_proba(rows)
    session = onnxruntime.InferenceSession(GRAPH, providers=["CPUExecutionProvider"])
    (actual,) = session.run(["probabilities"], {"X": features})
    difference = np.abs(actual - model.predict_proba(features)).max()
    write_json("golden.json", {
        "reference": {name: version(name) for name in ("scikit-learn", "skl2onnx", "onnxruntime")},
        "cross_validation": {"folds": 10, "flowers": len(species), "right": right, "accuracy": round(right / len(species), 3), "interval95": wilson(right, len(species))},
        "onnx_against_sklearn": {"max_score_difference": float(f"{difference:.1e}")},
        "samples": [
            {"row": row, "scores": {name: round(float(score), 6) for name, score in zip(names, scores)}}
            for row, scores in zip(SAMPLES, expected)
        ],
    })
    header = ",".join(data.feature_names)
    lines = [",".join(str(value) for value in row) for row in SAMPLES]
    (FOLDER / "samples" / "flowers.csv").write_text("\n".join([header, *lines]) + "\n")
    write_json("samples/flowers.json", {"inputs": SAMPLES[:3], "parameters": {"top_k": 1}})
    (FOLDER / "samples" / "flowers.jsonl").write_text("".join(
        json.dumps(dict(zip(data.feature_names, row))) + "\n" for row in SAMPLES[:3]
    ))


if __name__ == "__main__":
    main()
