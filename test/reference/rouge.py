"""ROUGE of random summaries by rouge-score, without a stemmer, as Hugging Face's evaluate calls it; and the summaries themselves.

Writes test/fixtures/reference/rouge.json: the version and the cases, compressed
"""

import base64
import json
import random
import zlib
from importlib.metadata import version
from pathlib import Path

from rouge_score.rouge_scorer import RougeScorer

REFERENCE = Path(__file__).parent.parent / "fixtures" / "reference"
KINDS = ("rouge1", "rouge2", "rougeL", "rougeLsum")
WORDS = "the the a cat cats sat running on mat , and said : “ hello ” 3.14 1,000 it's well-known é naïve İstanbul 日本 😀 U.S. K don't THE Cat".split(" ")
SPACES = (" ", " ", " ", " ", "\n", "\n\n", "\t", " \n", "\r\n", " ")

chance = random.Random(17)
scorer = RougeScorer(KINDS, use_stemmer=False)


def text(most: int) -> str:
    return "".join(chance.choice(WORDS) + chance.choice(SPACES) for _ in range(chance.randint(0, most)))


def noisy(words: str) -> str:
    parts = words.split(" ")
    kept = [chance.choice(WORDS) if chance.random() < 0.2 else part for part in parts if chance.random() > 0.15]
    if chance.random() < 0.3:
        chance.shuffle(kept)
    return " ".join(kept)


def case(number: int) -> dict:
    truths = [text(40 if number % 3 else 5) for _ in range(chance.randint(1, 6))]
    predicted = [noisy(truth) if chance.random() < 0.85 else text(20) for truth in truths]
    scores = [scorer.score(truth, answer) for truth, answer in zip(truths, predicted)]
    figures = {kind: sum(score[kind].fmeasure for score in scores) / len(scores) for kind in KINDS}
    return {"truths": truths, "predicted": predicted, "figures": figures}


if __name__ == "__main__":
    cases = json.dumps([case(number) for number in range(160)], separators=(",", ":")).encode()
    document = {"versions": {"rouge-score": version("rouge-score")}, "summaries": base64.b64encode(zlib.compress(cases, 9)).decode()}
    (REFERENCE / "rouge.json").write_text(json.dumps(document, indent=1) + "\n")
