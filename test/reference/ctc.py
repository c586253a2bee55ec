"""What the transformers pipeline answers to test/fixtures/audio with CTC models: texts, and timestamps of letters and words.

Writes test/fixtures/reference/ctc.json and, with random weights, test/fixtures/models:
  tiny-wav2vec2       as optimum-onnx exports it
  tiny-hubert-masked  exported by torch with an attention mask; its tokenizer lower-cases and cleans up spaces
"""

import json
import tempfile
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from audio import AUDIO, RATE, ROOT, encode, load
from optimum.exporters.onnx import onnx_export_from_model
from optimum.onnxruntime import ORTModelForCTC
from transformers import (
    AutomaticSpeechRecognitionPipeline,
    HubertConfig,
    HubertForCTC,
    Wav2Vec2Config,
    Wav2Vec2CTCTokenizer,
    Wav2Vec2FeatureExtractor,
    Wav2Vec2ForCTC,
)
from transformers.modeling_outputs import CausalLMOutput

MODELS = ROOT / "models"
VERSIONS = {name: version(name) for name in ("transformers", "optimum-onnx", "onnxruntime", "torch")}
TOKENS = ["<pad>", "<s>", "</s>", "<unk>", "|", *"ETAONIHSRDLUMWCFGYPBVK'", "."]
BLANK, DELIMITER = 0, 4
SIZE = {
    **{"hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32},
    **{"conv_dim": (16,) * 4, "conv_kernel": (10, 3, 2, 2), "conv_stride": (5, 4, 4, 2), "num_conv_pos_embeddings": 8},
    **{"num_conv_pos_embedding_groups": 2, "initializer_range": 0.1, "vocab_size": len(TOKENS), "pad_token_id": BLANK},
    **{"bos_token_id": 1, "eos_token_id": 2},
}


class MaskedCTC(ORTModelForCTC):
    """optimum-onnx feeds samples alone."""

    def forward(self, input_values=None, attention_mask=None, **_):
        feeds = {"input_values": input_values.numpy(), "attention_mask": attention_mask.numpy().astype("i8")}
        return CausalLMOutput(logits=torch.from_numpy(self.session.run(["logits"], feeds)[0]))


def build(model_class, config, seed: int):
    torch.manual_seed(seed)
    model = model_class(config).eval()
    model.config.architectures = [model_class.__name__]
    with torch.no_grad():  # blanks and spaces are what such models hear most
        model.lm_head.bias[BLANK] += 0.7
        model.lm_head.bias[DELIMITER] += 0.4
    return model


def save_processor(folder: Path, extractor: dict, tokenizer: dict) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        vocabulary = Path(scratch) / "vocab.json"
        vocabulary.write_text(json.dumps({token: index for index, token in enumerate(TOKENS)}))
        Wav2Vec2CTCTokenizer(str(vocabulary), **tokenizer).save_pretrained(folder)
    Wav2Vec2FeatureExtractor(feature_size=1, sampling_rate=RATE, padding_value=0.0, **extractor).save_pretrained(folder)


def write_wav2vec2() -> AutomaticSpeechRecognitionPipeline:
    folder = MODELS / "tiny-wav2vec2"
    config = Wav2Vec2Config(**SIZE, feat_extract_norm="group", do_stable_layer_norm=False)
    model = build(Wav2Vec2ForCTC, config, 0)
    onnx_export_from_model(model, folder, task="automatic-speech-recognition", do_validation=False)
    save_processor(folder, {"do_normalize": True, "return_attention_mask": False}, {})
    return load_pipeline(ORTModelForCTC, folder)


def write_hubert() -> AutomaticSpeechRecognitionPipeline:
    folder = MODELS / "tiny-hubert-masked"
    folder.mkdir(exist_ok=True)
    config = HubertConfig(**SIZE, feat_extract_norm="layer", do_stable_layer_norm=True, conv_bias=True)
    model = build(HubertForCTC, config, 2)
    model.config.save_pretrained(folder)
    example = (torch.randn(2, 4_000), torch.ones(2, 4_000, dtype=torch.long))
    example[1][1, 3_000:] = 0
    names = {"input_names": ["input_values", "attention_mask"], "output_names": ["logits"]}
    axes = {name: {0: "batch_size", 1: "sequence_length"} for name in names["input_names"]}
    axes["logits"] = {0: "batch_size", 1: "outputs"}
    torch.onnx.export(model, example, str(folder / "model.onnx"), **names, dynamic_axes=axes, opset_version=17, dynamo=False)
    tokenizer = {"do_lower_case": True, "clean_up_tokenization_spaces": True}
    save_processor(folder, {"do_normalize": False, "return_attention_mask": True}, tokenizer)
    return load_pipeline(MaskedCTC, folder)


def load_pipeline(model_class, folder: Path) -> AutomaticSpeechRecognitionPipeline:
    model = model_class.from_pretrained(folder, use_io_binding=False)
    model.main_input_name = "input_values"  # which optimum-onnx leaves out
    return AutomaticSpeechRecognitionPipeline(
        model=model,
        tokenizer=Wav2Vec2CTCTokenizer.from_pretrained(folder),
        feature_extractor=Wav2Vec2FeatureExtractor.from_pretrained(folder),
        framework="pt",
        device="cpu",
    )


def spans(chunks: list[dict]) -> list[list]:
    return [[chunk["text"], *chunk["timestamp"]] for chunk in chunks]


def answer(pipeline, file: str, **parameters) -> dict:
    """Of a long recording the first words alone, and of one model the letters: the rest would fill a megabyte."""
    samples, _ = load(AUDIO / file)
    given = {"stride_length_s": None, **parameters}
    words = pipeline(samples.copy(), return_timestamps="word", **given)
    case = {"file": file, "parameters": parameters, "text": words["text"], "words": spans(words["chunks"][:100])}
    if len(samples) > 30 * RATE:
        return case
    inputs = pipeline.feature_extractor(samples, sampling_rate=RATE, return_tensors="pt", return_attention_mask=True)
    logits = pipeline.model(**inputs).logits[0].numpy()
    top = np.sort(logits, 1)[:, -2:]
    case = {**case, "logits": encode(logits[::10]), "margin": float((top[:, 1] - top[:, 0]).min())}
    if isinstance(pipeline.model, MaskedCTC):
        return case
    letters = pipeline(samples.copy(), return_timestamps="char", **given)
    return {**case, "letters": spans(letters["chunks"])}


def cases() -> list[tuple[str, dict]]:
    files = [path.name for path in sorted(AUDIO.iterdir()) if path.name not in ("one-sample.wav", "long-75s.mp3")]
    windows = [
        {"chunk_length_s": 1},
        {"chunk_length_s": 1, "stride_length_s": 0},
        {"chunk_length_s": 1.3, "stride_length_s": [0.4, 0.1]},
        {"chunk_length_s": 20, "stride_length_s": 2},
    ]
    return [
        *[(file, {}) for file in files],
        *[("voice.wav", parameters) for parameters in windows],
        ("mono.flac", {"chunk_length_s": 1, "stride_length_s": 0.1}),
        ("long-75s.mp3", {"chunk_length_s": 30}),
        ("long-75s.mp3", {"chunk_length_s": 12, "stride_length_s": [4, 2]}),
    ]


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    pipelines = {"tiny-wav2vec2": write_wav2vec2(), "tiny-hubert-masked": write_hubert()}
    models = {
        name: [answer(pipeline, file, **parameters) for file, parameters in cases()] for name, pipeline in pipelines.items()
    }
    content = json.dumps({"versions": VERSIONS, "models": models}, ensure_ascii=False)
    (ROOT / "reference" / "ctc.json").write_text(content + "\n")
