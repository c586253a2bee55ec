"""schemathesis on `/openapi.json`: no 5xx, and no answer that the document does not describe. Usage: contract.py <endpoint>"""

import re
import subprocess
import sys
import tempfile
from os.path import dirname, join

from checks import check, end

_, endpoint = sys.argv[:2]
CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
]


def fuzz(directory):
    program = join(dirname(sys.executable), "schemathesis")
    options = ["--max-examples", "5", "--seed", "15", "--suppress-health-check", "all", "--request-timeout", "60"]
    run = subprocess.run(
        [program, "run", f"{endpoint}/openapi.json", *options, "--checks", ",".join(CHECKS), "--no-color"],
        capture_output=True,
        text=True,
        timeout=1500,
        cwd=directory,  # for what it keeps
    )
    [cases] = re.findall(r"(\d+) generated", run.stdout) or ["0"]
    print(f"      {cases} requests", flush=True)
    if run.returncode != 0:
        found = run.stdout.partition("========")[2] or run.stdout
        print("\n".join(line[:300] for line in found.splitlines() if line), run.stderr[-2_000:], flush=True)
    assert run.returncode == 0, f"exit code {run.returncode}"
    assert int(cases) > 1000, f"only {cases} requests were made"


with tempfile.TemporaryDirectory() as directory:
    check("schemathesis", lambda: fuzz(directory))
end()
