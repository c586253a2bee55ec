"""Random models of a few hundred KB, exported as Optimum exports real ones."""

import json
import shutil
import tempfile
from pathlib import Path

import torch
from optimum.exporters.onnx import main_export

ROOT = Path(__file__).parents[2]
MODELS = ROOT / "test" / "fixtures" / "models"
REFERENCE = ROOT / "test" / "fixtures" / "reference"

SIZES = dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48)


def spread(model: torch.nn.Module, factor: float = 8) -> torch.nn.Module:
    """Larger weights than models start with, so that answers differ between texts."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() > 1 and "embeddings" not in name:
                parameter.mul_(factor)
            elif "embeddings" in name and parameter.dim() > 1:
                parameter.mul_(factor * 2)
    return model.eval()


def export(name: str, model, tokenizer, task: str, files: dict[str, object] | None = None, **options) -> Path:
    """Writes the folder that `optimum-cli export onnx` makes of the model to test/fixtures/models/<name>, with `files` beside it."""
    target = MODELS / name
    shutil.rmtree(target, ignore_errors=True)
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        for path, content in (files or {}).items():
            Path(folder, path).parent.mkdir(exist_ok=True, parents=True)
            Path(folder, path).write_text(json.dumps(content))
        main_export(model_name_or_path=folder, output=target, task=task, do_validation=False, **options)
    for path, content in (files or {}).items():
        (target / path).parent.mkdir(exist_ok=True, parents=True)
        (target / path).write_text(json.dumps(content, indent=2) + "\n")
    for unused in ("vocab.txt", "vocab.json", "merges.txt", "sentencepiece.bpe.model"):
        (target / unused).unlink(missing_ok=True)
    tree = json.loads((target / "tokenizer.json").read_text())
    (target / "tokenizer.json").write_text(json.dumps(tree, ensure_ascii=False, separators=(",", ":")) + "\n")
    return target
