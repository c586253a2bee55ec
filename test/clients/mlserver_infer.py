"""MLServer's own command, `mlserver infer`. Usage: mlserver_infer.py <endpoint>"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlparse

from checks import check, end, equal

PROGRAM = Path(sys.executable).parent / "mlserver"
FLOWERS = [[5.1, 3.5, 1.4, 0.2], [6.7, 3.0, 5.2, 2.3], [5.9, 3.0, 4.2, 1.5], [6.3, 3.3, 6.0, 2.5], [4.9, 3.0, 1.4, 0.2]]
BEST = [0, 2, 1, 2, 0]


def request(number, values, name="X"):
    tensor = {"name": name, "shape": [1, len(values)], "datatype": "FP32", "data": values}
    return {"id": f"flower-{number}", "inputs": [tensor], "outputs": [{"name": "probabilities"}]}


def infer(requests, *options, model="iris"):
    """The answers in the order of the requests."""
    with tempfile.TemporaryDirectory() as directory:
        given, written = Path(directory, "in.jsonl"), Path(directory, "out.jsonl")
        given.write_text("".join(f"{json.dumps(each)}\n" for each in requests))
        words = ["infer", "-u", urlparse(sys.argv[1]).netloc, "-m", model, "-i", given, "-o", written, "-r", "1", *options]
        run = subprocess.run([PROGRAM, *words], capture_output=True, text=True, timeout=600)
        equal(run.returncode, 0)
        answers = [json.loads(line) for line in written.read_text().splitlines()]
        assert len(answers) == len(requests), f"{len(answers)} answers: {run.stderr[-250:]}"
        return sorted(answers, key=lambda answer: answer["parameters"]["batch_index"])


def flowers(*options):
    answers = infer([request(number, values) for number, values in enumerate(FLOWERS)], *options)
    scores = [answer["outputs"][0]["data"] for answer in answers]
    equal([row.index(max(row)) for row in scores], BEST)
    equal([answer["id"] for answer in answers], [f"flower-{number}" for number in range(len(FLOWERS))])
    equal([answer["model_name"] for answer in answers], ["iris"] * len(FLOWERS))


def wrong():
    good, bad = infer([request(0, FLOWERS[0]), request(1, FLOWERS[1][:3])])
    equal("outputs" in good, True)
    equal("4" in bad["error"]["msg"] and "X" in bad["error"]["msg"], True)


check("a request for each line", flowers)
check("four workers", lambda: flowers("-w", "4"))
check("lines in one request", lambda: flowers("-s", "3"))
check("tensors as bytes", lambda: flowers("-b"))
check("tensors as bytes, lines in one request", lambda: flowers("-b", "-s", "5"))
check("headers", lambda: flowers("-H", "x-routing-key: seven"))
check("a wrong line is refused, and the others are answered", wrong)
check("an unknown model is refused", lambda: equal("unknown" in infer([request(0, FLOWERS[0])], model="unknown")[0]["error"]["msg"], True))
end()
