"""Makes the models `recommendation-*` of test/fixtures/models, and what numpy ranks for them.

Factors are small integers: scores are exact in float32, many are equal, and ranks can be compared one by one.
"""

import json
import shutil
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FIXTURES = Path(__file__).parent.parent / "fixtures"
ITEMS, USERS, RANK, QUERIES = 200, 40, 4, 30
TOP = 10

rng = np.random.default_rng(0)
item_ids = [f"item-{index:03d}" if index % 2 else str(index) for index in range(ITEMS)]
user_ids = [f"user {index}" for index in range(USERS)]
titles = ["Tea ☕", 'A "quoted" cup', "مقهى", "Straße 7"]
item_factors = rng.integers(-2, 3, (ITEMS, RANK)).astype(np.float32)
user_factors = rng.integers(-2, 3, (USERS, RANK)).astype(np.float32)
popularity = rng.integers(0, 30, ITEMS)
histories = [rng.choice(ITEMS, rng.integers(0, 12), replace=False).tolist() for _ in user_ids]

node, value = helper.make_node, helper.make_tensor_value_info


def history_graph():
    """history int64[batch,length] → the sum of the items' factors, times those of all items."""
    nodes = [
        node("Gather", ["items", "history"], ["had"]),
        node("ReduceSum", ["had", "one"], ["vector"], keepdims=0),
        node("MatMul", ["vector", "by_factor"], ["scores"]),
    ]
    return nodes, [value("history", TensorProto.INT64, ["batch", "length"])]


def user_graph():
    """user int64[batch] → matrix factorisation."""
    nodes = [node("Gather", ["users", "user"], ["vector"]), node("MatMul", ["vector", "by_factor"], ["scores"])]
    return nodes, [value("user", TensorProto.INT64, ["batch"])]


def basket_graph():
    """basket float32[batch,items] of 0 and 1, as an autoencoder takes it; what was had is ruled out by -inf in the graph."""
    nodes = [
        node("MatMul", ["basket", "items"], ["vector"]),
        node("MatMul", ["vector", "by_factor"], ["all_scores"]),
        node("Cast", ["basket"], ["had"], to=TensorProto.BOOL),
        node("Where", ["had", "ruled_out", "all_scores"], ["scores"]),
    ]
    return nodes, [value("basket", TensorProto.FLOAT, ["batch", ITEMS])]


def both_graph():
    """user int32[batch,1] and history int64[batch,length]: the two summed, as a two-tower model joins its features."""
    nodes = [
        node("Gather", ["users", "user"], ["user_rows"]),
        node("ReduceSum", ["user_rows", "one"], ["user_vector"], keepdims=0),
        node("Gather", ["items", "history"], ["had"]),
        node("ReduceSum", ["had", "one"], ["had_vector"], keepdims=0),
        node("Add", ["user_vector", "had_vector"], ["vector"]),
        node("MatMul", ["vector", "by_factor"], ["scores"]),
    ]
    return nodes, [value("user", TensorProto.INT32, ["batch", 1]), value("history", TensorProto.INT64, ["batch", "length"])]


def write_lines(path: Path, lines: list[dict]) -> None:
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))


def save(name: str, nodes, inputs) -> None:
    folder = FIXTURES / "models" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    constants = {
        "items": item_factors,
        "users": user_factors,
        "by_factor": np.ascontiguousarray(item_factors.T),
        "one": np.array([1], np.int64),
        "ruled_out": np.float32(-np.inf),
    }
    used = {name for one in nodes for name in one.input}
    weights = [numpy_helper.from_array(array, key) for key, array in constants.items() if key in used]
    graph = helper.make_graph(nodes, name, inputs, [value("scores", TensorProto.FLOAT, ["batch", ITEMS])], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model, full_check=True)
    (folder / "model.onnx").write_bytes(model.SerializeToString(deterministic=True))
    (folder / "config.json").write_text('{"pipeline_tag": "recommendation"}\n')
    write_lines(folder / "items.jsonl", [
        {"id": int(id) if id.isdigit() else id, "popularity": int(count), "title": titles[index % len(titles)]}
        for index, (id, count) in enumerate(zip(item_ids, popularity))
    ])
    write_lines(folder / "users.jsonl", [
        {"id": id, "history": [item_ids[item] for item in history]} for id, history in zip(user_ids, histories)
    ])


def rank(scores: np.ndarray, excluded: list[int]) -> dict:
    """Best first; equal scores in the order of the catalogue."""
    order = [int(item) for item in np.argsort(-scores, kind="stable") if item not in set(excluded) and scores[item] > -np.inf]
    return {"ids": [item_ids[item] for item in order[:TOP]], "scores": [float(scores[item]) for item in order[:TOP]]}


def answer(name: str, query: dict) -> dict:
    """What is expected, by the rules of docs/tasks/recommendation.md."""
    needs_user = name in ("recommendation-user", "recommendation-both")
    needs_history = name != "recommendation-user"
    user = user_ids.index(query["user"]) if query.get("user") in user_ids else None
    known = histories[user] if user is not None else []
    history = [item_ids.index(str(id)) for id in query["history"]] if "history" in query else known
    excluded = [item_ids.index(str(id)) for id in query["exclude"]] if "exclude" in query else history
    is_cold = (user is None and (needs_user or "history" not in query)) or (needs_history and not history)
    if is_cold:
        return {"ranked_by": "popularity", **rank(popularity.astype(np.float64), excluded)}
    vector = np.zeros(RANK, np.float32)
    if needs_user:
        vector = vector + user_factors[user]
    if needs_history:
        vector = vector + item_factors[sorted(set(history)) if name == "recommendation-basket" else history].sum(0)
    scores = item_factors @ vector
    if name == "recommendation-basket":
        scores[history] = -np.inf
    return {"ranked_by": "model", **rank(scores, excluded)}


def queries(name: str) -> list[dict]:
    def some(most: int) -> list:
        chosen = [item_ids[item] for item in rng.integers(0, ITEMS, rng.integers(1, most))]
        return [int(id) if id.isdigit() and rng.random() < 0.5 else id for id in chosen]

    user = (lambda: {"user": str(rng.choice(user_ids))}) if name in ("recommendation-user", "recommendation-both") else dict
    made = [{**user(), "history": some(10)} for _ in range(QUERIES - 12)]
    made += [{"user": id} for id in user_ids[:5]]
    made += [
        {**user(), "history": ["0", "0", "item-001"]},
        {**user(), "history": item_ids[:190]},
        {**user(), "history": item_ids},
        {**user(), "history": some(5), "exclude": []},
        {**user(), "history": some(5), "exclude": item_ids[10:]},
        {**user(), "history": []},
        {"user": "nobody 🙈"},
    ]
    return made


def main() -> None:
    cases = []
    for name, build in {
        "recommendation-history": history_graph,
        "recommendation-user": user_graph,
        "recommendation-basket": basket_graph,
        "recommendation-both": both_graph,
    }.items():
        save(name, *build())
        asked = queries(name)
        cases.append({"model": name, "queries": asked, "answers": [answer(name, query) for query in asked]})
    path = FIXTURES / "reference" / "recommendation.json"
    path.write_text(json.dumps(cases, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
