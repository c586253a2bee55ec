"""Models of keras.applications with random weights, and what they predict for 1,000 images: python keras_applications.py <folder> [<model>…]

Each is there twice. `<name>-default` is as Keras makes it, with 1,000 classes: those of MobileNetV2 are 0.001 for every image. `<name>` answers each image
otherwise: its biases and statistics have values of their own, and its last layer is scaled.
test/support/parity/write-keras-applications.ts compares them. They are too large for fixtures.
"""

import sys
from pathlib import Path

import keras
import numpy as np
from keras_models import calibrate, noise, randomise, values, write_case

MODELS = {
    "MobileNetV2": keras.applications.MobileNetV2,
    "EfficientNetB0": keras.applications.EfficientNetB0,
    "ResNet50": keras.applications.ResNet50,
}
DEFAULT = "-default"


def sharpened(name):
    model = MODELS[name](weights=None, input_shape=(96, 96, 3), classes=100)
    randomise(model)
    images = values((16, 96, 96, 3), "pixel", 1000)
    calibrate(model, images)
    features = keras.Model(model.input, model.layers[-1].input).predict(images, verbose=0)
    # The last layer is scaled to what it gets, so that its logits are some units apart.
    kernel, bias = model.layers[-1].get_weights()
    scale = 2 / np.sqrt(np.square(features).sum(axis=1).mean())
    model.layers[-1].set_weights([noise(kernel.shape, 5).astype("float32") * scale, bias])
    return model


for name in sys.argv[2:] or [each + suffix for each in MODELS for suffix in ("", DEFAULT)]:
    keras.backend.clear_session()
    keras.utils.set_random_seed(7)
    is_default = name.endswith(DEFAULT)
    model = MODELS[name.removesuffix(DEFAULT)](weights=None, input_shape=(96, 96, 3)) if is_default else sharpened(name)
    write_case(name, model, ["pixel"], randomised=False, target=Path(sys.argv[1]), batch=50)
    print(name, flush=True)
