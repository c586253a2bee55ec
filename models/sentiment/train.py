"""Makes this folder: trains the classifier, measures it on sentences it never saw, and writes the ONNX graph.

    python3 -m venv .venv && .venv/bin/pip install -r requirements.txt && .venv/bin/python train.py
"""

import json
import re
import zipfile
from importlib.metadata import version
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import scipy.sparse as sparse
from all_minilm_l6_v2 import get_model_zip_path
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load as load_safetensors
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import StratifiedKFold
from tokenizers import Tokenizer

FOLDER = Path(__file__).parent
SOURCES = ("amazon_cells_labelled.txt", "imdb_labelled.txt", "yelp_labelled.txt")
LABELS = ("NEGATIVE", "POSITIVE")
SEED = 20261123
HELD_OUT = 0.2
PAD, UNK, CLS, SEP, MASK = 0, 100, 101, 102, 103
MODEL_MAX_LENGTH = 512

# Chosen by cross-validation on the training part (`cross_validate`), never by the held-out sentences.
EMBEDDING_SCALE = 0.1
INVERSE_REGULARISATION = 0.3
FEWEST_SENTENCES_OF_A_PAIR = 2

GOLDEN = (
    "The battery lasts for days and the screen is gorgeous.",
    "I want my money back.",
    "The food was not good.",
    "Not bad at all!",
    "An absolute masterpiece, I cried at the end.",
    "The plot makes no sense and the acting is terrible.",
    "Service was slow, but the dessert was worth the wait.",
    "Would not recommend this place to anyone.",
    "It broke after two weeks.",
    "LOVED IT!!! 😍",
    "Café très agréable",
    "这部电影很好看。",
    "",
    "The phone arrived on Tuesday.",
)


def read_sentences() -> list[tuple[str, int]]:
    """Every sentence once: those that differ only in case, spaces or punctuation would be on both sides of the split."""
    sentences: dict[str, tuple[str, int]] = {}
    for source in SOURCES:
        # Not splitlines(): the reviews contain U+0085, which Python takes for the end of a line.
        for line in (FOLDER / "data" / source).read_text("utf-8").split("\n"):
            if line:
                text, label = line.rsplit("\t", 1)
                sentences.setdefault(re.sub(r"\W+", " ", text.lower()).strip(), (text.strip(), int(label)))
    return list(sentences.values())


def split(sentences: list[tuple[str, int]]) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
    order = np.random.default_rng(SEED).permutation(len(sentences))
    count = round(len(sentences) * HELD_OUT)
    return [sentences[i] for i in sorted(order[count:])], [sentences[i] for i in sorted(order[:count])]


def pairs_of(ids: list[int]) -> list[tuple[int, int]]:
    return list(zip(ids[:-1], ids[1:]))


class Classifier:
    """
    Logistic regression on a sentence's tokens and pairs of neighbouring tokens: how often each is in it, times how much oftener it was
    in positive than in negative sentences (NB-SVM: Wang and Manning, ACL 2012); and on the sum of its tokens' embeddings over the square
    root of their number. All of it is linear, so that a weight per token and a weight per pair is what remains.
    """

    def __init__(self, embeddings: np.ndarray):
        self.embeddings = embeddings

    def embed(self, sentences: list[list[int]]) -> np.ndarray:
        return np.stack([self.embeddings[ids[1:-1]].sum(0) / np.sqrt(max(1, len(ids) - 2)) for ids in sentences])

    def count(self, sentences: list[list[int]]) -> sparse.csr_matrix:
        tokens = len(self.embeddings)
        cells = [
            (row, column)
            for row, ids in enumerate(sentences)
            for column in (*ids[1:-1], *(tokens + self.pairs[pair] for pair in pairs_of(ids) if pair in self.pairs))
        ]
        rows, columns = zip(*cells)
        return sparse.csr_matrix((np.ones(len(cells)), (rows, columns)), (len(sentences), tokens + len(self.pairs)))

    def fit(self, sentences: list[list[int]], labels: np.ndarray) -> "Classifier":
        seen: dict[tuple[int, int], int] = {}
        for ids in sentences:
            for pair in set(pairs_of(ids)):
                seen[pair] = seen.get(pair, 0) + 1
        common = sorted(pair for pair, times in seen.items() if times >= FEWEST_SENTENCES_OF_A_PAIR)
        self.pairs = {pair: index for index, pair in enumerate(common)}

        counts = self.count(sentences)
        positive, negative = (np.asarray(counts[labels == label].sum(0)).ravel() + 1 for label in (1, 0))
        ratios = np.log((positive / positive.sum()) / (negative / negative.sum()))
        ratios[np.asarray(counts.sum(0)).ravel() == 0] = 0  # never seen: only the embedding speaks for it

        embedded = self.embed(sentences)
        mean, scale = embedded.mean(0), embedded.std(0) / EMBEDDING_SCALE
        features = sparse.hstack([sparse.csr_matrix((embedded - mean) / scale), counts.multiply(ratios)]).tocsr()
        regression = LogisticRegression(C=INVERSE_REGULARISATION, max_iter=3000).fit(features, labels)

        directions, weights = np.split(regression.coef_[0], [embedded.shape[1]])
        tokens = len(self.embeddings)
        self.by_embedding = self.embeddings @ (directions / scale)
        self.by_token, self.by_pair = np.split(weights * ratios, [tokens])
        self.bias = float(regression.intercept_[0] - mean @ (directions / scale))
        return self

    def logits(self, sentences: list[list[int]]) -> np.ndarray:
        """Log odds of POSITIVE."""
        return np.array([
            self.bias
            + self.by_embedding[ids[1:-1]].sum() / np.sqrt(max(1, len(ids) - 2))
            + self.by_token[ids[1:-1]].sum()
            + sum(self.by_pair[self.pairs[pair]] for pair in pairs_of(ids) if pair in self.pairs)
            for ids in sentences
        ])


def cross_validate(embeddings: np.ndarray, sentences: list[list[int]], labels: np.ndarray) -> float:
    """Mean accuracy of five folds, twice."""
    accuracies = []
    for seed in (0, 1):
        for train, rest in StratifiedKFold(5, shuffle=True, random_state=seed).split(sentences, labels):
            classifier = Classifier(embeddings).fit([sentences[i] for i in train], labels[train])
            accuracies.append(accuracy_score(labels[rest], classifier.logits([sentences[i] for i in rest]) > 0))
    return float(np.mean(accuracies))


def wilson_interval(right: int, count: int, z: float = 1.959964) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson, 1927)."""
    share = right / count
    centre = share + z * z / (2 * count)
    margin = z * np.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return tuple(float((centre + sign * margin) / (1 + z * z / count)) for sign in (-1, 1))


def to_onnx(classifier: Classifier) -> onnx.ModelProto:
    """`input_ids`, `attention_mask` int64[batch,sequence] → `logits` float32[batch,2]; their difference is the log odds."""
    weights = np.stack([classifier.by_embedding, classifier.by_token], axis=1)
    weights[[PAD, CLS, SEP, MASK]] = 0
    pairs = list(classifier.pairs)
    constants = {
        "token_weights": weights.astype(np.float32),
        "pair_weights": classifier.by_pair[:, None].astype(np.float32),
        "bias": np.array([classifier.bias], np.float32),
        "halves": np.array([[-0.5, 0.5]], np.float32),
        "sequence_axis": np.array([1], np.int64),
        "special_tokens": np.array(2, np.int64),
        "one": np.array(1, np.int64),
    }
    nodes = [
        helper.make_node("Mul", ["input_ids", "attention_mask"], ["ids"]),  # padding becomes [PAD], which weighs nothing
        helper.make_node("Gather", ["token_weights", "ids"], ["weights_of_tokens"]),
        helper.make_node("ReduceSum", ["weights_of_tokens", "sequence_axis"], ["sums"], keepdims=0),
        helper.make_node("Split", ["sums"], ["embedding_sum", "token_sum"], axis=1),
        helper.make_node("ReduceSum", ["attention_mask", "sequence_axis"], ["length"], keepdims=1),
        helper.make_node("Sub", ["length", "special_tokens"], ["length_without_special"]),
        helper.make_node("Max", ["length_without_special", "one"], ["tokens"]),
        helper.make_node("Cast", ["tokens"], ["tokens_float"], to=TensorProto.FLOAT),
        helper.make_node("Sqrt", ["tokens_float"], ["root"]),
        helper.make_node("Div", ["embedding_sum", "root"], ["embedding_part"]),
        helper.make_node(
            "TfIdfVectorizer", ["ids"], ["counts_of_pairs"],
            mode="TF", min_gram_length=2, max_gram_length=2, max_skip_count=0,
            ngram_counts=[0, 0], ngram_indexes=list(range(len(pairs))), pool_int64s=[id for pair in pairs for id in pair],
        ),
        helper.make_node("MatMul", ["counts_of_pairs", "pair_weights"], ["pair_part"]),
        helper.make_node("Sum", ["embedding_part", "token_sum", "pair_part", "bias"], ["log_odds"]),
        helper.make_node("Mul", ["log_odds", "halves"], ["logits"]),
    ]
    shape = ["batch", "sequence"]
    graph = helper.make_graph(
        nodes,
        "sentiment",
        [helper.make_tensor_value_info(name, TensorProto.INT64, shape) for name in ("input_ids", "attention_mask")],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", len(LABELS)])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    return model


def run(session: onnxruntime.InferenceSession, sentences: list[list[int]]) -> np.ndarray:
    """Log odds by the graph, all sentences as one padded batch."""
    ids = np.full((len(sentences), max(map(len, sentences))), PAD, np.int64)
    for row, sentence in zip(ids, sentences):
        row[: len(sentence)] = sentence
    mask = np.stack([np.arange(ids.shape[1]) < len(sentence) for sentence in sentences]).astype(np.int64)
    (logits,) = session.run(["logits"], {"input_ids": ids, "attention_mask": mask})
    return logits[:, 1] - logits[:, 0]


def write_json(name: str, content: object) -> None:
    (FOLDER / name).write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", "utf-8")


def main() -> None:
    with zipfile.ZipFile(get_model_zip_path()) as archive:
        tokenizer = Tokenizer.from_str(archive.read("tokenizer.json").decode())
        tokenizer_config = json.loads(archive.read("tokenizer_config.json"))
        embeddings = load_safetensors(archive.read("model.safetensors"))["embeddings.word_embeddings.weight"]
    tokenizer.no_padding()
    tokenizer.no_truncation()
    tokenize = lambda texts: [encoding.ids for encoding in tokenizer.encode_batch(list(texts))]

    training, held_out = split(read_sentences())
    training_texts, training_labels = zip(*training)
    training_ids, training_labels = tokenize(training_texts), np.array(training_labels)
    cross_validated = cross_validate(embeddings, training_ids, training_labels)
    classifier = Classifier(embeddings).fit(training_ids, training_labels)

    tokenizer.save(str(FOLDER / "tokenizer.json"))
    write_json("tokenizer_config.json", tokenizer_config | {"model_max_length": MODEL_MAX_LENGTH})
    write_json("config.json", {
        "pipeline_tag": "text-classification",
        "id2label": dict(enumerate(LABELS)),
        "label2id": {label: index for index, label in enumerate(LABELS)},
        "vocab_size": len(embeddings),
    })
    onnx.save(to_onnx(classifier), FOLDER / "model.onnx")
    (FOLDER / "held-out.tsv").write_text("".join(f"{text}\t{label}\n" for text, label in [("text", "label"), *held_out]), "utf-8")

    session = onnxruntime.InferenceSession(FOLDER / "model.onnx", providers=["CPUExecutionProvider"])
    texts, labels = zip(*held_out)
    expected, actual = classifier.logits(tokenize(texts)), run(session, tokenize(texts))
    right = int(((actual > 0) == np.array(labels)).sum())
    write_json("evaluation.json", {
        "training_sentences": len(training),
        "cross_validated_accuracy": round(cross_validated, 4),
        "held_out_sentences": len(held_out),
        "right": right,
        "accuracy": round(right / len(held_out), 4),
        "interval_95": [round(bound, 4) for bound in wilson_interval(right, len(held_out))],
        "max_logit_difference_onnx_against_numpy": float(f"{np.abs(actual - expected).max():.1e}"),
    })
    odds = classifier.logits(tokenize(GOLDEN))
    write_json("golden.json", {
        "reference": {name: version(name) for name in ("scikit-learn", "tokenizers")},
        "positive": {text: round(float(1 / (1 + np.exp(-one))), 6) for text, one in zip(GOLDEN, odds)},
    })
    print((FOLDER / "evaluation.json").read_text(), (FOLDER / "golden.json").read_text())


if __name__ == "__main__":
    main()
