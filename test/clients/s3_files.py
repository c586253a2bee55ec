"""s3fs against the S3 of `npm start`. Usage: s3_files.py <endpoint> <s3 endpoint> <bucket>"""

import os
import sys
import urllib.request

import s3fs
from checks import check, end, equal

_, endpoint, bucket = sys.argv[1:4]
files = s3fs.S3FileSystem(key="local", secret="local", endpoint_url=endpoint, client_kwargs={"region_name": "us-east-1"})
FOLDER = f"{bucket}/s3fs"
LARGE = os.urandom(12 * 1024 * 1024)


def write_and_read():
    with files.open(f"{FOLDER}/ü b", "w") as file:
        file.write("first\nsecond\n")
    with files.open(f"{FOLDER}/ü b") as file:
        equal(file.readlines(), ["first\n", "second\n"] if "b" not in file.mode else [b"first\n", b"second\n"])


def parts():
    with files.open(f"{FOLDER}/large", "wb", block_size=5 * 1024 * 1024) as file:
        file.write(LARGE)
    equal(files.size(f"{FOLDER}/large"), len(LARGE))
    with files.open(f"{FOLDER}/large", block_size=1024 * 1024) as file:
        file.seek(7_000_000)
        equal(file.read(100), LARGE[7_000_000:7_000_100])


def append():
    with files.open(f"{FOLDER}/large", "ab") as file:
        file.write(b"end")
    equal(files.tail(f"{FOLDER}/large", 3), b"end")


def copies():
    files.copy(f"{FOLDER}/large", f"{FOLDER}/copy")
    files.mv(f"{FOLDER}/copy", f"{FOLDER}/deep/er/copy")
    equal(files.exists(f"{FOLDER}/copy"), False)
    equal(files.cat_file(f"{FOLDER}/deep/er/copy") == LARGE + b"end", True)


def listings():
    equal(sorted(files.ls(FOLDER)), [f"{FOLDER}/deep", f"{FOLDER}/large", f"{FOLDER}/ü b"])
    equal(sorted(files.glob(f"{FOLDER}/**/copy")), [f"{FOLDER}/deep/er/copy"])
    equal([each for each, _, _ in files.walk(FOLDER)], [FOLDER, f"{FOLDER}/deep", f"{FOLDER}/deep/er"])
    equal(files.isdir(f"{FOLDER}/deep") and files.isfile(f"{FOLDER}/large"), True)
    equal(files.info(f"{FOLDER}/ü b")["size"], 13)


def missing():
    try:
        files.cat_file(f"{FOLDER}/none")
        raise AssertionError("a missing file was read")
    except FileNotFoundError:
        pass


check("a file is written and read", write_and_read)
check("a large file in parts, read from its middle", parts)
check("append", append)
check("copy and mv", copies)
check("ls, glob, walk, info", listings)
check("several files at once", lambda: equal(files.cat([f"{FOLDER}/ü b", f"{FOLDER}/large"])[f"{FOLDER}/ü b"], b"first\nsecond\n"))
check("metadata", lambda: (files.pipe_file(f"{FOLDER}/m", b"", Metadata={"owner": "me"}), equal(files.metadata(f"{FOLDER}/m"), {"owner": "me"})))
check("a signed URL", lambda: equal(urllib.request.urlopen(files.sign(f"{FOLDER}/ü b", expiration=60)).read(), b"first\nsecond\n"))
check("a missing file is not found", missing)
check("rm of a folder", lambda: (files.rm(FOLDER, recursive=True), equal(files.exists(FOLDER), False)))
end()
