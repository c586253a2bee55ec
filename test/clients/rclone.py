"""rclone against the S3 of `npm start`. Usage: rclone.py <endpoint> <s3 endpoint> <bucket>"""

import os
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

from checks import check, end, equal, refused

_, endpoint, bucket = sys.argv[1:4]
PROGRAM = Path(sys.executable).parent / "rclone"
FOLDER = f"here:{bucket}/rclone"
LARGE = os.urandom(12 * 1024 * 1024)
SETTINGS = {
    "RCLONE_CONFIG": "/dev/null",
    "RCLONE_RETRIES": "1",
    "RCLONE_CONFIG_HERE_TYPE": "s3",
    "RCLONE_CONFIG_HERE_PROVIDER": "Other",
    "RCLONE_CONFIG_HERE_ENDPOINT": endpoint,
    "RCLONE_CONFIG_HERE_ACCESS_KEY_ID": "local",
    "RCLONE_CONFIG_HERE_SECRET_ACCESS_KEY": "local",
}
PARTS = ["--s3-upload-cutoff", "5Mi", "--s3-chunk-size", "5Mi", "--s3-copy-cutoff", "5Mi"]


def rclone(*words):
    """Runs a command. A failure is an exception with what the command said."""
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], **SETTINGS}
    run = subprocess.run([PROGRAM, *words], capture_output=True, text=True, env=environment, timeout=600)
    if run.returncode != 0:
        raise RuntimeError(f"exit code {run.returncode}: {run.stderr}")
    return run.stdout


def run_checks(tree):
    (tree / "ü/b c").mkdir(parents=True)
    (tree / "small").write_text("content")
    (tree / "ü/b c/d&e+f").write_text("deep")
    (tree / "large").write_bytes(LARGE)
    source, target = str(tree), f"{FOLDER}/tree"

    def sync():
        (tree / "small").write_text("changed")
        rclone("sync", *PARTS, source, target)
        equal(rclone("cat", f"{target}/small"), "changed")

    check("copy of a folder, in parts", lambda: rclone("copy", *PARTS, source, target))
    check("lsf of folders and files", lambda: equal(sorted(rclone("lsf", "-R", target).splitlines()), ["large", "small", "ü/", "ü/b c/", "ü/b c/d&e+f"]))
    check("check compares sizes and digests", lambda: rclone("check", source, target))
    check("check --download compares bytes", lambda: rclone("check", "--download", source, target))
    check("sync sends what has changed", sync)
    check("copyto inside, in parts", lambda: (rclone("copyto", *PARTS, f"{target}/large", f"{FOLDER}/copy"), equal(rclone("size", f"{FOLDER}/copy").count("12 MiB"), 1)))
    check("moveto", lambda: (rclone("moveto", f"{FOLDER}/copy", f"{FOLDER}/moved"), equal(rclone("lsf", FOLDER).split(), ["moved", "tree/"])))
    check("link is a presigned URL", lambda: equal(urllib.request.urlopen(rclone("link", "--expire", "1m", f"{target}/small").strip()).read(), b"changed"))
    check("lsd of the buckets", lambda: equal(bucket in rclone("lsd", "here:"), True))
    check("list of the first version", lambda: equal(rclone("lsf", "--s3-list-version", "1", FOLDER).split(), ["moved", "tree/"]))
    check("a missing bucket is refused", lambda: refused(lambda: rclone("lsf", "here:no-such-bucket"), "directory not found"))
    check("purge", lambda: (rclone("purge", FOLDER), equal("rclone/" in rclone("lsf", f"here:{bucket}"), False)))


with tempfile.TemporaryDirectory() as tree:
    run_checks(Path(tree))
end()
