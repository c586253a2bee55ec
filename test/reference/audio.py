"""Makes test/fixtures/audio: recordings of every format, rate and number of channels that a caller may send, and
test/fixtures/reference/audio.json: what libsndfile decodes of them and torchaudio resamples to 16 kHz.

The voice is a synthesised one: pulses through three resonances that wander from vowel to vowel, and bursts of noise.
"""

import base64
import json
import struct
import zlib
from importlib.metadata import version
from pathlib import Path

import numpy as np
import soundfile
import torch
import torchaudio
from scipy.signal import lfilter, resample_poly

ROOT = Path(__file__).parents[1] / "fixtures"
AUDIO = ROOT / "audio"
RATE = 16_000
VERSIONS = {name: version(name) for name in ("soundfile", "numpy", "scipy", "torchaudio")}
VERSIONS["libsndfile"] = soundfile.__libsndfile_version__
VOWELS = [(730, 1090, 2440), (270, 2290, 3010), (300, 870, 2240), (530, 1840, 2480), (570, 840, 2410), (660, 1720, 2410)]


def voice(seconds: float, seed: int, rate: int = RATE) -> np.ndarray:
    """float64[n] from -0.8 to 0.8: a sound every tenth of a second, made at 16 kHz."""
    rng = np.random.default_rng(seed)
    sounds = []
    while sum(map(len, sounds)) < seconds * RATE:
        length = int(rng.integers(900, 2400))
        kind = rng.random()
        if kind < 0.15:
            sounds.append(np.zeros(length // 2))
            continue
        pulses = np.zeros(length)
        pulses[:: int(RATE / rng.uniform(90, 240))] = 1
        source = rng.standard_normal(length) * 0.3 if kind < 0.35 else pulses + rng.standard_normal(length) * 0.01
        for formant in VOWELS[rng.integers(len(VOWELS))]:
            radius = np.exp(-np.pi * 90 / RATE)
            source = lfilter([1 - radius], [1, -2 * radius * np.cos(2 * np.pi * formant / RATE), radius**2], source)
        sounds.append(source / max(1e-9, np.abs(source).max()) * rng.uniform(0.2, 1) * np.hanning(length) ** 0.3)
    samples = np.concatenate(sounds)[: round(seconds * RATE)] * 0.8
    return samples if rate == RATE else resample_poly(samples, rate // np.gcd(rate, RATE), RATE // np.gcd(rate, RATE))


def write(name: str, samples: np.ndarray, rate: int = RATE, **options) -> None:
    soundfile.write(AUDIO / name, samples, rate, **options)


def chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)


def write_riff(name: str, *chunks: bytes) -> None:
    content = b"WAVE" + b"".join(chunks)
    (AUDIO / name).write_bytes(b"RIFF" + struct.pack("<I", len(content)) + content)


def pcm_format(channels: int, rate: int, bits: int) -> bytes:
    block = channels * bits // 8
    return chunk(b"fmt ", struct.pack("<HHIIHH", 1, channels, rate, rate * block, block, bits))


def int16(samples: np.ndarray) -> bytes:
    return np.round(samples * 32767).astype("<i2").tobytes()


def write_samples_of_every_kind() -> None:
    for index, subtype in enumerate(["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW"]):
        write(f"{subtype.lower().replace('_', '-')}.wav", voice(0.5, index), subtype=subtype)
    write("extensible-24.wav", voice(0.4, 10), subtype="PCM_24", format="WAVEX")
    write("extensible-float-stereo.wav", np.stack([voice(0.4, 11), voice(0.4, 12)], 1), subtype="FLOAT", format="WAVEX")


def write_channels_and_rates() -> None:
    stereo = np.stack([voice(0.4, 20, 44_100), voice(0.4, 21, 44_100)], 1)
    write("stereo-44100.wav", stereo, 44_100)
    write("opposite-channels.wav", np.stack([voice(0.3, 22), -voice(0.3, 22)], 1))
    write("six-channels.wav", np.stack([voice(0.3, 23 + i) for i in range(6)], 1))
    for rate in (8_000, 11_025, 22_050, 48_000, 96_000):
        write(f"rate-{rate}.wav", voice(0.4, rate, rate), rate)
    write("rate-12345.wav", voice(0.3, 30), 12_345)  # hardly a common divisor with 16 kHz


def write_other_containers() -> None:
    """Sizes of 64 bits, and numbers that begin with their highest byte."""
    stereo = np.stack([voice(0.3, 71), voice(0.3, 72)], 1)
    write("rf64.wav", voice(0.3, 70), format="RF64")
    write("rifx.wav", voice(0.3, 70), endian="BIG")
    write("rifx-24.wav", voice(0.3, 70), subtype="PCM_24", endian="BIG")
    write("rifx-float-stereo.wav", stereo, subtype="FLOAT", endian="BIG")


def write_unusual_sound() -> None:
    write("silence.wav", np.zeros(RATE // 2))
    write("one-sample.wav", np.array([0.5]))
    write("short-25ms.wav", voice(0.025, 31))
    write("clipped.wav", np.clip(voice(0.5, 32) * 8, -1, 1), subtype="PCM_16")
    write("quiet.wav", np.sign(voice(0.4, 33)) / 32768, subtype="PCM_16")
    write("beyond-full-scale.wav", voice(0.4, 34) * 40, subtype="FLOAT")
    write("offset.wav", voice(0.4, 35) * 0.2 + 0.7)
    write("noise.wav", np.random.default_rng(36).uniform(-0.9, 0.9, RATE // 2))
    write("tone.wav", 0.5 * np.sin(2 * np.pi * 440 * np.arange(RATE // 2) / RATE))
    write("voice.wav", voice(2, 37))


def write_unusual_files() -> None:
    sound = int16(voice(0.3, 40))
    note = chunk(b"LIST", b"INFOISFT" + struct.pack("<I", 5) + b"odd\0\0\0") + chunk(b"odd ", b"three")
    write_riff("chunks-before-data.wav", note, pcm_format(1, RATE, 16), note, chunk(b"data", sound), note)
    write_riff("streamed.wav", pcm_format(1, RATE, 16), b"data\xff\xff\xff\xff" + sound)


def write_compressed() -> None:
    mono, stereo = voice(0.8, 50), np.stack([voice(0.8, 51, 44_100), voice(0.8, 52, 44_100)], 1)
    write("mono.flac", mono)
    write("stereo-24bit-44100.flac", stereo[:20_000], 44_100, subtype="PCM_24")
    write("8bit.flac", mono, subtype="PCM_S8")
    write("mono.mp3", mono, format="MP3")
    write("stereo-44100.mp3", stereo, 44_100, format="MP3")
    write("short-23ms.mp3", stereo[:1000], 44_100, format="MP3")
    write("mono.ogg", mono, format="OGG", subtype="VORBIS")
    write("stereo-44100.ogg", stereo, 44_100, format="OGG", subtype="VORBIS")
    write("mono.opus", voice(0.8, 53, 48_000), 48_000, format="OGG", subtype="OPUS")
    write("stereo.opus", np.stack([voice(0.8, 54, 48_000), voice(0.8, 55, 48_000)], 1), 48_000, format="OGG", subtype="OPUS")
    write("long-75s.mp3", np.concatenate([voice(15, 60 + i, 8_000) for i in range(5)]), 8_000, format="MP3", compression_level=0.99)


def encode(values: np.ndarray) -> str:
    """Base64 of the zlib-compressed little-endian float32 values."""
    return base64.b64encode(zlib.compress(values.astype("<f4").tobytes(), 9)).decode()


def load(path: Path) -> tuple[np.ndarray, int]:
    """float32[n] at 16 kHz and the file's own rate: the mean of the channels, resampled as the transformers pipeline does, in double
    precision (in single precision torchaudio's own kernel is off by up to 1e-5, at 11,025 Hz)."""
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    mono = torch.from_numpy(samples.astype("f8").mean(1))
    return torchaudio.functional.resample(mono, rate, RATE).float().numpy(), rate


def describe(path: Path) -> dict:
    samples, rate = load(path)
    every = max(1, len(samples) // 1500)  # of a long one, samples here and there
    return {"sampleRate": rate, "length": len(samples), "every": every, "samples": encode(samples[::every])}


if __name__ == "__main__":
    AUDIO.mkdir(exist_ok=True)
    write_samples_of_every_kind()
    write_channels_and_rates()
    write_other_containers()
    write_unusual_sound()
    write_unusual_files()
    write_compressed()
    files = {path.name: describe(path) for path in sorted(AUDIO.iterdir())}
    (ROOT / "reference" / "audio.json").write_text(json.dumps({"versions": VERSIONS, "files": files}, indent=1) + "\n")
