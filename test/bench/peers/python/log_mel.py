"""Whisper's spectrogram by torch in one thread: a line for each on stdin, times and values to the descriptor 3."""

import json
import math
import os
import sys
import time

import torch

RATE, FRAME, HOP = 16_000, 400, 160
torch.set_num_threads(1)
with open(sys.argv[1]) as file:
    sound = json.load(file)["sound"]
with open(sound["path"], "rb") as file:
    samples = torch.frombuffer(bytearray(file.read()), dtype=torch.float32)


def to_hertz(mel):
    """Slaney's scale: linear up to 1 kHz, logarithmic above."""
    return 200 * mel / 3 if mel < 15 else 1_000 * math.exp(math.log(6.4) / 27 * (mel - 15))


TOP = 15 + math.log(8) * 27 / math.log(6.4)  # 8 kHz
corners = torch.tensor([to_hertz(TOP * index / (sound["bins"] + 1)) for index in range(sound["bins"] + 2)])
left, peak, right = corners[:-2, None], corners[1:-1, None], corners[2:, None]
frequencies = torch.arange(FRAME // 2 + 1) * RATE / FRAME
heights = torch.minimum((frequencies - left) / (peak - left), (right - frequencies) / (right - peak))
filters = heights.clamp(min=0) * 2 / (right - left)
window = torch.hann_window(FRAME)


def log_mel():
    spectrum = torch.stft(samples, FRAME, HOP, window=window, return_complex=True)
    energies = filters @ (spectrum[..., :-1].abs() ** 2)
    levels = energies.clamp(min=1e-10).log10()
    return (torch.maximum(levels, levels.max() - 8) + 4) / 4


answers = os.fdopen(3, "w")
for line in sys.stdin:
    start = time.perf_counter()
    values = log_mel()
    ms = (time.perf_counter() - start) * 1000
    answers.write(json.dumps({"ms": ms, "answer": values.flatten().tolist()}) + "\n")
    answers.flush()
