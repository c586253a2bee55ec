"""Models of scikit-learn of sparse matrices, codes of classes, factors, halved clusters and spread labels, with their answers to 1,000 rows.

    python test/reference/sklearn_others.py

writes test/fixtures/formats/sklearn-others/models.joblib and expected.json.gz, with scikit-learn 1.9.1.
"""

import gzip
import json
from pathlib import Path

import joblib
import numpy as np
from scipy.sparse import csr_matrix
from sklearn.cluster import BisectingKMeans
from sklearn.decomposition import FactorAnalysis, MiniBatchSparsePCA, SparsePCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OutputCodeClassifier
from sklearn.neighbors import KNeighborsClassifier, NeighborhoodComponentsAnalysis
from sklearn.random_projection import SparseRandomProjection
from sklearn.semi_supervised import LabelPropagation, LabelSpreading
from sklearn.svm import SVC, SVR, LinearSVC

FOLDER = Path(__file__).parent.parent / "fixtures/formats/sklearn-others"


def rows(count, seed):
    """Three columns of numbers, of which a third is 0. Python and the test make the same ones, so that no file holds them."""
    index = np.arange(count * 3)
    values = np.floor(np.modf((index + seed) * 0.6180339887498949)[0] * 1000) / 100 - 3
    return np.where((index * 7 + seed) % 3 == 0, 0, values).reshape(count, 3)


x, asked = rows(120, 1), rows(1000, 5)
score = x @ [1, 2, -1]
codes_of_names = np.where(np.arange(120) % 3 == 0, -1, np.digitize(score, [-2, 3]))
names = np.array(["a", "b", "c"])[np.digitize(score, [-2, 3])]
sparse = csr_matrix(x)

codes = {"code_size": 3, "random_state": 0}
MODELS = {
    "SVC": SVC().fit(sparse, names),
    "SVC of two classes": SVC(kernel="linear").fit(sparse, names == "a"),
    "SVR": SVR().fit(sparse, score),
    "KNeighborsClassifier": KNeighborsClassifier(5, metric="cosine").fit(sparse, names),
    "SparseRandomProjection": SparseRandomProjection(2, density=0.5, random_state=1).fit(x),
    "LogisticRegression": LogisticRegression().fit(x, names).sparsify(),
    "FactorAnalysis": FactorAnalysis(2).fit(x),
    "NeighborhoodComponentsAnalysis": NeighborhoodComponentsAnalysis(2, max_iter=20, random_state=0).fit(x, names),
    "SparsePCA": SparsePCA(2, alpha=0.5, max_iter=50, random_state=0).fit(x),
    "MiniBatchSparsePCA": MiniBatchSparsePCA(3, ridge_alpha=0.3, max_iter=50, random_state=0).fit(x),
    "BisectingKMeans": BisectingKMeans(9, random_state=0).fit(x),
    "BisectingKMeans of sparse rows": BisectingKMeans(5, random_state=0, bisecting_strategy="largest_cluster").fit(sparse),
    "BisectingKMeans of one cluster": BisectingKMeans(1, random_state=0).fit(x),
    "LabelPropagation": LabelPropagation(gamma=2).fit(x, codes_of_names),
    "LabelSpreading": LabelSpreading("knn", n_neighbors=4).fit(np.sqrt(x + 4), codes_of_names),
    "OutputCodeClassifier": OutputCodeClassifier(LinearSVC(dual=False), **codes).fit(x, names),
    "OutputCodeClassifier of forests": OutputCodeClassifier(RandomForestClassifier(7, random_state=0), **codes).fit(x, names),
    "OutputCodeClassifier of two classes": OutputCodeClassifier(LogisticRegression(), **codes).fit(x, names == "a"),
}


def answers(model):
    if hasattr(model, "cluster_centers_"):
        return {"distances": model.transform(asked).ravel().tolist(), "label": model.predict(asked).tolist()}
    if hasattr(model, "transform"):
        return {"value": model.transform(asked).ravel().tolist()}
    if not hasattr(model, "classes_"):
        return {"value": model.predict(asked).tolist()}
    found = {"label": np.searchsorted(model.classes_, model.predict(asked)).tolist()}
    if hasattr(model, "predict_proba"):
        found["probabilities"] = model.predict_proba(asked).ravel().tolist()
    return found


joblib.dump(MODELS, FOLDER / "models.joblib", compress=9)
content = json.dumps({name: answers(model) for name, model in MODELS.items()}).encode()
(FOLDER / "expected.json.gz").write_bytes(gzip.compress(content, mtime=0))
