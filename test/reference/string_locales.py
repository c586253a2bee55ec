"""How StringNormalizer of onnxruntime changes the case of every character, in locales of glibc.

Compiles locales whose sources lie in the folder of the first argument (`/usr/share/i18n` of Debian's package `locales`), and writes
../fixtures/reference/string-locales.json: the digests of C.UTF-8, which Lambda has, and the locales that are like it, or differ.
"""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnxruntime
from onnx import TensorProto, helper

# Languages with capitals of their own, and those with a dotless i.
LOCALES = ("de_DE", "el_GR", "en_US", "fr_FR", "lt_LT", "ru_RU", "az_AZ", "crh_UA", "ku_TR", "tr_TR")
SOURCES = Path(sys.argv[1])
TARGET = Path(__file__).parents[1] / "fixtures" / "reference" / "string-locales.json"

# Each character but NUL and surrogates.
TEXT = "".join(chr(code) for code in range(1, 0x110000) if not 0xD800 <= code <= 0xDFFF)


def change_case(locale: str, action: str) -> str:
    texts = [helper.make_tensor_value_info(name, TensorProto.STRING, [1]) for name in "xy"]
    node = helper.make_node("StringNormalizer", ["x"], ["y"], case_change_action=action, locale=locale)
    model = helper.make_model(
        helper.make_graph([node], "graph", texts[:1], texts[1:]), opset_imports=[helper.make_opsetid("", 17)], ir_version=8
    )
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return session.run(None, {"x": np.array([TEXT], dtype=object)})[0][0]


def digests(locale: str) -> dict[str, str]:
    return {
        action.lower(): hashlib.sha256(change_case(locale, action).encode()).hexdigest() for action in ("LOWER", "UPPER")
    }


with tempfile.TemporaryDirectory() as folder:
    os.environ.update(LOCPATH=folder, I18NPATH=str(SOURCES))
    known = digests("C.UTF-8")
    alike, others = [], []
    for name in LOCALES:
        command = ["localedef", "--no-archive", "-c", "-i", name, "-f", "UTF-8", f"{folder}/{name}"]
        subprocess.run(command, capture_output=True, check=False, timeout=120)
        (alike if digests(name) == known else others).append(name)
    TARGET.write_text(json.dumps({**known, "alike": alike, "others": others}, indent=2) + "\n")
