"""The SQL of docs/monitoring.md, run by DuckDB over captures that `npm start` wrote. Usage: captures_sql.py <endpoint> <s3 endpoint> <bucket>"""

import datetime
import gzip
import json
import re
import sys
import time
import urllib.request
from collections import Counter
from pathlib import Path

import duckdb
import duckdb_extension_httpfs
from checks import check, end, equal

endpoint, s3, bucket = sys.argv[1:4]
PAGE = Path(__file__).parents[2] / "docs/monitoring.md"
SENTENCES = ["I love this phone, it works perfectly.", "The battery died after a day.", "It is a phone."]


def get(path):
    return urllib.request.urlopen(f"{s3}/{bucket}{path}", timeout=300).read()


def captures():
    """The records of the model, read without DuckDB."""
    listing = get("?list-type=2&prefix=captures/model%3Dsentiment/").decode()
    keys = [key for key in re.findall("<Key>(.*?)</Key>", listing)]
    return [json.loads(line) for key in keys for line in gzip.decompress(get(f"/{key}")).splitlines()]


def predict():
    """Sends sentences until their records are written: an environment does so after a hundred of them."""
    inputs = [SENTENCES[index % 3] for index in range(100)]
    last = time.monotonic() + 60
    while not captures():
        assert time.monotonic() < last, "nothing was captured in a minute"
        body = json.dumps({"inputs": inputs}).encode()
        headers = {"content-type": "application/json"}
        urllib.request.urlopen(urllib.request.Request(f"{endpoint}/models/sentiment", body, headers), timeout=300).read()
        time.sleep(0.5)


def statements():
    """The blocks of the page: queries, and the one that prepares DuckDB for them."""
    address = s3.removeprefix("http://")
    today = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    text = PAGE.read_text().replace("127.0.0.1:3001", address).replace("2026-11-25", today)
    blocks = re.findall(r"```sql\n(.*?)```", text, re.DOTALL)
    preparation = [block for block in blocks if block.startswith("SET ")]
    queries = [block for block in blocks if block.startswith("SELECT ")]
    equal((len(preparation), len(queries)), (1, len(blocks) - 1))
    return preparation[0], queries


database = duckdb.connect()
[extension] = Path(duckdb_extension_httpfs.__file__).parent.glob("extensions/*/httpfs.duckdb_extension")
database.execute(f"LOAD '{extension}'")


def rows(query):
    result = database.execute(query)
    names = [name for name, *_ in result.description]
    return [dict(zip(names, row)) for row in result.fetchall()]


def labels():
    expected = Counter(record.get("label") for record in records)
    equal({row["label"]: row["predictions"] for row in rows(queries[0])}, dict(expected))
    for row in rows(queries[0]):
        if row["label"] is None:
            continue
        scores = [record["score"] for record in answered if record["label"] == row["label"]]
        assert abs(row["score"] - sum(scores) / len(scores)) < 1e-9, row


def versions():
    [row] = rows(queries[1])
    equal((row["version"], row["arm"], row["predictions"], row["failed"]), (1, "stable", len(records), len(records) - len(answered)))
    assert abs(row["milliseconds"] - sum(record["latency_ms"] for record in records) / len(records)) < 1e-6, row


def features():
    hours = Counter(record["time"][11:13] for record in answered)
    found = rows(queries[2])
    equal({row["hour"]: row["predictions"] for row in found}, dict(hours))
    for row in found:
        tokens = [record["features"]["tokens"] for record in answered if record["time"][11:13] == row["hour"]]
        assert abs(row["tokens"] - sum(tokens) / len(tokens)) < 1e-9, row


check("sentences are captured", predict)
records = captures()
# Other clients have sent this model what it refuses.
answered = [record for record in records if record["status"] == "ok"]
preparation, queries = check("the page has a preparation and queries", statements)
check("the view of the page", lambda: database.execute(preparation))
check("labels and scores", labels)
check("versions, latency and failures", versions)
check("figures of inputs by hour", features)
end()
