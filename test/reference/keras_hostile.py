"""HDF5 files that link to other files, claim too much or are wrong, each a change of the model `sequential` of Keras 3."""

import gzip
import io
import json
from pathlib import Path

import h5py
import numpy as np

FOLDER = Path(__file__).parent / "../fixtures/formats/keras"
MODEL = gzip.decompress((FOLDER / "keras-3/sequential.h5.gz").read_bytes())
SECRET = "/etc/passwd"


def names(file):
    """The group of a layer, and the path of its kernel."""
    group = file["model_weights/dense"]
    return group, next(name.decode() if isinstance(name, bytes) else name for name in group.attrs["weight_names"])


def replace(make):
    """Another object in the place of a kernel."""

    def change(file):
        group, kernel = names(file)
        shape = group[kernel].shape
        del group[kernel]
        make(group, kernel, shape)

    return change


def external_dataset(path):
    def make(group, kernel, shape):
        group.create_dataset(kernel, shape=shape, dtype="f4", external=[(path, 0, 4 * shape[0] * shape[1])])

    return make


def virtual(group, kernel, shape):
    layout = h5py.VirtualLayout(shape=shape, dtype="f4")
    layout[:] = h5py.VirtualSource(SECRET, "x", shape=shape)
    group.create_virtual_dataset(kernel, layout, fillvalue=0.5)


def linked(link):
    def make(group, kernel, shape):
        group[kernel] = link

    return make


def soft_loop(group, kernel, shape):
    group[kernel] = h5py.SoftLink("/loop")
    group["/loop"] = h5py.SoftLink("/loop-back")
    group["/loop-back"] = h5py.SoftLink("/loop")


def hard_loop(file):
    file["model_weights/dense/dense/self"] = file["model_weights"]
    group, kernel = names(file)
    group.attrs["weight_names"] = [b"dense/self" + b"/dense/dense/self" * 2000 + b"/kernel", b"dense/bias"]


def chunked(shape, dtype="f4", **options):
    def make(group, kernel, _):
        group.create_dataset(kernel, shape=shape, dtype=dtype, chunks=True, **options)

    return make


def bomb(group, kernel, _):
    """200 MB of zeros in 200 kB."""
    group.create_dataset(kernel, data=np.zeros((5000, 10000), "f4"), compression="gzip", compression_opts=9, chunks=(5000, 1000))


def lzf(group, kernel, shape):
    group.create_dataset(kernel, data=np.zeros(shape, "f4"), compression="lzf", chunks=shape)


def of_type(dtype):
    def make(group, kernel, shape):
        group.create_dataset(kernel, data=np.zeros(shape, dtype))

    return make


def config(change):
    def apply(file):
        document = json.loads(file.attrs["model_config"])
        del file.attrs["model_config"]
        file.attrs["model_config"] = json.dumps(change(document)) if callable(change) else change

    return apply


def long_names(file):
    """4,000 names, each the same megabyte: the references to it are copied in `patch`."""
    group, _ = names(file)
    group.attrs["weight_names"] = np.array(["x" * 1_000_000, *["y"] * 3999], dtype=h5py.string_dtype())


def patch(data):
    at = data.index((1_000_000).to_bytes(4, "little"))
    while data[at + 16 : at + 20] != (1).to_bytes(4, "little"):
        at = data.index((1_000_000).to_bytes(4, "little"), at + 1)
    reference = data[at : at + 16]
    return data[:at] + reference * 4000 + data[at + 16 * 4000 :]


def many_layers(document):
    document["config"]["layers"] = document["config"]["layers"][:1] + document["config"]["layers"][1:2] * 3000
    return document


CASES = {
    "external-link": replace(linked(h5py.ExternalLink(SECRET, "/x"))),
    "external-link-of-a-group": lambda file: file.move("model_weights", "hidden") or file.__setitem__("model_weights", h5py.ExternalLink(SECRET, "/")),
    "external-dataset": replace(external_dataset(SECRET)),
    "external-dataset-of-a-device": replace(external_dataset("/dev/zero")),
    "external-dataset-of-itself": replace(external_dataset("/model-0.h5")),
    "virtual-dataset": replace(virtual),
    "soft-link-loop": replace(soft_loop),
    "dangling-link": replace(linked(h5py.SoftLink("/nowhere"))),
    "hard-link-loop": hard_loop,
    "huge-shape": replace(chunked((2**40, 16))),
    "huge-product": replace(chunked((2**31, 2**31))),
    "many-axes": replace(chunked((2,) * 32)),
    "empty-shape": replace(chunked((0, 16), maxshape=(None, 16))),
    "compression-bomb": replace(bomb),
    "unknown-filter": replace(lzf),
    "compound": replace(of_type([("a", "f4"), ("b", "i8")])),
    "texts-as-weights": replace(of_type("S8")),
    "complex": replace(of_type("c8")),
    "group-as-weights": lambda file: replace(lambda group, kernel, _: group.create_group(kernel))(file),
    "names-outside": lambda file: names(file)[0].attrs.__setitem__("weight_names", [b"../../../etc/passwd", b"/etc/passwd"]),
    "names-of-numbers": lambda file: names(file)[0].attrs.__setitem__("weight_names", np.arange(5)),
    "long-names": long_names,
    "config-of-numbers": config(7),
    "config-of-an-array": lambda file: file.attrs.__setitem__("model_config", np.zeros((10, 10))),
    "config-no-json": config("{"),
    "config-empty": config("{}"),
    "config-deep": config("[" * 60000),
    "config-deep-objects": config('{"class_name":"Sequential","config":' * 3000 + "{}" + "}" * 3000),
    "many-layers": config(many_layers),
}

for name, change in CASES.items():
    buffer = io.BytesIO(MODEL)
    with h5py.File(buffer, "r+") as file:
        change(file)
    data = buffer.getvalue()
    if name == "long-names":
        data = patch(data)
    (FOLDER / "hostile").mkdir(exist_ok=True)
    (FOLDER / "hostile" / f"{name}.h5.gz").write_bytes(gzip.compress(data, 9, mtime=0))
print(len(CASES))
