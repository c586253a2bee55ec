"""Makes the models `tabular-*` of test/fixtures/models with skl2onnx, and what scikit-learn answers for them.

Each model is a layout that skl2onnx writes: one input for all columns, one for each, one for each type; ZipMap on and off.
The rows of the reference hold missing values, denormals, the largest float32 and values far outside the training data.
"""

import base64
import json
import shutil
import zlib
from pathlib import Path

import numpy as np
import pandas as pd
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingRegressor, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

FIXTURES = Path(__file__).parent.parent / "fixtures"
OPSET = {"": 17, "ai.onnx.ml": 3}
ROWS = 30
LARGE = [1e30, -1e30, 3.4e38, -3.4e38, 1e-40, 0.0]

rng = np.random.default_rng(0)


def encode(values) -> str:
    """As test/support/image-parity.ts `decodeFloats` reads it."""
    return base64.b64encode(zlib.compress(np.ascontiguousarray(values, np.float32).tobytes())).decode()


def save(name: str, config: dict, graph) -> None:
    folder = FIXTURES / "models" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    (folder / "model.onnx").write_bytes(graph.SerializeToString(deterministic=True))


def to_json(frame: pd.DataFrame) -> list[dict]:
    """Rows as a caller sends them: a missing value is null."""
    rows = frame.astype(object).to_dict("records")
    return [{name: None if pd.isna(value) else value for name, value in row.items()} for row in rows]


def passengers(count: int) -> pd.DataFrame:
    """float32, int64, string and bool, and one name that is none in ONNX."""
    return pd.DataFrame({
        "fare (GBP)": rng.gamma(2, 20, count).astype(np.float32),
        "age": rng.integers(1, 80, count),
        "port": rng.choice(["Southampton", "Cherbourg", "Queenstown", "Åbo"], count),
        "alone": rng.random(count) < 0.5,
    })


def survived(frame: pd.DataFrame) -> np.ndarray:
    score = frame["fare (GBP)"] / 40 - frame["age"] / 40 + (frame["port"] == "Cherbourg") + rng.normal(0, 0.5, len(frame))
    return np.where(score > score.median(), "yes", "no")


def mixed():
    """An input for each column, of its own type; strings through an encoder that refuses strangers; ZipMap with string classes."""
    train = passengers(300)
    columns = ColumnTransformer([
        ("numbers", StandardScaler(), ["fare (GBP)", "age"]),
        ("ports", OneHotEncoder(), ["port"]),
        ("flags", "passthrough", ["alone"]),
    ])
    model = make_pipeline(columns, LogisticRegression()).fit(train, survived(train))
    ports = sorted(train["port"].unique())
    config = {
        "pipeline_tag": "tabular-classification",
        "columns": ["fare (GBP)", "age", {"name": "port", "categories": ports}, "alone"],
    }
    save("tabular-mixed", config, to_onnx(model, train[:1], target_opset=OPSET))
    rows = passengers(ROWS)
    rows.loc[0, "age"], rows.loc[1, "age"] = 0, 2**31
    rows.loc[2, "fare (GBP)"], rows.loc[3, "fare (GBP)"], rows.loc[4, "fare (GBP)"] = 1e30, -1e30, 1e-40
    return classified("tabular-mixed", model, rows)


def numbers(count: int, columns: int) -> np.ndarray:
    return rng.normal(size=(count, columns)).astype(np.float32)


def with_holes(values: np.ndarray, share: float = 0.2) -> np.ndarray:
    return np.where(rng.random(values.shape) < share, np.float32(np.nan), values)


def imputed():
    """One input for all columns; missing values through an Imputer; classes -1 and 1, which only the graph names."""
    names = ["a", "b", "c"]
    train = with_holes(numbers(300, 3))
    classes = np.where(np.nan_to_num(train).sum(1) > 0, 1, -1)
    model = make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression()).fit(train, classes)
    config = {
        "pipeline_tag": "tabular-classification",
        "columns": [{"name": name, "optional": True} for name in names],
    }
    save("tabular-imputed", config, to_onnx(model, train[:1], target_opset=OPSET, options={"zipmap": False}))
    rows = with_holes(numbers(ROWS, 3))
    rows[0] = np.nan
    rows[1:5, 0] = [1e30, -1e30, 1e-40, 3e37]
    return classified("tabular-imputed", model, pd.DataFrame(rows, columns=names))


def forest():
    """Nothing but the graph: no names for the columns, ZipMap with integer classes."""
    train = numbers(400, 4)
    classes = np.digitize(train[:, 0] + train[:, 1] * train[:, 2], [-0.5, 0.5]) + 1
    model = RandomForestClassifier(10, max_depth=6, random_state=0).fit(train, classes)
    save("tabular-forest", {"pipeline_tag": "tabular-classification"}, to_onnx(model, train[:1], target_opset=OPSET))
    rows = numbers(ROWS, 4)
    rows[: len(LARGE), 0] = LARGE
    rows[: len(LARGE), 2] = LARGE[::-1]
    return classified("tabular-forest", model, pd.DataFrame(rows, columns=[f"x{index}" for index in range(4)]))


def boosting():
    """An input for each type: columns follow each other. Strings that the encoder never saw count as none; missing values are imputed."""
    count, names, ports = 300, ["area", "rooms", "floor"], ["north", "south", "east", ""]
    def make(rows):
        return pd.DataFrame({
            **{name: with_holes(numbers(rows, 1)[:, 0]) for name in names},
            "side": rng.choice(ports, rows),
            "heating": rng.choice(["gas", "oil"], rows),
        })
    train = make(count)
    price = train[names].fillna(0).sum(axis=1) * 10 + (train["side"] == "south") * 7 + rng.normal(size=count)
    columns = ColumnTransformer([
        ("numbers", SimpleImputer(strategy="median"), [0, 1, 2]),
        ("strings", OneHotEncoder(handle_unknown="ignore"), [3, 4]),
    ])
    model = make_pipeline(columns, GradientBoostingRegressor(n_estimators=20, random_state=0)).fit(train.to_numpy(object), price)
    types = [("numbers", FloatTensorType([None, 3])), ("strings", StringTensorType([None, 2]))]
    config = {
        "pipeline_tag": "tabular-regression",
        "columns": [*({"name": name, "optional": True} for name in names), {"name": "side", "optional": True}, "heating"],
    }
    save("tabular-boosting", config, to_onnx(model, initial_types=types, target_opset=OPSET))
    rows = make(ROWS)
    rows.loc[0, names] = np.nan
    rows.loc[: len(LARGE) - 1, "area"] = np.array(LARGE, np.float32)
    rows.loc[7, "side"], rows.loc[8, "heating"] = "somewhere", "wood 🔥"
    return regressed("tabular-boosting", rows, model.predict(rows.to_numpy(object)))


def ridge():
    """float64 throughout, two targets."""
    names = ["u", "v", "w"]
    train = rng.normal(size=(200, 3))
    model = Ridge().fit(train, train @ rng.normal(size=(3, 2)) + 5)
    config = {"pipeline_tag": "tabular-regression", "columns": names}
    save("tabular-ridge", config, to_onnx(model, train[:1], target_opset=OPSET))
    rows = rng.normal(size=(ROWS, 3))
    rows[:3, 0] = [1e-300, -1234.5678901234567, 0]
    frame = pd.DataFrame(rows, columns=names)
    return regressed("tabular-ridge", frame, model.predict(rows))


def classified(name, model, rows: pd.DataFrame) -> dict:
    features = rows if hasattr(model, "feature_names_in_") else rows.to_numpy()
    return {
        "model": name,
        "rows": to_json(rows),
        "classes": [str(label) for label in model.classes_],
        "labels": [str(label) for label in model.predict(features)],
        "probabilities": encode(model.predict_proba(features)),
    }


def regressed(name, rows: pd.DataFrame, values: np.ndarray) -> dict:
    return {"model": name, "rows": to_json(rows), "targets": values.shape[1] if values.ndim > 1 else 1, "values": encode(values)}


def write(name: str, cases: list[dict]) -> None:
    path = FIXTURES / "reference" / f"{name}.json"
    path.write_text(json.dumps(cases, indent=1, ensure_ascii=False) + "\n")


def main() -> None:
    write("tabular-classification", [mixed(), imputed(), forest()])
    write("tabular-regression", [boosting(), ridge()])


if __name__ == "__main__":
    main()
