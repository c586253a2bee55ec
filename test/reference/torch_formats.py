"""Makes the files of PyTorch and TorchServe in ../fixtures/formats/detect: every form in which a network is saved."""

import json
import pickle
import re
import zipfile
from pathlib import Path

import torch

FOLDER = Path(__file__).parent.parent / "fixtures" / "formats" / "detect"


class Network(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(2, 1)

    def forward(self, x):
        return self.layer(x).relu()


torch.manual_seed(0)
network = Network().eval()
state = network.state_dict()
torch.save(state, FOLDER / "state-dict.pt")
torch.save(network, FOLDER / "module.pt")
torch.save(state, FOLDER / "legacy.pth", _use_new_zipfile_serialization=False)
torch.jit.script(network).save(str(FOLDER / "script.pt"))
torch.export.save(torch.export.export(network, (torch.zeros(1, 2),)), str(FOLDER / "export.pt2"))
# The paths of this computer in its stack traces are left out.
with zipfile.ZipFile(FOLDER / "export.pt2") as archive:
    files = {info.filename: re.sub(rb"/[\w./-]*/([\w-]+\.py)", rb"\1", archive.read(info)) for info in archive.infolist()}
with zipfile.ZipFile(FOLDER / "export.pt2", "w") as archive:
    for name, content in files.items():
        archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), content)
(FOLDER / "torch.pkl").write_bytes(pickle.dumps(state, protocol=4))
(FOLDER / "module.pkl").write_bytes(pickle.dumps(network, protocol=2))
# torch-model-archiver writes this zip file: https://pytorch.org/serve/
manifest = {"createdOn": "01/01/2026", "runtime": "python", "model": {"modelName": "net", "serializedFile": "script.pt", "handler": "image_classifier"}}
with zipfile.ZipFile(FOLDER / "net.mar", "w") as archive:
    archive.writestr(zipfile.ZipInfo("MAR-INF/MANIFEST.json", (2026, 1, 1, 0, 0, 0)), json.dumps(manifest))
    archive.writestr(zipfile.ZipInfo("state-dict.pt", (2026, 1, 1, 0, 0, 0)), (FOLDER / "state-dict.pt").read_bytes())
