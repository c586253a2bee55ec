"""Tokenizing by Hugging Face's library in Rust: a tokenizer's name per line of stdin, times and ids to the descriptor 3."""

import functools
import json
import os
import sys
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
from tokenizers import Tokenizer  # noqa: E402

with open(sys.argv[1]) as file:
    cases = json.load(file)


@functools.cache
def open_tokenizer(name):
    tokenizer = Tokenizer.from_file(os.path.join(cases["tokenizers"][name], "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


answers = os.fdopen(3, "w")
for line in sys.stdin:
    tokenizer = open_tokenizer(line.strip())
    start = time.perf_counter()
    ids = []
    for text in cases["texts"]:
        ids += tokenizer.encode(text).ids
    ms = (time.perf_counter() - start) * 1000
    answers.write(json.dumps({"ms": ms, "answer": ids}) + "\n")
    answers.flush()
