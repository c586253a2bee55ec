"""Makes this folder from the Online Retail data: the ONNX graph, the catalogue, some users and the golden outputs.

    python3 -m venv .venv && .venv/bin/pip install -r requirements.txt
    .venv/bin/python train.py <folder with the transactions as CSV>

The data is CC BY 4.0 (see README.md) and is not kept here; any folder of CSV files with its eight columns will do.
"""

import json
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pandas as pd
from onnx import TensorProto, helper, numpy_helper
from scipy.sparse import csr_matrix
from scipy.sparse.linalg import svds

FOLDER = Path(__file__).parent
GRAPH = FOLDER / "model.onnx"
# Learn from what was bought before this day, judge by what the same customers bought from then on.
CUT = "2011-09-10"
# Chosen of 16, 32, 64 and 128 on an earlier split: learn before 2011-06-10, judge up to 2011-09-10.
RANK = 32
# An item that fewer customers bought says too little.
FEWEST_CUSTOMERS = 10
TOP = 10
USERS_KEPT = 100
SEED = 0


def read_transactions(folder: Path) -> pd.DataFrame:
    """Sales of products to known customers: no cancellations, postage, fees, gifts without a price."""
    text = {"InvoiceNo": str, "StockCode": str, "CustomerID": str}
    files = sorted(folder.glob("*.csv"))
    frame = pd.concat(pd.read_csv(file, dtype=text, parse_dates=["InvoiceDate"]) for file in files)
    is_sale = (frame.Quantity > 0) & (frame.UnitPrice > 0) & frame.CustomerID.notna()
    sales = frame[is_sale & frame.StockCode.str.fullmatch(r"\d{5}[A-Za-z]*")]
    return sales.assign(CustomerID=sales.CustomerID.str.removesuffix(".0")).sort_values("InvoiceDate", kind="stable")


def choose_items(learned: pd.DataFrame) -> list[str]:
    customers = learned.groupby("StockCode").CustomerID.nunique()
    return sorted(customers[customers >= FEWEST_CUSTOMERS].index)


def read_histories(sales: pd.DataFrame, index: dict[str, int]) -> dict[str, list[int]]:
    """What each customer bought, each item once, oldest first."""
    known = sales[sales.StockCode.isin(index)].drop_duplicates(["CustomerID", "StockCode"])
    return {customer: [index[code] for code in codes] for customer, codes in known.groupby("CustomerID").StockCode}


def factorise(histories: dict[str, list[int]], items: int) -> np.ndarray:
    """The right singular vectors V float32[items, RANK] of the 0/1 matrix of customers and items (PureSVD, Cremonesi et al., RecSys 2010)."""
    lengths = [len(history) for history in histories.values()]
    rows = np.repeat(np.arange(len(lengths)), lengths)
    columns = np.concatenate(list(histories.values()))
    matrix = csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(len(lengths), items))
    _, _, vt = svds(matrix, k=RANK, rng=np.random.default_rng(SEED))
    return vt.T.astype(np.float32)


def build_graph(factors: np.ndarray) -> onnx.ModelProto:
    """history int64[batch, length] → scores float32[batch, items] = (sum of V over the history) · Vᵀ."""
    nodes = [
        helper.make_node("Gather", ["factors", "history"], ["bought"], axis=0),
        helper.make_node("ReduceSum", ["bought", "length_axis"], ["customer"], keepdims=0),
        helper.make_node("Transpose", ["factors"], ["by_factor"], perm=[1, 0]),
        helper.make_node("MatMul", ["customer", "by_factor"], ["scores"]),
    ]
    graph = helper.make_graph(
        nodes,
        "retail-recommender",
        [helper.make_tensor_value_info("history", TensorProto.INT64, ["batch", "length"])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["batch", len(factors)])],
        [
            numpy_helper.from_array(factors, "factors"),
            numpy_helper.from_array(np.array([1], np.int64), "length_axis"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model, full_check=True)
    return model


def top(scores: np.ndarray, excluded: list[int], count: int = TOP) -> np.ndarray:
    """Best first; equal scores in the order of the catalogue."""
    scores = scores.astype(np.float64)
    scores[excluded] = -np.inf
    return np.argsort(-scores, kind="stable")[:count]


def recalls(score, learned: dict[str, list[int]], later: dict[str, list[int]]) -> np.ndarray:
    """Per customer: what share of the items that are new to them is among the ten, of ten at most."""
    values = []
    for customer, history in learned.items():
        wanted = set(later.get(customer, [])) - set(history)
        if wanted:
            found = wanted & set(top(score(history), history).tolist())
            values.append(len(found) / min(TOP, len(wanted)))
    return np.array(values)


def interval(values: np.ndarray) -> dict:
    """The mean and its 95 % interval over customers, by bootstrap."""
    rng = np.random.default_rng(SEED)
    means = [rng.choice(values, len(values)).mean() for _ in range(10_000)]
    low, high = np.percentile(means, [2.5, 97.5])
    return {"mean": round(float(values.mean()), 4), "interval95": [round(float(low), 4), round(float(high), 4)]}


def write_lines(name: str, lines: list[dict]) -> None:
    (FOLDER / name).write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))


def main(folder: Path) -> None:
    sales = read_transactions(folder)
    before, after = sales[sales.InvoiceDate < CUT], sales[sales.InvoiceDate >= CUT]
    items = choose_items(before)
    index = {code: place for place, code in enumerate(items)}
    learned, later = read_histories(before, index), read_histories(after, index)
    popularity = np.bincount(np.concatenate(list(learned.values())), minlength=len(items))
    titles = before.groupby("StockCode").Description.agg(lambda names: names.mode().iloc[0].strip())

    factors = factorise(learned, len(items))
    onnx.save(build_graph(factors), GRAPH)
    write_lines("items.jsonl", [
        {"id": code, "title": titles[code], "popularity": int(count)} for code, count in zip(items, popularity)
    ])
    customers = sorted(learned)[:: max(1, len(learned) // USERS_KEPT)][:USERS_KEPT]
    write_lines("users.jsonl", [{"id": name, "history": [items[item] for item in learned[name]]} for name in customers])
    (FOLDER / "config.json").write_text(json.dumps({"pipeline_tag": "recommendation"}, indent=2) + "\n")

    def by_model(history):
        return factors[history].sum(0) @ factors.T

    model, popular = recalls(by_model, learned, later), recalls(lambda _: popularity, learned, later)
    session = onnxruntime.InferenceSession(GRAPH, providers=["CPUExecutionProvider"])
    golden, difference = [], 0.0
    for name in customers[:20]:
        history = learned[name]
        expected = factors.astype(np.float64)[history].sum(0) @ factors.astype(np.float64).T
        (actual,) = session.run(["scores"], {"history": np.array([history])})
        difference = max(difference, float(np.abs(actual[0] - expected).max()))
        best = top(expected, history)
        golden.append({"user": name, "ids": [items[i] for i in best], "scores": [round(float(expected[i]), 6) for i in best]})
    report = {
        "reference": {name: version(name) for name in ("numpy", "scipy", "pandas", "onnxruntime")},
        "data": {"sales": len(sales), "customers": len(learned), "items": len(items), "pairs": int(popularity.sum())},
        "recall_at_10": {
            "customers": len(model),
            "model": interval(model),
            "popularity": interval(popular),
            "difference": interval(model - popular),
        },
        "onnx_against_numpy": {"max_score_difference": float(f"{difference:.1e}")},
        "samples": golden,
    }
    (FOLDER / "golden.json").write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n")
    print(json.dumps({key: report[key] for key in ("data", "recall_at_10", "onnx_against_numpy")}, indent=2))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
