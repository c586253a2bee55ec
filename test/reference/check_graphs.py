"""Checks every .onnx file of a folder with onnx.checker, and opens it with onnxruntime: python check_graphs.py <folder>"""

import sys
from pathlib import Path

import onnx
import onnxruntime

files = sorted(Path(sys.argv[1]).rglob("*.onnx"))
for file in files:
    onnx.checker.check_model(onnx.load(file), full_check=True)
    onnxruntime.InferenceSession(file.read_bytes(), providers=["CPUExecutionProvider"])
print(f"{len(files)} graphs pass")
sys.exit(0 if files else 1)
