"""How far float32 itself moves the outputs of deep models of random weights: python keras_exactness.py <folder>

<folder> is that of keras_applications.py, with Keras 3. Each `<name>.keras.gz` there is converted first:

gunzip -k <folder>/<name>.keras.gz && npx onnx-serverless convert <folder>/<name>.keras <folder>/<name>.onnx

A line for each model has the largest differences, by the largest output or 1: Keras in float32 from Keras in float64, the graph from Keras in
float64, Keras with one image at a time from Keras with 16, and the graph from Keras in float32.
"""

import os
import sys
from pathlib import Path

os.environ["KERAS_BACKEND"] = "jax"
import jax

jax.config.update("jax_enable_x64", True)
import keras
import numpy as np
import onnxruntime as ort
from keras_models import values


def worst(a, b):
    return float(np.abs(np.float64(a) - np.float64(b)).max() / max(1, np.abs(b).max()))


def in_double(model):
    """The same layers and weights, which compute in float64."""
    def layer(config):
        if isinstance(config, dict):
            return {key: "float64" if key == "dtype" else layer(value) for key, value in config.items()}
        return [layer(each) for each in config] if isinstance(config, list) else config

    double = type(model).from_config(layer(model.get_config()))
    double.set_weights([np.float64(weight) for weight in model.get_weights()])
    for each in double.layers:
        if isinstance(each, keras.layers.Normalization):
            each.finalize_state()  # it computes with what it had read from its weights before
    return double


for path in sorted(Path(sys.argv[1]).glob("*.keras")):
    model = keras.saving.load_model(path)
    images = values((16, 96, 96, 3), "pixel", 1000)
    single = model.predict(images, verbose=0, batch_size=16)
    one_by_one = np.concatenate([model.predict(images[index:index + 1], verbose=0) for index in range(16)])
    double = np.asarray(in_double(model)(np.float64(images), training=False))
    session = ort.InferenceSession(path.with_suffix(".onnx"))
    graph = session.run(None, {session.get_inputs()[0].name: images})[0]
    print(f"{path.stem}: {double.dtype} Keras from double {worst(single, double):.1e}, graph from double {worst(graph, double):.1e}, "
          f"Keras alone from Keras in 16 {worst(one_by_one, single):.1e}, graph from Keras {worst(graph, single):.1e}", flush=True)
