"""`aws s3` and `aws s3api` against the S3 of `npm start`. Usage: aws_cli.py <endpoint> <s3 endpoint> <bucket>"""

import json
import os
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from time import sleep

from checks import check, end, equal, refused

_, endpoint, bucket = sys.argv[1:4]
PROGRAM = Path(sys.executable).parent / "aws"
FOLDER = f"s3://{bucket}/aws-cli"
CONTENT = b"123456789"
FLAGS = {"CRC32C": "crc32-c", "CRC64NVME": "crc64-nvme"}
LARGE = os.urandom(20 * 1024 * 1024)


def aws(*words, home):
    """Runs a command. A failure is an exception with what the command said."""
    settings = {"AWS_ENDPOINT_URL_S3": endpoint, "AWS_DEFAULT_REGION": "us-east-1", "AWS_MAX_ATTEMPTS": "1"}
    keys = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), **settings, **keys}
    run = subprocess.run([PROGRAM, *words], capture_output=True, text=True, env=environment, timeout=600)
    if run.returncode != 0:
        raise RuntimeError(f"exit code {run.returncode}: {run.stderr}")
    return run.stdout


def run_checks(home):
    (home / "small").write_bytes(CONTENT)
    (home / "large").write_bytes(LARGE)
    s3 = lambda *words: aws("s3", *words, home=home)
    api = lambda name, *words: json.loads(aws("s3api", name, "--bucket", bucket, *words, home=home) or "{}")

    def parts():
        s3("cp", str(home / "large"), f"{FOLDER}/large")
        s3("cp", f"{FOLDER}/large", f"{FOLDER}/large copy")
        s3("cp", f"{FOLDER}/large copy", str(home / "back"))
        equal((home / "back").read_bytes() == LARGE, True)

    def sync():
        tree = home / "tree"
        (tree / "ü/b c").mkdir(parents=True)
        (tree / "a+b").write_text("a")
        (tree / "ü/b c/d&e").write_text("b")
        equal(s3("sync", str(tree), f"{FOLDER}/tree").count("upload:"), 2)
        equal(s3("sync", str(tree), f"{FOLDER}/tree"), "")
        (tree / "a+b").unlink()
        equal(s3("sync", "--delete", str(tree), f"{FOLDER}/tree").count("delete:"), 1)
        s3("sync", f"{FOLDER}/tree", str(home / "other"))
        equal((home / "other/ü/b c/d&e").read_text(), "b")

    def stored(algorithm, expected):
        words = ["--key", "aws-cli/sum", "--body", str(home / "small")]
        api("put-object", *words, "--checksum-algorithm", algorithm)
        name = f"--checksum-{FLAGS.get(algorithm, algorithm.lower())}"
        api("put-object", *words, name, expected)
        wrong = "A" + expected[1:]
        refused(lambda: api("put-object", *words, name, wrong), "BadDigest")

    def presigned():
        url = s3("presign", f"{FOLDER}/small", "--expires-in", "60").strip()
        equal(urllib.request.urlopen(url).read(), CONTENT)
        url = s3("presign", f"{FOLDER}/small", "--expires-in", "1").strip()
        sleep(2)
        try:
            urllib.request.urlopen(url)
            raise AssertionError("a URL that is over was answered")
        except urllib.error.HTTPError as error:
            equal(error.code, 403)

    check("s3 cp up and to standard output", lambda: (s3("cp", str(home / "small"), f"{FOLDER}/small"), equal(s3("cp", f"{FOLDER}/small", "-"), CONTENT.decode())))
    check("s3 cp in parts: up, copied, down", parts)
    check("s3 ls", lambda: equal([line.split()[2] for line in s3("ls", f"{FOLDER}/small").splitlines()], ["9"]))
    check("s3 ls of the buckets", lambda: equal(bucket in s3("ls"), True))
    check("s3 sync, twice, with --delete, and back", sync)
    check("s3 mv", lambda: (s3("mv", f"{FOLDER}/large copy", f"{FOLDER}/moved"), equal("large copy" in s3("ls", f"{FOLDER}/"), False)))
    check("s3 presign, until it expires", presigned)
    check("CRC32 is verified", lambda: stored("CRC32", "y/Q5Jg=="))
    check("CRC32C is verified", lambda: stored("CRC32C", "4waSgw=="))
    check("CRC64NVME is verified", lambda: stored("CRC64NVME", "rosUhgp5mIg="))
    check("SHA256 is verified", lambda: stored("SHA256", "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU="))
    check("s3api list-objects, page by page", lambda: equal(len(api("list-objects", "--prefix", "aws-cli/", "--page-size", "1")["Contents"]) >= 4, True))
    check("a missing key is refused", lambda: refused(lambda: s3("cp", f"{FOLDER}/none", "-"), "404"))
    check("a missing bucket is refused", lambda: refused(lambda: s3("ls", "s3://no-such-bucket"), "NoSuchBucket"))
    check("s3 rm --recursive", lambda: (s3("rm", "--recursive", FOLDER), refused(lambda: s3("ls", FOLDER), "exit code 1")))


with tempfile.TemporaryDirectory() as home:
    run_checks(Path(home))
end()
