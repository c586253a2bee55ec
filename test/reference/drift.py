"""The figures of scipy for pairs of histograms, and for the chi-squared distribution.

Writes test/fixtures/reference/drift.json: cases of counts with PSI, Kolmogorov-Smirnov on bins, and Jensen-Shannon; and quantiles.
"""

import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
from scipy import stats
from scipy.spatial.distance import jensenshannon
from scipy.special import rel_entr

REFERENCE = Path(__file__).parent.parent / "fixtures" / "reference"
PRIOR = 0.5
rng = np.random.default_rng(14)


def psi(base, current):
    """Jeffreys' divergence (the sum of both relative entropies), with PRIOR values in each bin beforehand."""
    p, q = ((counts + PRIOR) / (counts + PRIOR).sum() for counts in (base, current))
    return float(np.sum(rel_entr(p, q) + rel_entr(q, p)))


def binned_ks(base, current):
    """The statistic of ks_2samp when each value lies in the middle of its bin, and its asymptotic probability."""
    bins = np.arange(len(base))
    test = stats.ks_2samp(np.repeat(bins, base), np.repeat(bins, current), method="asymp")
    size = base.sum() * current.sum() / (base.sum() + current.sum())
    return float(test.statistic), float(stats.kstwobign.sf(np.sqrt(size) * test.statistic))


def pearson(base, current):
    used = base + current > 0
    return float(stats.chi2_contingency([base[used], current[used]], correction=False).statistic)


def case(base, current):
    statistic, probability = binned_ks(base, current)
    return {
        "base": base.tolist(),
        "current": current.tolist(),
        "psi": psi(base, current),
        "ks": statistic,
        "ksProbability": probability,
        "pearson": pearson(base, current),
        "jensenShannon": float(jensenshannon(base, current, base=2)),
    }


def draw(bins, size, tilt):
    weights = np.exp(tilt * np.linspace(-1, 1, bins))
    return rng.multinomial(size, weights / weights.sum())


cases = [
    case(draw(bins, samples, 0), draw(bins, size, tilt))
    for bins in (2, 3, 10, 21)
    for samples, size in ((20_000, 200), (1_000, 5_000))
    for tilt in (0, 0.3, 1.5)
]
cases.append(case(np.array([50, 50, 0, 100]), np.array([0, 10, 90, 100])))
cases.append(case(np.array([100, 100]), np.array([100, 100])))
cases.append(case(np.array([200, 0]), np.array([0, 300])))

quantiles = [
    {"share": share, "freedom": freedom, "quantile": float(stats.chi2.ppf(share, freedom))}
    for freedom in (1, 2, 3, 9, 10, 20, 49, 200)
    for share in (0.5, 0.95, 0.999, 1 - 1e-5, 1 - 1e-7)
]
tails = [
    {"value": value, "freedom": freedom, "probability": float(stats.chi2.sf(value, freedom))}
    for freedom in (1, 2, 9, 20, 200)
    for value in (0.01, 1.0, 5.0, 25.0, 120.0, 260.0)
]

document = {
    "versions": {package: version(package) for package in ("numpy", "scipy")},
    "prior": PRIOR,
    "cases": cases,
    "quantiles": quantiles,
    "tails": tails,
}
(REFERENCE / "drift.json").write_text(json.dumps(document) + "\n")
