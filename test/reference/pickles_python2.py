# -*- coding: utf-8 -*-
"""Pickles of Python 2.7 with numpy 1.16.6 and scikit-learn 0.20.4, in protocols 0 to 2."""

import os
import pickle

import numpy
from sklearn.linear_model import LogisticRegression

TARGET = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "fixtures", "formats", "pickle", "python-2.7")


class OldStyle:
    def __init__(self):
        self.name = "old"


VALUES = [
    [None, True, False, 1, -5, 2**40, 2**70],
    [1.5, float("inf")],
    ["bytes \xe9 'quoted' \n", u"text é €"],
    (1, (2,), [3]),
    {"a": 1, u"b": [2]},
    set([1]),
    OldStyle(),
    numpy.array([[1.5, -2.5]]),
    numpy.array([1, 256], dtype=">i2"),
    numpy.array([u"é", u"a"]),
    numpy.float64(0.1),
]


def main():
    if not os.path.isdir(TARGET):
        os.makedirs(TARGET)
    rows = numpy.array([[0.0, 1.0], [1.0, 0.5], [2.0, 0.0], [3.0, 2.0]])
    fitted = LogisticRegression(solver="liblinear").fit(rows, [0, 0, 1, 1])
    for name, value in (("values", VALUES), ("model", fitted)):
        for protocol in range(3):
            with open(os.path.join(TARGET, "%s.p%d.pkl" % (name, protocol)), "wb") as target:
                pickle.dump(value, target, protocol)


if __name__ == "__main__":
    main()
