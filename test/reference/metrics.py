"""The figures of the reference libraries for random samples, and the samples themselves.

Writes test/fixtures/reference/metrics.json: per metric a list of cases, compressed
"""

import base64
import contextlib
import io
import json
import random
import warnings
import zlib
from importlib.metadata import version
from pathlib import Path

import jiwer
import numpy as np
import sacrebleu
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from scipy import stats
from seqeval.metrics.sequence_labeling import get_entities, precision_recall_fscore_support
from seqeval.scheme import IOB2, Entities
from seqeval.metrics.v1 import precision_recall_fscore_support as strict_support
from sklearn import metrics as sk
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.proportion import proportion_confint

REFERENCE = Path(__file__).parent.parent / "fixtures" / "reference"
PACKAGES = ("scikit-learn", "pycocotools", "jiwer", "sacrebleu", "seqeval", "scipy", "statsmodels", "numpy")

warnings.filterwarnings("ignore")
rng = np.random.default_rng(13)
chance = random.Random(13)


def rounded(values):
    """Numbers that JSON holds in few digits."""
    return [float(f"{value:.5f}") for value in values]


def classification(case: int) -> dict:
    classes = int(rng.integers(2, 7))
    count = int(rng.integers(1, 60))
    labels = [f"label {index}" for index in range(classes)]
    truths = rng.integers(0, classes, count)
    scores = np.array([rounded(row) for row in rng.dirichlet(np.ones(classes) * 0.4, count)])
    scores[np.arange(count), scores.argmax(axis=1)] += 1 - scores.sum(axis=1)
    if case % 10 == 0:
        scores[0] = np.eye(classes)[0]  # a probability of 0 for the truth, or of 1
    predicted = scores.argmax(axis=1)
    confidence = scores[np.arange(count), predicted]
    ece = 0.0
    edges = np.linspace(0, 1, 16)
    for low, high in zip(edges[:-1], edges[1:]):
        inside = (confidence > low) & (confidence <= high)
        if inside.any():
            ece += inside.mean() * abs((truths == predicted)[inside].mean() - confidence[inside].mean())
    return {
        "truths": [labels[index] for index in truths], "predicted": [labels[index] for index in predicted],
        "truthScores": scores[np.arange(count), truths].tolist(), "confidences": confidence.tolist(),
        "figures": {
            "accuracy": sk.accuracy_score(truths, predicted), "macroF1": sk.f1_score(truths, predicted, average="macro"),
            "logLoss": sk.log_loss(truths, y_proba=scores, labels=range(classes)), "ece": ece,
        },
    }  # fmt: skip


def tags(length: int, prefixes: str) -> list[str]:
    return [chance.choice(["O", *(f"{prefix}-{label}" for prefix in prefixes for label in ("PER", "LOC", "A-B"))]) for _ in range(length)]


def entities(case: int) -> dict:
    strict = case % 2 == 1
    lengths = [chance.randint(1, 14) for _ in range(chance.randint(1, 8))]
    prefixes = "BI" if strict or case % 4 == 0 else "BIES"
    truths = [tags(length, prefixes) for length in lengths]
    predicted = [[tag if chance.random() < 0.7 else other for tag, other in zip(row, tags(len(row), prefixes))] for row in truths]
    options = {"mode": "strict", "scheme": IOB2} if strict else {}
    support = (lambda **more: strict_support(truths, predicted, scheme=IOB2, **more)) if strict else (
        lambda **more: precision_recall_fscore_support(truths, predicted, **more))  # fmt: skip
    if strict:
        found = [[[entity.tag, entity.start, entity.end] for entity in row] for row in Entities(truths, IOB2).entities]
    else:
        found = [[[label, start, end + 1] for label, start, end in get_entities(row)] for row in truths]
    micro, macro, each = support(average="micro"), support(average="macro"), support(average=None)
    names = sorted({label for row in truths + predicted for label, *_ in (
        [[entity.tag] for entity in Entities([row], IOB2).entities[0]] if strict else get_entities(row))})  # fmt: skip
    figures = dict(zip(("precision", "recall", "f1"), map(float, micro)), macroF1=float(macro[2]))
    for index, name in enumerate(names):
        figures |= {f"{name}: {kind}": float(each[at][index]) for at, kind in enumerate(("precision", "recall", "f1"))}
    return {"strict": strict, "truths": truths, "predicted": predicted, "entities": found, "figures": figures if names else None}


def detection(case: int) -> dict:
    labels = ["cat", "dog", "boat"][: chance.randint(1, 3)]
    images, annotations, found = [], [], []
    for image in range(1, chance.randint(2, 7)):
        objects, detections = [], []
        for _ in range(chance.randint(0, 6)):
            box = [chance.randint(0, 200) / 4 for _ in range(2)] + [chance.randint(8, 200) / 4 for _ in range(2)]
            objects.append({"label": chance.choice(labels), "box": box, "isCrowd": chance.random() < 0.15})
        for thing in objects * 2:
            if chance.random() < 0.8:
                shift = [chance.randint(-6, 6) / 4 for _ in range(4)]
                label = thing["label"] if chance.random() < 0.85 else chance.choice(labels)
                box = [value + moved for value, moved in zip(thing["box"], shift)]
                detections.append({"label": label, "box": box, "score": chance.randint(1, 40) / 40})
        for _ in range(130 if case % 20 == 0 else chance.randint(0, 5)):
            box = [chance.randint(0, 200) / 4 for _ in range(2)] + [chance.randint(8, 80) / 4 for _ in range(2)]
            detections.append({"label": chance.choice(labels), "box": box, "score": chance.randint(1, 40) / 40})
        images.append({"truth": objects, "predicted": detections})
        for thing in objects:
            annotations.append({
                "id": len(annotations) + 1, "image_id": image, "category_id": labels.index(thing["label"]) + 1, "bbox": thing["box"],
                "area": thing["box"][2] * thing["box"][3], "iscrowd": int(thing["isCrowd"])})  # fmt: skip
        for thing in detections:
            found.append({"image_id": image, "category_id": labels.index(thing["label"]) + 1, "bbox": thing["box"], "score": thing["score"]})
    if not annotations or not found:
        return {"images": images, "figures": None}
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = {
            "info": {}, "images": [{"id": index + 1} for index in range(len(images))], "annotations": annotations,
            "categories": [{"id": index + 1, "name": name} for index, name in enumerate(labels)]}  # fmt: skip
        coco.createIndex()
        evaluation = COCOeval(coco, coco.loadRes(found), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    if evaluation.stats[0] < 0:
        return {"images": images, "figures": None}
    return {"images": images, "figures": {"map50To95": float(evaluation.stats[0]), "map50": float(evaluation.stats[1])}}


WORDS = ("the cat sat on a mat , and said : “ hello ” ! 3.14 1,000 it's well-known é 日本 😀 &amp; &quot;x&quot; U.S. (yes) 5-6 a/b <skipped> $9 [z] {q} "
         "x~y Ünder don't").split(" ")  # fmt: skip
SPACES = [" ", " ", " ", " ", "  ", "\t", "\u00a0", " \t ", "\u2003", "\x85", "\n", "-\n"]


def sentence(most: int) -> str:
    text = "".join(chance.choice(WORDS) + chance.choice(SPACES) for _ in range(chance.randint(1, most)))
    return text if chance.random() < 0.5 else text.strip()


def noisy(text: str) -> str:
    words = text.split(" ")
    kept = [chance.choice(WORDS) if chance.random() < 0.2 else word for word in words if chance.random() > 0.1]
    return " ".join(kept + ([chance.choice(WORDS)] if chance.random() < 0.2 else []))


def texts(case: int) -> dict:
    truths = [sentence(25 if case % 3 else 4) for _ in range(chance.randint(1, 6))]
    predicted = [noisy(text) if chance.random() < 0.9 else "" for text in truths]
    figures = {
        "bleu": sacrebleu.corpus_bleu(predicted, [truths]).score, "chrf": sacrebleu.corpus_chrf(predicted, [truths]).score,
        "wer": jiwer.wer(truths, predicted), "cer": jiwer.cer(truths, predicted),
    }  # fmt: skip
    return {"truths": truths, "predicted": predicted, "figures": figures}


def regression(case: int) -> dict:
    count = int(rng.integers(2, 80))
    truths = np.array(rounded(rng.normal(10.0 ** (case % 6), 3, count)))
    if case % 25 == 0:
        truths[:] = 8
    predicted = truths if case % 50 == 0 else np.array(rounded(truths + rng.normal(0, 1, count)))
    figures = {
        "mae": sk.mean_absolute_error(truths, predicted), "rmse": sk.root_mean_squared_error(truths, predicted),
        "r2": sk.r2_score(truths, predicted), "residualSumOfSquares": float(((truths - predicted) ** 2).sum()),
    }  # fmt: skip
    return {"truths": truths.tolist(), "predicted": predicted.tolist(), "figures": figures}


def ranking(_case: int) -> dict:
    items = 20
    samples, gains, recalls = [], {k: [] for k in (1, 5, 10)}, {k: [] for k in (1, 5, 10)}
    for _ in range(chance.randint(1, 10)):
        order = chance.sample(range(items), items)
        right = chance.sample(range(items), chance.randint(1, 8))
        relevance = np.isin(np.arange(items), right).astype(float)
        scores = np.empty(items)
        scores[order] = np.arange(items, 0, -1)
        for k in gains:
            gains[k].append(sk.ndcg_score([relevance], [scores], k=k))
            recalls[k].append(np.isin(order[:k], right).sum() / len(right))
        samples.append({"truth": [str(item) for item in right], "predicted": [str(item) for item in order[: chance.choice([10, 20])]]})
    figures = {f"ndcg@{k}": float(np.mean(gains[k])) for k in gains} | {f"recall@{k}": float(np.mean(recalls[k])) for k in recalls}
    return {"samples": samples, "figures": figures}


def embeddings(_case: int) -> dict:
    count, width = int(rng.integers(2, 14)), int(rng.integers(2, 6))
    truth = np.array([rounded(row) for row in rng.normal(size=(count, width))])
    predicted = np.array([rounded(row) for row in truth + rng.normal(scale=0.4, size=(count, width))])
    nearest = []
    for vectors in (truth, predicted):
        similarity = sk.pairwise.cosine_similarity(vectors)
        np.fill_diagonal(similarity, -np.inf)
        nearest.append(similarity.argmax(axis=1))
    cosines = [sk.pairwise.cosine_similarity([one], [other])[0, 0] for one, other in zip(truth, predicted)]
    figures = {"cosine": float(np.mean(cosines)), "sameNeighbour": float((nearest[0] == nearest[1]).mean())}
    return {"truth": truth.tolist(), "predicted": predicted.tolist(), "figures": figures}


def label_sets(_case: int) -> dict:
    labels = [f"label {index}" for index in range(6)]
    samples = []
    for _ in range(chance.randint(1, 30)):
        truth = [label for label in labels if chance.random() < 0.3]
        samples.append({"truth": truth, "predicted": [label for label in labels if (label in truth) != (chance.random() < 0.2)]})
    occurring = sorted({label for sample in samples for kind in sample.values() for label in kind})
    truths, predicted = (np.array([[label in sample[kind] for label in occurring] for sample in samples], int) for kind in ("truth", "predicted"))
    figures = {"exactMatch": sk.accuracy_score(truths, predicted)} | {
        f"{average}F1": sk.f1_score(truths, predicted, average=average) for average in ("micro", "macro")}  # fmt: skip
    return {"samples": samples, "figures": figures if len(occurring) > 1 else None}


def intervals(case: int) -> dict:
    samples = int(rng.integers(1, 5000 if case % 2 else 12))
    count = int(rng.integers(0, samples + 1))
    first, second = (int(value) for value in rng.integers(0, 2000 if case % 3 == 0 else 30, 2))
    table = [[40, first], [second, 7]]
    exact = float(mcnemar(table, exact=True).pvalue)
    values = np.sort(np.array(rounded(rng.normal(size=int(rng.integers(1, 40))))))
    share = float(rng.random())
    return {
        "samples": samples, "count": count, "wilson": [float(end) for end in proportion_confint(count, samples, method="wilson")],
        "onlyFirst": first, "onlySecond": second, "exactP": exact,
        "midP": float(2 * stats.binom.cdf(min(first, second), first + second, 0.5) - stats.binom.pmf(min(first, second), first + second, 0.5)),
        "values": values.tolist(), "share": share, "quantile": float(np.quantile(values, share)),
    }  # fmt: skip


CASES = {classification: 120, entities: 160, detection: 120, texts: 120, regression: 100, ranking: 60, embeddings: 60, intervals: 120, label_sets: 60}


def pack(value) -> str:
    return base64.b64encode(zlib.compress(json.dumps(value, separators=(",", ":")).encode(), 9)).decode()


if __name__ == "__main__":
    cases = {make.__name__: pack([make(case) for case in range(count)]) for make, count in CASES.items()}
    document = {"versions": {name: version(name) for name in PACKAGES}, **cases}
    (REFERENCE / "metrics.json").write_text(json.dumps(document, indent=1) + "\n")
