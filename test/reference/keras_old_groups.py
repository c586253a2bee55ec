"""A `.keras` file of Keras 2.13, whose groups of weights have other names than those of later versions, and what it predicts; bins of `adapt`.

    pip install tensorflow-cpu==2.13.1
"""

import gzip
import json
import pathlib

import numpy as np
from tensorflow import keras

TARGET = pathlib.Path(__file__).parents[1] / "fixtures" / "formats" / "keras" / "keras-2.13"
layers = keras.layers
keras.utils.set_random_seed(1)

encoder = keras.Sequential([keras.Input((4,)), layers.Dense(3, activation="tanh"), layers.Dropout(0.2), layers.Dense(2)])
entry = keras.Input((4,))
hidden = layers.Dropout(0.1)(layers.Dense(4, activation="relu")(entry))
hidden = layers.BatchNormalization()(layers.Dense(4)(layers.Dropout(0.1)(hidden)))
joined = layers.Concatenate()([layers.BatchNormalization()(hidden), encoder(entry)])
model = keras.Model(entry, layers.Dense(2, activation="softmax")(joined))
for weights in model.weights:
    weights.assign(np.random.rand(*weights.shape))
rows = np.random.rand(20, 4).astype("float32")
TARGET.mkdir(parents=True, exist_ok=True)
model.compile("adam", "mse")
model.save(TARGET / "groups.keras")
packed = gzip.compress((TARGET / "groups.keras").read_bytes(), 9, mtime=0)
(TARGET / "groups.keras").unlink()
(TARGET / "groups.keras.gz").write_bytes(packed)
bins = layers.Discretization(num_bins=4)
bins.adapt(rows)
keras.Sequential([keras.Input((4,)), bins]).save(TARGET / "adapted-bins.h5")
answers = model(rows).numpy()
(TARGET / "groups.json").write_text(json.dumps({"rows": rows.tolist(), "answers": answers.tolist()}) + "\n")
