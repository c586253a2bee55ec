"""Checks every .onnx file below a folder: `onnx.checker` in full, with shape inference, and that Python's onnxruntime opens it."""

import sys
from pathlib import Path

import onnx
import onnxruntime

paths = sorted(Path(sys.argv[1]).rglob("*.onnx"))
for path in paths:
    try:
        onnx.checker.check_model(str(path), full_check=True)
        onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    except Exception as error:
        sys.exit(f"{path}: {error}")
print(f"{len(paths)} graphs are right")
sys.exit(0 if paths else 1)
