"""Models of Keras 2 and 3 with random weights, and what they predict for inputs that the tests make again.

KERAS_BACKEND=jax .venv3/bin/python keras_models.py      # Keras 3, requirements-keras-3.txt
.venv2/bin/python keras_models.py                        # Keras 2, requirements-keras-2.txt
"""

import base64
import gzip
import json
import pathlib
import sys
import tempfile
import zlib

import keras
import numpy as np
from keras import layers as L

IS_2 = keras.__version__.startswith("2")
VERSION = "keras-2" if IS_2 else "keras-3"
FOLDER = pathlib.Path(__file__).parent / "../fixtures/formats/keras" / VERSION

rng = np.random.default_rng(12)


def noise(shape, seed):
    """Uniform in [-1, 1), the same in test/support/keras/noise.ts: MurmurHash3's last step of the index."""
    h = np.arange(int(np.prod(shape)), dtype=np.uint32) + np.uint32(seed)
    with np.errstate(over="ignore"):
        h ^= h >> np.uint32(16)
        h *= np.uint32(0x85EBCA6B)
        h ^= h >> np.uint32(13)
        h *= np.uint32(0xC2B2AE35)
        h ^= h >> np.uint32(16)
    return (h / 2.0**31 - 1).reshape(shape)


def values(shape, kind, seed):
    """Inputs of a kind: `float`, `pixel` (0 to 255), `integer:N` (0 to N - 1), `steps` (float with steps of zeros)."""
    x = noise(shape, seed)
    if kind == "pixel":
        return np.floor((x + 1) * 128).astype("float32")
    if kind.startswith("integer:"):
        return np.floor((x + 1) / 2 * int(kind.split(":")[1])).astype("int32")
    if kind == "steps":
        keep = noise((*shape[:2], 1), seed + 1) > -0.3
        return (x * keep).astype("float32")
    return (x * 2).astype("float32")


def randomise(model):
    """Biases, statistics and slopes would be 0 or 1: they get values of their own. Kernels keep theirs."""
    for weight in model.weights:
        value = np.array(weight)
        if not np.issubdtype(value.dtype, np.floating):
            continue
        name = weight.name.split("/")[-1].split(":")[0]
        if "variance" in name:
            value = rng.uniform(0.5, 1.5, value.shape)
        elif value.ndim <= 1 or name in ("bias", "beta", "alpha"):
            value = value * 0.7 + rng.uniform(-0.3, 0.3, value.shape)
        weight.assign(value.astype(np.array(weight).dtype))
    for layer in model.layers:
        if isinstance(layer, L.Normalization):
            layer.finalize_state()  # it computes with what it had read from its weights before


def calibrate(model, images):
    """Statistics of batches become those of `images`. Without that, deep models of random weights answer every image alike."""
    for layer in [model, *model.layers]:
        for each in [layer, *getattr(layer, "layers", [])]:
            if isinstance(each, L.BatchNormalization):
                each.momentum = 0.0
    model(images, training=True)


def encode(array):
    """As test/support/image-parity.ts `decodeFloats` reads it."""
    return base64.b64encode(zlib.compress(np.ascontiguousarray(array, np.float32).tobytes(), 9)).decode()


def pack(data):
    return gzip.compress(data, 6, mtime=0)


def write_model(name, model, formats=("h5", "keras"), target=FOLDER):
    with tempfile.TemporaryDirectory() as folder:
        for suffix in formats:
            path = pathlib.Path(folder) / f"model.{suffix}"
            model.save(path)
            (target / f"{name}.{suffix}.gz").write_bytes(pack(path.read_bytes()))


ROWS = 1000
WHOLE_ROWS = 4
VALUES_OF_A_ROW = 8


def kept(output, count, seed):
    """An output as its first rows, which are whole, and `count` values of each row, at places that a seed chooses."""
    rows, size = len(output), int(np.prod(output.shape[1:]))
    whole = rows if size <= count else min(rows, WHOLE_ROWS)
    content = {"shape": output.shape, "whole": whole, "data": encode(output[:whole])}
    if whole < rows:
        places = values((rows, count), f"integer:{size}", seed)
        content["chosen"] = {"count": count, "seed": seed, "data": encode(np.take_along_axis(output.reshape(rows, size), places, 1))}
    return content


def write_case(name, model, kinds, formats=("h5", "keras"), randomised=True, target=FOLDER, batch=ROWS):
    """`kinds` has the kind of each input. Open sizes but the batch are 7. Outputs are kept as `kept` has it."""
    if randomised:
        randomise(model)
    inputs = []
    for index, (tensor, kind) in enumerate(zip(model.inputs, kinds)):
        shape = [ROWS, *(size or 7 for size in tensor.shape[1:])]
        inputs.append({"shape": shape, "kind": kind, "seed": 1000 * (index + 1)})
    arrays = [values(tuple(each["shape"]), each["kind"], each["seed"]) for each in inputs]
    predicted = model.predict(arrays if len(arrays) > 1 else arrays[0], verbose=0, batch_size=batch)
    outputs = [np.asarray(each) for each in (predicted if isinstance(predicted, (list, tuple)) else [predicted])]
    count = max(1, VALUES_OF_A_ROW // len(outputs))
    content = {
        "keras": keras.__version__,
        "inputs": inputs,
        "outputs": [kept(each, count, 100 + index) for index, each in enumerate(outputs)],
    }
    (target / f"{name}.json").write_text(json.dumps(content, indent=1) + "\n")
    write_model(name, model, formats, target)


def convolutions_2d():
    x = keras.Input((9, 8, 3))
    y = L.Conv2D(8, 3, strides=2, padding="same", use_bias=False)(x)
    y = L.BatchNormalization()(y)
    y = L.ReLU(6.0)(y)
    y = L.DepthwiseConv2D((3, 5), depth_multiplier=2, padding="same", activation="relu")(y)
    y = L.SeparableConv2D(6, 3, depth_multiplier=2, padding="same", activation="swish")(y)
    a = L.Conv2D(4, (3, 2), dilation_rate=(2, 3), padding="same")(y)
    b = L.Conv2DTranspose(4, 3, strides=2, padding="same", activation="tanh")(y)
    c = L.Conv2DTranspose(4, (4, 2), strides=(3, 2), padding="valid")(y)
    d = L.Conv2DTranspose(3, 3, strides=2, padding="same", output_padding=1)(y)
    e = L.Conv2DTranspose(3, (2, 1), strides=3)(y)
    f = L.DepthwiseConv2D(3, strides=2, padding="valid", use_bias=False)(y)
    return keras.Model(x, [a, b, c, d, e, f])


def convolutions_grouped():
    x = keras.Input((9, 10, 4))
    y = L.Conv2D(8, 3, groups=2, padding="same", activation="relu")(x)
    y = L.Conv2DTranspose(4, 3, dilation_rate=2, padding="valid")(y)
    return keras.Model(x, y)


def convolutions_1d():
    x = keras.Input((21, 4))
    y = L.Conv1D(6, 3, padding="causal", dilation_rate=2, activation="relu")(x)
    y = L.Conv1D(6, 4, strides=2, padding="same")(y)
    a = L.SeparableConv1D(5, 3, padding="same")(y)
    b = L.Conv1DTranspose(5, 3, strides=2, padding="same")(y)
    c = L.DepthwiseConv1D(3, padding="valid")(y)
    d = L.MaxPooling1D(3, strides=2, padding="same")(y)
    e = L.AveragePooling1D(2, padding="same")(L.ZeroPadding1D((2, 1))(y))
    f = L.UpSampling1D(3)(L.Cropping1D((1, 2))(y))
    return keras.Model(x, [a, b, c, d, e, f])


def convolutions_3d():
    x = keras.Input((4, 5, 3, 2))
    y = L.Conv3D(4, 3, padding="same", activation="elu")(x)
    a = L.MaxPooling3D(2, padding="same")(y)
    b = L.AveragePooling3D((2, 1, 2))(y)
    c = L.Conv3DTranspose(2, 2, strides=2)(y)
    d = L.GlobalAveragePooling3D()(L.ZeroPadding3D(1)(y))
    e = L.UpSampling3D((1, 2, 1))(L.Cropping3D(((1, 0), (0, 1), (1, 1)))(y))
    return keras.Model(x, [a, b, c, d, e])


def pooling():
    x = keras.Input((9, 8, 3))
    outputs = [
        L.MaxPooling2D(3, strides=2, padding="same")(x),
        L.MaxPooling2D((2, 3))(x),
        L.AveragePooling2D(3, strides=2, padding="same")(x),
        L.AveragePooling2D(2)(x),
        L.GlobalAveragePooling2D(keepdims=True)(x),
        L.GlobalMaxPooling2D()(x),
        L.GlobalAveragePooling1D()(L.Reshape((72, 3))(x)),
        L.GlobalMaxPooling1D(keepdims=True)(L.Reshape((-1, 6))(x)),
    ]
    if not IS_2:
        outputs += [
            L.MaxPooling2D((2, 3), strides=(3, 5), padding="same")(x),
            L.AveragePooling2D(2, strides=3, padding="same")(x),
            L.SpatialDropout2D(0.2)(x),
        ]
    return keras.Model(x, outputs)


def images():
    x = keras.Input((8, 7, 3))
    y = L.Rescaling([1 / 127.5, 1 / 100, 1 / 90], offset=[-1, -0.5, 0])(x)
    normalization = L.Normalization()
    normalization.adapt(rng.uniform(-1, 2, (64, 8, 7, 3)).astype("float32"))
    z = normalization(y)
    outputs = [
        L.Resizing(5, 16)(z),
        L.Resizing(5, 13, interpolation="nearest")(z),
        L.UpSampling2D((2, 3))(z),
        L.UpSampling2D(2, interpolation="bilinear")(z),
        L.UpSampling2D((2, 4) if IS_2 else (2, 3), interpolation="bicubic")(z),
        L.ZeroPadding2D(((1, 2), (0, 3)))(z),
        L.Cropping2D(((1, 2), (3, 0)))(z),
        L.CenterCrop(5, 6)(z),
        L.Normalization(axis=-1, mean=[1.0, 2.0, 3.0], variance=[1.0, 4.0, 9.0])(x),
        L.Normalization(axis=None, mean=120.0, variance=2500.0)(x),
        L.RandomFlip()(z),
    ]
    return keras.Model(x, outputs)


def normalizations():
    x = keras.Input((4, 3, 8))
    outputs = [
        L.LayerNormalization()(x),
        L.LayerNormalization(axis=[2, 3], epsilon=1e-5)(x),
        L.LayerNormalization(center=False, scale=False)(x),
        L.GroupNormalization(4)(x),
        L.GroupNormalization(groups=-1, scale=False)(x),
        L.GroupNormalization(2, axis=1)(x),
        L.GroupNormalization(3, axis=-2, center=False)(x),
        L.UnitNormalization()(x),
        L.BatchNormalization(axis=1)(x),
        L.BatchNormalization(scale=False, center=False)(x),
    ]
    if not IS_2:
        outputs += [L.RMSNormalization()(x), L.LayerNormalization(axis=1)(x), L.LayerNormalization(axis=[1, 3], scale=False)(x)]
    return keras.Model(x, outputs)


NAMES = ["elu", "exponential", "gelu", "hard_sigmoid", "linear", "mish", "relu", "selu", "sigmoid", "softmax"]
NAMES += ["softplus", "softsign", "swish", "tanh"]
NAMES_3 = ["celu", "hard_shrink", "hard_silu", "hard_tanh", "leaky_relu", "log_sigmoid", "log_softmax", "relu6", "silu"]
NAMES_3 += ["soft_shrink", "sparse_plus", "sparse_sigmoid", "sparsemax", "squareplus", "tanh_shrink"]


def activations():
    x = keras.Input((6,))
    y = L.Dense(8)(x)
    outputs = [L.Activation(name)(y) for name in NAMES + ([] if IS_2 else NAMES_3)]
    slope = {"negative_slope": 0.2}
    outputs += [
        L.ReLU(max_value=1.5, threshold=0.3, **slope)(y),
        L.ReLU(threshold=0.5)(y),
        L.ReLU(negative_slope=0.1)(y),
        L.LeakyReLU()(y),
        L.LeakyReLU(0.15)(y),
        L.ELU(alpha=0.7)(y),
        L.PReLU()(y),
        L.Softmax()(y),
        L.Dense(4, activation="relu")(L.Dropout(0.5)(y)),
    ]
    z = L.Reshape((2, 2, 2))(y)
    outputs += [L.PReLU(shared_axes=[1, 2])(z), L.Softmax(axis=1)(z), L.Permute((3, 1, 2))(z)]
    outputs += [L.RepeatVector(3)(y), L.Flatten()(z)]
    if IS_2:
        outputs.append(L.ThresholdedReLU(0.4)(y))
    return keras.Model(x, outputs)


def merging():
    a, b, c = keras.Input((4, 3)), keras.Input((4, 3)), keras.Input((4, 1))
    outputs = [
        L.Add()([a, b, c]),
        L.Multiply()([a, b]),
        L.Subtract()([a, b]),
        L.Average()([a, b]),
        L.Maximum()([a, b]),
        L.Minimum()([a, c]),
        L.Concatenate()([a, c]),
        L.Concatenate(axis=1)([a, b]),
        L.Dot(axes=2)([a, b]),
        L.Dot(axes=(1, 1), normalize=True)([a, b]),
        L.Dot(axes=1)([L.Flatten()(a), L.Flatten()(b)]),
    ]
    return keras.Model([a, b, c], outputs)


def table():
    x, k, m = keras.Input((5,), name="numbers"), keras.Input((1,), dtype="int32"), keras.Input((3,), dtype="int32")
    y = L.Concatenate()(
        [
            L.BatchNormalization()(x),
            L.Flatten()(L.Embedding(9, 4)(k)),
            L.CategoryEncoding(9, output_mode="one_hot")(k),
            L.CategoryEncoding(6)(m),
            L.CategoryEncoding(6, output_mode="count")(m),
        ]
    )
    y = L.Dense(16, activation="relu")(y)
    z = L.Dense(8, activation="tanh")(L.Dropout(0.2)(y))
    return keras.Model([x, k, m], [L.Dense(3, activation="softmax", name="class")(z), L.Dense(1, name="value")(z)])


def sequential():
    return keras.Sequential([keras.Input((8,)), L.Dense(16, activation="relu"), L.Dense(1, activation="sigmoid")])


def sequential_built():
    model = keras.Sequential([L.Dense(5, activation="gelu"), L.Dense(2)])
    model.build((None, 6))
    return model


def recurrent():
    x = keras.Input((None, 5))
    h = L.LSTM(4, return_state=True, return_sequences=True)(x)
    outputs = [
        h[0],
        h[2],
        L.LSTM(4)(x, initial_state=h[1:]),
        L.LSTM(3, go_backwards=True, return_sequences=True, activation="relu", recurrent_activation="hard_sigmoid")(x),
        L.LSTM(3, use_bias=False)(x),
        L.GRU(4, return_sequences=True)(x),
        L.GRU(4, reset_after=False)(x),
        L.GRU(3, go_backwards=True, use_bias=False)(x),
        L.SimpleRNN(4, activation="softsign")(x),
        L.RNN(L.GRUCell(3), return_sequences=True)(x),
        L.RNN(L.LSTMCell(3))(x),
    ]
    return keras.Model(x, outputs)


def bidirectional():
    x = keras.Input((6, 5))
    state = L.Bidirectional(L.LSTM(3, return_state=True))(x)
    outputs = [
        L.Bidirectional(L.LSTM(3, return_sequences=True))(x),
        L.Bidirectional(L.GRU(3), merge_mode="sum")(x),
        L.Bidirectional(L.GRU(3, return_sequences=True), merge_mode="ave")(x),
        L.Bidirectional(L.SimpleRNN(3), merge_mode="mul", backward_layer=L.SimpleRNN(3, go_backwards=True))(x),
        *L.Bidirectional(L.LSTM(2), merge_mode=None)(x),
        *state,
    ]
    return keras.Model(x, outputs)


def masking():
    x, k = keras.Input((9, 4)), keras.Input((9,), dtype="int32")
    y = L.Masking()(x)
    e, q = L.Embedding(5, 6, mask_zero=True)(k), L.Embedding(5, 6, mask_zero=True)(k)
    outputs = [
        L.LSTM(4)(y),
        L.GRU(4, return_sequences=True)(y),
        L.GlobalAveragePooling1D()(L.Dense(3)(e)),
        L.Bidirectional(L.LSTM(3, return_sequences=True))(e),
        L.Bidirectional(L.GRU(3))(e),
        L.LSTM(3, go_backwards=True)(L.Dropout(0.1)(e)),
        L.GRU(3)(L.TimeDistributed(L.Dense(3))(e)),
        L.GRU(3)(L.Add()([e, L.Dense(6)(e)])),
        L.GRU(3)(L.Concatenate()([e, L.Dense(2)(e)])),
        L.LSTM(3)(L.GRU(4, return_sequences=True)(e)),
        L.GlobalAveragePooling1D()(L.MultiHeadAttention(2, 3)(q, q)),  # it takes the mask from its inputs in Keras 3
        L.Attention()([e, L.Dense(6)(e)]),
    ]
    return keras.Model([x, k], outputs)


def attention():
    x, z = keras.Input((5, 8)), keras.Input((None, 8))
    scores = L.MultiHeadAttention(3, 4)(x, z, return_attention_scores=True)
    outputs = [
        L.MultiHeadAttention(2, 4)(x, x),
        L.MultiHeadAttention(2, 4, value_dim=3 if IS_2 else 4, output_shape=7, use_bias=False)(x, z),
        L.MultiHeadAttention(2, 4)(x, x, use_causal_mask=True),
        L.MultiHeadAttention(2, 3)(query=x, value=z, key=z),
        *scores,
        L.Attention()([x, z]),
        L.Attention(use_scale=True)([x, z, z]),
        L.Attention(score_mode="concat", use_scale=True)([x, z]),
        L.AdditiveAttention()([x, z]),
        L.Attention()([x, x], use_causal_mask=True),
    ]
    return keras.Model([x, z], outputs)


def nested():
    a = keras.Input((8, 8, 3))
    f = L.BatchNormalization()(L.Conv2D(4, 3, name="conv")(a))
    inner = keras.Model(a, L.GlobalAveragePooling2D()(L.ReLU()(f)), name="tower")
    head = keras.Sequential([keras.Input((4,)), L.Dense(6, activation="relu"), L.Dense(3)], name="head")
    x, y, v = keras.Input((8, 8, 3)), keras.Input((8, 8, 3)), keras.Input((5, 8, 8, 3))
    shared = L.Dense(4, name="shared")
    p, q = shared(inner(x)), shared(inner(y))
    deep = keras.Sequential([keras.Input((4,)), keras.Sequential([keras.Input((4,)), L.Dense(2)]), L.Dense(2)])
    steps = L.TimeDistributed(keras.Sequential([keras.Input((8, 8, 3)), L.Conv2D(2, 3, strides=2), L.Flatten()]))(v)
    outputs = [head(p), L.Add()([head(p), head(q)]), deep(q), L.LSTM(3)(steps)]
    return keras.Model([x, y, v], outputs)


def operations():
    a, b = keras.Input((4, 6)), keras.Input((4, 6))
    outputs = [a + b, a - 2.0, 3.0 - a, a * b, 1.0 / (b * b + 1.0), -a, (a + 2.5) ** 2.0, a[:, 1:3], a[:, -1], a[:, ::2, 0]]
    if not IS_2:
        o = keras.ops
        outputs += [
            o.maximum(a, b),
            o.exp(a),
            o.sqrt(o.abs(a)),
            o.mean(a, axis=1),
            o.sum(a, axis=[1, 2], keepdims=True),
            o.max(a, axis=-1),
            o.matmul(a, o.transpose(b, (0, 2, 1))),
            o.reshape(a, (-1, 3, 8)),
            o.expand_dims(a, 2),
            o.squeeze(o.expand_dims(a, 1), 1),
            o.concatenate([a, b], axis=1),
            o.stack([a, b], axis=2),
            o.clip(a, -0.5, 0.5),
            o.relu(a),
            o.softmax(a, axis=1),
            o.gelu(a),
            o.swapaxes(a, 1, 2),
            o.square(a) + np.arange(6, dtype="float32"),
        ]
    else:
        import tensorflow as tf

        outputs += [
            tf.maximum(a, b),
            tf.exp(a),
            tf.sqrt(tf.abs(a)),
            tf.reduce_mean(a, axis=1),
            tf.reduce_sum(a, axis=[1, 2], keepdims=True),
            tf.matmul(a, tf.transpose(b, (0, 2, 1))),
            tf.reshape(a, (-1, 3, 8)),
            tf.expand_dims(a, 2),
            tf.concat([a, b], axis=1),
            tf.stack([a, b], axis=2),
            tf.clip_by_value(a, -0.5, 0.5),
            tf.nn.relu(a),
            tf.nn.softmax(a, axis=1),
            tf.square(a),
        ]
    return keras.Model([a, b], outputs)


def channels_first():
    x = keras.Input((3, 9, 8))
    y = L.Conv2D(4, 3, padding="same", data_format="channels_first", activation="relu")(x)
    y = L.BatchNormalization(axis=1)(y)
    a = L.MaxPooling2D(2, data_format="channels_first")(y)
    b = L.GlobalAveragePooling2D(data_format="channels_first")(y)
    c = L.Flatten(data_format="channels_first")(a)
    return keras.Model(x, [a, b, L.Dense(3)(c)])


def words():
    """Only TensorFlow runs it."""
    x = keras.Input((2,), dtype="string")
    k = keras.Input((1,), dtype="int64")
    adapted = L.StringLookup()
    adapted.adapt(["cat", "dog", "dog", "äpfel"])
    return keras.Model(
        [x, k],
        [
            L.StringLookup(vocabulary=["a", "b", "c"])(x),
            L.StringLookup(vocabulary=["a", "b", "c"], output_mode="multi_hot")(x),
            adapted(x),
            L.StringLookup(vocabulary=["a", "b", "c"], invert=True)(L.IntegerLookup(vocabulary=[10, 20, 30])(k)),
            L.IntegerLookup(vocabulary=[10, 20, 30])(k),
            L.IntegerLookup(vocabulary=[10, 20, 30], output_mode="one_hot")(k),
        ],
    )


def bins():
    x, y = keras.Input((3,)), keras.Input((1,))
    return keras.Model([x, y], [L.Discretization([-1.0, 0.0, 0.5])(x), L.Discretization([-1.0, 0.5], output_mode="one_hot")(y)])


def policies():
    x = keras.Input((6,))
    y = L.Dense(8, activation="relu", dtype="mixed_float16")(x)
    y = L.LayerNormalization(dtype="float64")(y)
    return keras.Model(x, [L.Dense(3, dtype="float16")(y), L.Dense(2, dtype="mixed_bfloat16")(y)])


def refused():
    """Whole files that cannot be converted, each for a reason that the tests know."""
    x = keras.Input((4, 3))
    write_model("lambda", keras.Model(x, L.Lambda(lambda t: t * 2, name="twice")(x)))
    write_model("custom", keras.Model(x, Scale(name="scale")(x)), ("keras",))
    stateful = keras.Input(batch_shape=(1, 4, 3))
    write_model("stateful", keras.Model(stateful, L.GRU(2, stateful=True, name="gru")(stateful)), ("keras",))
    write_model("subclass", Twice(x, L.Dense(2)(x)), ("keras",))
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "model.weights.h5"
        keras.Model(x, L.Dense(2)(x)).save_weights(path)
        (FOLDER / "weights-only.h5.gz").write_bytes(pack(path.read_bytes()))


class Scale(L.Layer):
    def call(self, x):
        return x * 2


@keras.saving.register_keras_serializable("house")
class Twice(keras.Model):
    pass


def transfer():
    """Weights are rounded, so that they compress."""
    base = keras.applications.MobileNetV2((32, 32, 3), alpha=0.35, include_top=False, weights=None)
    model = keras.Sequential([keras.Input((32, 32, 3)), base, L.GlobalAveragePooling2D(), L.Dense(5, activation="softmax")])
    randomise(model)
    for weight in model.weights:
        value = np.array(weight)
        if value.ndim > 1:
            step = np.abs(value).max() / 3
            weight.assign(np.round(value / step) * step)
    calibrate(model, values((16, 32, 32, 3), "float", 1000))
    base.trainable = False
    return model


def segmentation():
    """Activations along the channels, which come last."""
    x = keras.Input((8, 9, 3))
    y = L.Conv2D(6, 3, padding="same", activation="relu")(x)
    outputs = [
        L.Conv2D(4, 1, activation="softmax")(y),
        L.Conv2DTranspose(3, 2, strides=2, activation="softmax")(y),
        L.SeparableConv2D(3, 3, activation="softmax")(y),
        L.DepthwiseConv2D(2, activation="softmax")(y),
        L.Conv1D(5, 3, activation="softmax")(L.Reshape((72, 3))(x)),
    ]
    return keras.Model(x, outputs)


def convolutional_lstm():
    x, y, z = keras.Input((4, 6, 7, 2)), keras.Input((5, 8, 2)), keras.Input((3, 4, 5, 3, 2))
    a = L.ConvLSTM2D(3, 3, padding="same", return_sequences=True, return_state=True)(x)
    outputs = [
        a[0],
        a[2],
        L.ConvLSTM2D(3, (2, 3), recurrent_activation="hard_sigmoid")(x),
        L.ConvLSTM2D(3, 3, padding="same")(x, initial_state=a[1:]),
        L.ConvLSTM2D(2, 3, strides=2, padding="same", go_backwards=True, return_sequences=True, activation="relu")(x),
        L.Bidirectional(L.ConvLSTM2D(2, 3, padding="same", return_sequences=True))(x),
        L.ConvLSTM1D(3, 3, dilation_rate=2, use_bias=False)(y),
        L.ConvLSTM3D(2, 2, padding="same")(z),
    ]
    return keras.Model([x, y, z], outputs)


def stacked_cells():
    x = keras.Input((6, 4))
    y = L.Masking()(x)
    outputs = [
        L.RNN([L.LSTMCell(4), L.GRUCell(3), L.LSTMCell(2)])(x),
        L.RNN(L.StackedRNNCells([L.SimpleRNNCell(4), L.SimpleRNNCell(3)]), return_sequences=True)(x),
        L.RNN([L.GRUCell(4, use_bias=False), L.LSTMCell(3)], return_sequences=True, go_backwards=True)(y),
        L.Bidirectional(L.RNN([L.LSTMCell(3), L.GRUCell(2)], return_sequences=True))(x),
    ]
    return keras.Model(x, outputs)


def spectral():
    x = keras.Input((6, 6, 3))
    y = L.SpectralNormalization(L.Conv2D(4, 3))(x)
    return keras.Model(x, L.SpectralNormalization(L.Dense(3, activation="tanh"), power_iterations=2)(L.Flatten()(y)))


def adaptive():
    x, y, z = keras.Input((9, 7, 3)), keras.Input((9, 3)), keras.Input((5, 4, 7, 2))
    outputs = [
        L.AdaptiveAveragePooling3D((2, 3, 4))(z),
        L.AdaptiveMaxPooling3D((3, 2, 3))(z),
        L.AdaptiveAveragePooling2D((3, 2))(x),
        L.AdaptiveMaxPooling2D(4)(x),
        L.AdaptiveAveragePooling2D(1)(x),
        L.AdaptiveAveragePooling1D(4)(y),
        L.AdaptiveMaxPooling1D(2)(y),
    ]
    return keras.Model([x, y, z], outputs)


def grouped_attention():
    x, q = keras.Input((5, 8)), keras.Input((6, 8))
    outputs = [
        L.GroupQueryAttention(4, 4, 2)(x, x),
        L.GroupQueryAttention(4, 6, 1, use_bias=False)(q, x),
        L.GroupQueryAttention(4, 4, 4)(x, x, use_causal_mask=True),
        *L.GroupQueryAttention(4, 4, 2)(q, x, return_attention_scores=True),
    ]
    return keras.Model([x, q], outputs)


def splitting():
    a, b = keras.Input((4, 6)), keras.Input((4, 6))
    if IS_2:
        import tensorflow as tf

        outputs = [
            *tf.split(a, 2, axis=1),
            *tf.split(a, [1, 2, 3], axis=-1),
            tf.where(a > b, a, b),
            tf.nn.l2_normalize(a, axis=-1),
            tf.tile(a, [1, 2, 1]),
            tf.math.reduce_logsumexp(a, axis=-1),
            tf.cumsum(a, axis=1),
            tf.linalg.matmul(a, b, transpose_b=True),
        ]
    else:
        o = keras.ops
        outputs = [
            *o.split(a, 2, axis=1),
            *o.split(a, [1, 3], axis=-1),
            o.where(a > b, a, b),
            o.normalize(a, axis=-1),
            o.tile(a, [1, 2, 1]),
            o.logsumexp(a, axis=-1),
            o.cumsum(a, axis=1),
            o.glu(a),
            o.glu(a, axis=1),
            L.Activation("glu")(a),
            o.var(a, axis=1),
            o.std(a, axis=[1, 2], keepdims=True),
            o.log1p(o.abs(a)),
            o.round(a * 3.0),
            o.einsum("bij,bkj->bik", a, b),
            o.repeat(a, 2, axis=1),
            o.flip(a, axis=1),
            o.moveaxis(a, 1, 2),
        ]
    return keras.Model([a, b], outputs)


def functions():
    """Each function alone, in a range where it is finite. Truth values choose between two tensors."""
    a, b = keras.Input((4, 6)), keras.Input((4, 6))
    if IS_2:
        import tensorflow as tf

        o, cast, where, least, product = tf.math, tf.cast, tf.where, tf.reduce_min, tf.reduce_prod
        some, every, arctan = tf.reduce_any, tf.reduce_all, tf.math.atan
        more = [
            o.reduce_variance(a, axis=1),
            o.reduce_std(a, axis=[1, 2], keepdims=True),
            tf.norm(a, axis=-1),
            tf.linalg.norm(b, axis=1, keepdims=True),
            tf.repeat(a, 2, axis=1),
            tf.reverse(a, axis=[1]),
        ]
    else:
        o = keras.ops
        cast, where, least, product, some, every, arctan = o.cast, o.where, o.min, o.prod, o.any, o.all, o.arctan
        more = []
    small, positive = a * 0.5, o.abs(a) + 0.1
    outputs = [
        *[each(small) for each in (o.sin, o.cos, o.tan, arctan, o.sinh, o.cosh, o.expm1, o.erf)],
        *[each(positive) for each in (o.log, o.log1p, o.rsqrt, o.reciprocal)],
        *[each(a * 3.0) for each in (o.round, o.floor, o.ceil, o.sign)],
        where(o.logical_and(o.greater(a, 0.0), o.logical_not(o.greater(b, 0.5))), a, b),
        where(o.logical_or(o.greater_equal(a, b), o.less_equal(a, -1.0)), a, b),
        where(o.equal(o.floor(a), o.floor(b)), a, b),
        where(o.not_equal(o.floor(a), o.floor(b)), a, b),
        where(o.less(a, b), a, b),
        where(some(o.greater(a, 1.5), axis=-1, keepdims=True), a, b),
        where(every(o.greater(a, -1.5), axis=-1, keepdims=True), a, b),
        least(a, axis=1),
        product(a, axis=2),
        cast(cast(a * 3.0, "int32"), "float32"),
        *more,
    ]
    return keras.Model([a, b], outputs)


CASES = {
    "convolutions-2d": (convolutions_2d, ["float"]),
    "convolutions-1d": (convolutions_1d, ["float"]),
    "convolutions-3d": (convolutions_3d, ["float"]),
    "pooling": (pooling, ["float"]),
    "images": (images, ["pixel"]),
    "normalizations": (normalizations, ["float"]),
    "activations": (activations, ["float"]),
    "merging": (merging, ["float", "float", "float"]),
    "table": (table, ["float", "integer:9", "integer:6"]),
    "sequential": (sequential, ["float"]),
    "sequential-built": (sequential_built, ["float"]),
    "recurrent": (recurrent, ["float"]),
    "bidirectional": (bidirectional, ["float"]),
    "masking": (masking, ["steps", "integer:5"]),
    "attention": (attention, ["float", "float"]),
    "nested": (nested, ["float", "float", "float"]),
    "operations": (operations, ["float", "float"]),
    "bins": (bins, ["float", "float"]),
    "transfer": (transfer, ["float"]),
    "segmentation": (segmentation, ["float"]),
    "convolutional-lstm": (convolutional_lstm, ["float", "float", "float"]),
    "stacked-cells": (stacked_cells, ["steps"]),
    "spectral": (spectral, ["float"]),
    "splitting": (splitting, ["float", "float"]),
    "functions": (functions, ["float", "float"]),
}

if not IS_2:
    CASES["convolutions-grouped"] = (convolutions_grouped, ["float"])
    CASES["policies"] = (policies, ["float"])
    CASES["channels-first"] = (channels_first, ["float"])
    CASES["adaptive"] = (adaptive, ["float", "float", "float"])
    CASES["grouped-attention"] = (grouped_attention, ["float", "float"])


WORDS = np.array(["a", "b", "c", "cat", "dog", "äpfel", "zebra", ""])


def write_words():
    model = words()
    texts = WORDS[values((ROWS, 2), f"integer:{len(WORDS)}", 1)]
    numbers = np.array([10, 20, 30, 7, -1])[values((ROWS, 1), "integer:5", 2)]
    outputs = [np.asarray(each) for each in model([texts, numbers])]
    content = {"texts": texts.tolist(), "numbers": numbers.ravel().tolist()}
    content["outputs"] = [[e.decode() if isinstance(e, bytes) else float(e) for e in each.ravel()] for each in outputs]
    (FOLDER / "words-reference.json").write_text(json.dumps(content, ensure_ascii=False) + "\n")
    write_model("words", model, ("keras",))


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[1:] or [*CASES, "refused", *(["words"] if IS_2 else [])]:
        keras.backend.clear_session()
        keras.utils.set_random_seed(7)
        if name == "refused":
            refused()
            continue
        if name == "words":
            write_words()
            continue
        make, kinds = CASES[name]
        formats = ("h5",) if name == "transfer" and IS_2 else ("keras",) if name == "transfer" else ("h5", "keras")
        write_case(name, make(), kinds, formats, randomised=name != "transfer")
        print(name, flush=True)


if __name__ == "__main__":
    main()
