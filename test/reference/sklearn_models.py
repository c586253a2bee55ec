"""Makes test/fixtures/formats/sklearn/<version>: fitted estimators of the installed scikit-learn, and what they answer for 1,000 rows.

`models.joblib` is a dict of estimators by name; `expected.json.gz` has the answers. The rows are not stored: `rows_of` makes them from integers,
and so does test/support/formats/sklearn-rows.ts. The second column lies on the thresholds of trees.

Numbers are stored as sums of eight rows with weights, which keeps the files small: an answer that differs changes its sum by as much or more.
Labels are stored for every row, and so are the numbers of models that scikit-learn computes in float32: their differences would add up.
"""

import base64
import gzip
import json
import sys
import warnings
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import sklearn
from sklearn import (calibration, cluster, covariance, cross_decomposition, decomposition, discriminant_analysis, dummy, ensemble, feature_selection, isotonic,
                     kernel_approximation, kernel_ridge, linear_model, mixture, model_selection, multiclass, multioutput, naive_bayes, neighbors,
                     neural_network, random_projection, semi_supervised, svm, tree)
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.experimental import enable_halving_search_cv, enable_iterative_imputer  # noqa: F401 makes them importable
from sklearn.gaussian_process import GaussianProcessClassifier, GaussianProcessRegressor, kernels
from sklearn.impute import IterativeImputer
from sklearn.model_selection import HalvingGridSearchCV, HalvingRandomSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, PowerTransformer, QuantileTransformer, StandardScaler

warnings.filterwarnings("ignore")

VERSION = tuple(int(part) for part in sklearn.__version__.split(".")[:2])
FOLDER = Path(__file__).parent.parent / "fixtures" / "formats" / "sklearn" / sklearn.__version__
ROWS = 1000
TRAINING_ROWS = 120
FEW_ROWS = 40  # for models that keep a square of them
FOLDED_ROWS = 8
UNFOLDED = ["gradient boosting from a model", "gradient boosting regressor from a model"]
# Older versions have the estimators whose state, or whose formula, differs between versions.
IS_WHOLE = VERSION == (1, 9)


def uniform(count, seed):
    """Numbers in [0, 1) of 32 bits, from a linear congruential generator."""
    numbers = np.empty(count)
    state = seed
    for index in range(count):
        state = (state * 1664525 + 1013904223) % 2**32
        numbers[index] = state / 2**32
    return numbers


def rows_of(dataset, count, seed, step=0.25):
    """float64[count,4]."""
    u = uniform(count * 8, seed).reshape(count, 8)
    if dataset == "counts":
        return np.floor(u[:, :4] * 5)
    columns = [u[:, 0] * 6 - 3, np.floor(u[:, 1] * 25) * 0.25 - 3, np.floor(u[:, 2] * 4), np.float32(u[:, 3] * 2 - 1).astype(np.float64)]
    if step != 0.25:
        columns[1] = np.floor(u[:, 1] * 13) * step - 3
    if dataset == "epoch":
        columns[0] = 1.6e9 + u[:, 0] * 1e7
    x = np.stack(columns, axis=1)
    if dataset == "missing":
        x[u[:, 4:] < 0.08] = np.nan
    return x


def to_frame(x):
    """Columns with names, and words for the third column."""
    frame = pd.DataFrame(x, columns=["width", "grid", "city", "depth"])
    return frame.assign(city=np.array(["Ulm", "Köln", "b", "Oslo"], dtype=object)[x[:, 2].astype(int)])


def targets_of(x):
    """Targets of every kind for training rows."""
    rng = np.random.default_rng(1)
    clean = np.nan_to_num(x)
    clean = (clean - clean.mean(axis=0)) / clean.std(axis=0)
    score = clean[:, 0] - 0.7 * clean[:, 1] * clean[:, 2] + 0.5 * clean[:, 3] + rng.normal(0, 0.4, len(x))
    other = clean[:, 1] + clean[:, 2] * clean[:, 3] + rng.normal(0, 0.4, len(x))
    three = np.digitize(score, np.quantile(score, [0.4, 0.75]))
    return {
        "binary": np.where(score > np.median(score), "yes", "no"),
        "flag": score > np.quantile(score, 0.6),
        "three": np.array([1, 2, 4])[three],
        "words": np.array(["ä", "b", "cc"])[three],
        "value": 3 * score + 1,
        "positive": np.exp(score / 2) + 0.1,
        "two": np.stack([score, other * 2], axis=1),
        "labels": np.stack([score > 0, other > 0.3, score + other > 0], axis=1).astype(int),
        "fixed": np.stack([score > 0, np.ones(len(x)), np.zeros(len(x))], axis=1).astype(int),
        "partly": np.where(np.arange(len(x)) % 5 == 0, -1, three),
        "outputs": np.stack([np.array(["a", "b", "c"])[three], np.where(other > 0, "n", "p")], axis=1),
        None: None,
    }


def stump(**settings):
    return tree.DecisionTreeClassifier(max_depth=2, random_state=0, **settings)


def trees():
    """Estimators of trees, whose state changes between versions."""
    forest = dict(n_estimators=7, max_depth=4, random_state=0)
    cls, reg = ensemble.RandomForestClassifier, ensemble.RandomForestRegressor
    yield "tree", tree.DecisionTreeClassifier(max_depth=5, random_state=0), "plain", "three"
    yield "tree of one leaf", tree.DecisionTreeClassifier(min_samples_leaf=100), "plain", "binary"
    yield "extra tree", tree.ExtraTreeClassifier(max_depth=5, random_state=0), "plain", "words"
    yield "tree regressor, large numbers", tree.DecisionTreeRegressor(max_depth=6, random_state=0), "epoch", "value"
    yield "tree of two targets", tree.DecisionTreeRegressor(max_depth=4, random_state=0), "plain", "two"
    yield "tree of two outputs", tree.DecisionTreeClassifier(max_depth=4, random_state=0), "plain", "outputs"
    yield "forest", cls(**forest), "plain", "three"
    yield "forest of ties", cls(n_estimators=4, max_depth=None, random_state=0), "plain", "three"
    yield "forest of labels", cls(**forest), "plain", "labels"
    yield "forest of two outputs", cls(**forest), "plain", "outputs"
    yield "forest regressor", reg(**forest), "plain", "value"
    yield "forest of two targets", reg(**forest), "epoch", "two"
    yield "extra trees", ensemble.ExtraTreesClassifier(**forest), "plain", "flag"
    yield "extra trees regressor", ensemble.ExtraTreesRegressor(**forest), "epoch", "value"
    if VERSION >= (1, 3):
        yield "tree with missing values", tree.DecisionTreeClassifier(max_depth=5, random_state=0), "missing", "three"
    if VERSION >= (1, 4):
        yield "forest with missing values", cls(**forest), "missing", "binary"
        yield "forest regressor with missing values", reg(**forest), "missing", "value"
    boosting = dict(n_estimators=8, max_depth=2, random_state=0)
    gbc, gbr = ensemble.GradientBoostingClassifier, ensemble.GradientBoostingRegressor
    yield "gradient boosting", gbc(**boosting), "plain", "binary"
    yield "gradient boosting of three classes", gbc(**boosting), "plain", "three"
    yield "gradient boosting, exponential", gbc(loss="exponential", **boosting), "plain", "flag"
    yield "gradient boosting from zero", gbc(init="zero", **boosting), "plain", "three"
    yield "gradient boosting from a model", gbc(init=linear_model.LogisticRegression(), **boosting), "plain", "words"
    yield "gradient boosting regressor", gbr(**boosting), "epoch", "value"
    yield "gradient boosting regressor, huber", gbr(loss="huber", **boosting), "plain", "value"
    yield "gradient boosting regressor, quantile", gbr(loss="quantile", alpha=0.8, init="zero", **boosting), "plain", "value"
    yield "gradient boosting regressor from a model", gbr(init=linear_model.Ridge(), **boosting), "plain", "value"
    hist = dict(max_iter=6, max_leaf_nodes=6, min_samples_leaf=5, random_state=0)
    hgc, hgr = ensemble.HistGradientBoostingClassifier, ensemble.HistGradientBoostingRegressor
    yield "histogram boosting", hgc(**hist), "missing", "binary"
    yield "histogram boosting of three classes", hgc(**hist), "missing", "words"
    yield "histogram boosting regressor", hgr(**hist), "epoch", "value"
    yield "histogram boosting regressor, poisson", hgr(loss="poisson", **hist), "missing", "positive"
    yield "histogram boosting with categories", hgc(categorical_features=[2], **hist), "missing", "binary"
    yield "histogram boosting with a mask of categories", hgr(categorical_features=[False, False, True, False], **hist), "plain", "value"
    if VERSION >= (1, 4):
        yield "histogram boosting with words", hgc(categorical_features=["city"], **hist), "frame", "three"
    yield "isolation forest", ensemble.IsolationForest(n_estimators=6, max_samples=40, random_state=0), "plain", None
    yield "isolation forest, part of the columns", ensemble.IsolationForest(
        n_estimators=6, max_samples=40, max_features=0.5, contamination=0.2, random_state=0), "plain", None


def boosted():
    """AdaBoost and bags."""
    inner = "base_estimator" if VERSION < (1, 2) else "estimator"
    samme = {} if VERSION >= (1, 6) else {"algorithm": "SAMME"}
    for target in ["binary", "three"]:
        yield f"AdaBoost, {target}", ensemble.AdaBoostClassifier(n_estimators=6, random_state=0, **{inner: stump()}, **samme), "plain", target
        if VERSION < (1, 6):
            real = ensemble.AdaBoostClassifier(n_estimators=6, random_state=0, algorithm="SAMME.R", **{inner: stump()})
            yield f"AdaBoost SAMME.R, {target}", real, "plain", target
    yield "AdaBoost regressor", ensemble.AdaBoostRegressor(n_estimators=6, random_state=0), "plain", "value"
    yield "AdaBoost of even count", ensemble.AdaBoostRegressor(n_estimators=4, loss="exponential", random_state=0), "plain", "value"
    yield "bag of trees", ensemble.BaggingClassifier(n_estimators=5, max_features=0.75, random_state=0, **{inner: stump()}), "plain", "three"
    yield "bag of margins", ensemble.BaggingClassifier(
        n_estimators=5, random_state=0, **{inner: svm.LinearSVC(dual=True, random_state=0)}), "plain", "words"
    yield "bag of logistic regressions", ensemble.BaggingClassifier(
        n_estimators=3, random_state=0, **{inner: linear_model.LogisticRegression()}), "plain", "binary"
    yield "bag regressor", ensemble.BaggingRegressor(
        n_estimators=4, max_features=3, bootstrap_features=True, random_state=0, **{inner: linear_model.Ridge()}), "plain", "value"


def linear():
    """Those whose settings changed."""
    logistic = linear_model.LogisticRegression
    yield "logistic regression", logistic(C=0.5), "plain", "binary"
    yield "logistic regression of three classes", logistic(), "plain", "three"
    if VERSION < (1, 8):
        yield "logistic regression, one against the rest", logistic(multi_class="ovr"), "plain", "words"
        yield "logistic regression, liblinear", logistic(solver="liblinear"), "plain", "three"
        yield "logistic regression, multinomial of two", logistic(multi_class="multinomial"), "plain", "flag"
    yield "logistic regression with cross-validation", linear_model.LogisticRegressionCV(Cs=2, cv=2), "plain", "three"
    log = "log" if VERSION < (1, 1) else "log_loss"
    sgd = linear_model.SGDClassifier
    yield "SGD, log", sgd(loss=log, random_state=0), "epoch", "three"
    yield "SGD, log, two classes", sgd(loss=log, random_state=0), "plain", "binary"
    yield "SGD, modified Huber", sgd(loss="modified_huber", random_state=0), "plain", "three"
    yield "SGD, modified Huber, two classes", sgd(loss="modified_huber", random_state=0), "plain", "binary"
    yield "SGD, hinge", sgd(loss="hinge", random_state=0), "plain", "words"
    yield "tweedie regressor", linear_model.TweedieRegressor(power=1.5), "plain", "positive"
    yield "tweedie regressor, identity", linear_model.TweedieRegressor(power=0), "plain", "value"
    yield "poisson regressor", linear_model.PoissonRegressor(), "plain", "positive"
    yield "PLS", cross_decomposition.PLSRegression(2), "plain", "two"


def machines():
    """Support vector machines and other classifiers."""
    svc = svm.SVC
    shared = dict(random_state=0, max_iter=-1)
    yield "SVC", svc(**shared), "plain", "binary"
    yield "SVC of three classes", svc(**shared), "plain", "three"
    yield "SVC, one against one", svc(kernel="poly", coef0=1, decision_function_shape="ovo", **shared), "plain", "three"
    yield "SVC, ties broken", svc(kernel="linear", break_ties=True, **shared), "plain", "words"
    yield "SVC with probabilities", svc(probability=True, **shared), "plain", "flag"
    yield "SVC of three classes with probabilities", svc(probability=True, C=5, **shared), "plain", "three"
    yield "NuSVC", svm.NuSVC(kernel="sigmoid", coef0=0.5, gamma=0.1, nu=0.3, probability=True, **shared), "plain", "three"
    yield "SVR", svm.SVR(), "plain", "value"
    yield "NuSVR", svm.NuSVR(kernel="poly", degree=2), "plain", "value"
    yield "one-class SVM", svm.OneClassSVM(nu=0.2), "plain", None
    yield "Gaussian naive Bayes", naive_bayes.GaussianNB(), "plain", "three"
    calibrated = calibration.CalibratedClassifierCV
    yield "calibrated margins", calibrated(svm.LinearSVC(dual=True, random_state=0), cv=2), "plain", "three"
    yield "calibrated margins of two classes", calibrated(svm.LinearSVC(dual=True, random_state=0), cv=2), "plain", "binary"
    yield "isotonic calibration", calibrated(naive_bayes.GaussianNB(), method="isotonic", cv=2), "plain", "three"
    yield "isotonic calibration of trees", calibrated(stump(), method="isotonic", cv=2), "plain", "flag"
    if VERSION >= (1, 8):
        yield "temperature", calibrated(linear_model.LogisticRegression(), method="temperature", cv=2), "plain", "three"
        yield "temperature of trees", calibrated(stump(), method="temperature", cv=2), "plain", "binary"
    rest, one = multiclass.OneVsRestClassifier, multiclass.OneVsOneClassifier
    yield "one against the rest", rest(linear_model.LogisticRegression()), "plain", "three"
    yield "one against the rest, ties", rest(stump()), "plain", "words"
    yield "one against the rest, two classes", rest(stump()), "plain", "binary"
    yield "one against the rest, labels", rest(linear_model.LogisticRegression()), "plain", "labels"
    yield "one against the rest, labels that never change", rest(linear_model.LogisticRegression()), "plain", "fixed"
    yield "one against one", one(svm.LinearSVC(dual=True, random_state=0)), "plain", "three"
    yield "one against one, trees", one(stump()), "plain", "words"
    yield "nearest centroid", neighbors.NearestCentroid(), "plain", "three"
    stack = [("t", stump()), ("s", svm.LinearSVC(dual=True, random_state=0)), ("n", naive_bayes.GaussianNB())]
    yield "stack", ensemble.StackingClassifier(stack, cv=2), "plain", "binary"
    yield "stack of three classes", ensemble.StackingClassifier(stack, stump(), passthrough=True, cv=2), "plain", "three"


def processes():
    """Gaussian processes, which keep their training rows."""
    k = kernels
    noise = k.WhiteKernel(0.1)
    gpr, gpc = GaussianProcessRegressor, GaussianProcessClassifier
    yield "Gaussian process", gpr(k.ConstantKernel() * k.RBF() + noise, normalize_y=True), "few", "value"
    yield "Gaussian process classifier", gpc(k.ConstantKernel() * k.RBF()), "few", "binary"
    if not IS_WHOLE:
        return
    yield "Gaussian process by default", gpr(alpha=0.1), "few", "value"
    yield "Gaussian process of two targets", gpr(k.RBF([1, 2, 3, 4]) + noise, normalize_y=True), "few", "two"
    for nu in [0.5, 1.5, 2.5, np.inf]:
        yield f"Gaussian process, Matern {nu}", gpr(k.Matern(nu=nu) + noise), "few", "value"
    for kernel in [k.RationalQuadratic(), k.ExpSineSquared(2, 5), k.DotProduct(), k.DotProduct() ** 2]:
        yield f"Gaussian process, {type(kernel).__name__}", gpr(kernel + noise, alpha=10, optimizer=None), "few", "value"
    yield "Gaussian process classifier of three", gpc(1 * k.Matern(nu=1.5)), "few", "three"
    yield "Gaussian process classifier of pairs", gpc(1 * k.RBF() + noise, multi_class="one_vs_one"), "few", "words"
    yield "Gaussian process classifier, dot product", gpc(k.DotProduct() + k.ConstantKernel(2)), "few", "flag"


def pipelines():
    """Estimators with steps before them."""
    words = OneHotEncoder(handle_unknown="ignore")
    columns = ColumnTransformer([("numbers", StandardScaler(), ["width", "depth"]), ("words", words, ["city"])], remainder="passthrough")
    scaled = make_pipeline(StandardScaler(), decomposition.PCA(3), linear_model.LogisticRegression())
    yield "pipeline", scaled, "plain", "three"
    yield "pipeline of columns", make_pipeline(columns, ensemble.RandomForestClassifier(5, max_depth=4, random_state=0)), "frame", "binary"
    yield "pipeline within a search", model_selection.GridSearchCV(scaled, {"pca__n_components": [1, 2]}, cv=2), "plain", "words"
    yield "pipelines in a vote", ensemble.VotingClassifier([("a", scaled), ("b", stump())], voting="soft"), "plain", "three"
    yield "pipelines in a stack", ensemble.StackingRegressor(
        [("a", make_pipeline(columns, linear_model.Ridge()))], make_pipeline(StandardScaler(), linear_model.Ridge()), cv=2), "frame", "value"
    logarithm = TransformedTargetRegressor(linear_model.Ridge(), func=np.log, inverse_func=np.exp)
    yield "target by a function", make_pipeline(StandardScaler(), logarithm), "plain", "positive"
    yield "anomalies of columns", make_pipeline(columns, ensemble.IsolationForest(n_estimators=5, random_state=0)), "frame", None


def others():
    """The rest."""
    from sklearn.frozen import FrozenEstimator

    lm, nb, kn = linear_model, naive_bayes, neighbors
    plain = [
        lm.LinearRegression(), lm.Ridge(), lm.Lasso(0.1), lm.ElasticNet(0.1), lm.Lars(), lm.LassoLars(0.01), lm.BayesianRidge(),
        lm.ARDRegression(), lm.HuberRegressor(), lm.TheilSenRegressor(random_state=0, max_subpopulation=50), lm.RANSACRegressor(random_state=0),
        lm.QuantileRegressor(alpha=0.01, solver="highs"), lm.SGDRegressor(random_state=0), lm.RidgeCV(), lm.LassoCV(cv=2), lm.ElasticNetCV(cv=2),
        lm.LarsCV(cv=2), lm.LassoLarsCV(cv=2), lm.LassoLarsIC(), lm.OrthogonalMatchingPursuit(), lm.OrthogonalMatchingPursuitCV(cv=2),
        svm.LinearSVR(dual=True, random_state=0), kernel_ridge.KernelRidge(kernel="rbf"), kernel_ridge.KernelRidge(kernel="poly", gamma=0.1),
        dummy.DummyRegressor(), dummy.DummyRegressor(strategy="median"),
        neural_network.MLPRegressor(hidden_layer_sizes=(6, 4), max_iter=50, random_state=0),
    ]
    for index, model in enumerate(plain):
        yield f"{type(model).__name__} {index}", model, "plain", "value"
    for model in [lm.LinearRegression(fit_intercept=False), lm.MultiTaskLasso(0.1), lm.MultiTaskElasticNet(0.1), lm.MultiTaskLassoCV(cv=2),
                  lm.MultiTaskElasticNetCV(cv=2), kernel_ridge.KernelRidge(), dummy.DummyRegressor(), cross_decomposition.PLSCanonical(2),
                  neural_network.MLPRegressor(hidden_layer_sizes=(5,), activation="tanh", max_iter=50, random_state=0),
                  multioutput.MultiOutputRegressor(svm.SVR()), multioutput.RegressorChain(lm.Ridge(), order=[1, 0])]:
        yield f"{type(model).__name__} of two targets", model, "plain", "two"
    yield "gamma regressor", lm.GammaRegressor(), "plain", "positive"
    yield "MLP poisson", neural_network.MLPRegressor(hidden_layer_sizes=(5,), loss="poisson", max_iter=50, random_state=0), "plain", "positive"
    mlp = neural_network.MLPClassifier
    yield "MLP", mlp(hidden_layer_sizes=(6, 4), max_iter=60, random_state=0), "plain", "three"
    yield "MLP, two classes", mlp(hidden_layer_sizes=(6,), activation="logistic", max_iter=60, random_state=0), "plain", "binary"
    yield "MLP, labels", mlp(hidden_layer_sizes=(6,), activation="identity", max_iter=60, random_state=0), "plain", "labels"
    for model in [lm.RidgeClassifier(), lm.RidgeClassifierCV(), lm.Perceptron(random_state=0), svm.LinearSVC(dual=True, random_state=0),
                  discriminant_analysis.LinearDiscriminantAnalysis(), discriminant_analysis.QuadraticDiscriminantAnalysis(),
                  discriminant_analysis.LinearDiscriminantAnalysis(solver="lsqr"), neighbors.NearestCentroid(metric="manhattan"),
                  dummy.DummyClassifier(), dummy.DummyClassifier(strategy="most_frequent")]:
        for target in ["binary", "three"]:
            yield f"{type(model).__name__}, {target}", sklearn.clone(model), "plain", target
    yield "ridge of labels", lm.RidgeClassifier(), "plain", "labels"
    yield "constant", dummy.DummyClassifier(strategy="constant", constant="no"), "plain", "binary"
    yield "passive-aggressive", lm.PassiveAggressiveClassifier(random_state=0), "plain", "three"
    yield "passive-aggressive regressor", lm.PassiveAggressiveRegressor(random_state=0), "plain", "value"
    yield "quadratic discriminant, regularised", discriminant_analysis.QuadraticDiscriminantAnalysis(reg_param=0.2), "plain", "three"
    yield "nearest centroid, shrunken", neighbors.NearestCentroid(shrink_threshold=0.1, priors="empirical"), "plain", "three"
    for model in [nb.MultinomialNB(), nb.ComplementNB(), nb.ComplementNB(norm=True), nb.CategoricalNB(min_categories=5), nb.BernoulliNB(binarize=2)]:
        yield f"{type(model).__name__} {len(model.get_params())}{getattr(model, 'norm', '')}", model, "counts", "three"
    yield "Bernoulli naive Bayes", nb.BernoulliNB(), "plain", "binary"
    for weights in ["uniform", "distance"]:
        for p in [1, 2, 3]:
            yield f"neighbours, {weights}, p {p}", kn.KNeighborsClassifier(5, weights=weights, p=p), "plain", "three"
        yield f"neighbours, {weights}, brute", kn.KNeighborsClassifier(3, weights=weights, algorithm="brute"), "plain", "binary"
        yield f"neighbours, {weights}, ball tree", kn.KNeighborsClassifier(4, weights=weights, algorithm="ball_tree"), "plain", "outputs"
        yield f"neighbours, {weights}, regressor", kn.KNeighborsRegressor(4, weights=weights), "plain", "value"
        yield f"neighbours, {weights}, regressor of two targets", kn.KNeighborsRegressor(4, weights=weights, metric="chebyshev"), "epoch", "two"
        yield f"neighbours, {weights}, large numbers", kn.KNeighborsRegressor(3, weights=weights), "epoch", "value"
    yield "exact hits", kn.KNeighborsRegressor(4, weights="distance"), "training", "value"
    three = [("l", lm.LogisticRegression()), ("t", stump()), ("g", nb.GaussianNB())]
    yield "soft vote", ensemble.VotingClassifier(three, voting="soft", weights=[1, 2, 0.5]), "plain", "three"
    yield "hard vote", ensemble.VotingClassifier(three), "plain", "three"
    yield "hard vote with weights", ensemble.VotingClassifier([*three, ("d", "drop")], weights=[1, 2, 1, 9]), "plain", "binary"
    regressors = [("r", lm.Ridge()), ("t", tree.DecisionTreeRegressor(max_depth=2, random_state=0))]
    yield "voting regressor", ensemble.VotingRegressor(regressors, weights=[2, 1]), "plain", "value"
    yield "stacking regressor", ensemble.StackingRegressor(regressors, passthrough=True, cv=2), "plain", "value"
    methods = [("t", stump()), ("s", svm.LinearSVC(dual=True, random_state=0)), ("n", nb.GaussianNB())]
    for target in ["binary", "words"]:
        yield f"stack of predicted classes, {target}", ensemble.StackingClassifier(methods, cv=2, stack_method="predict"), "plain", target
    yield from maps()
    yield "grid search", model_selection.GridSearchCV(stump(), {"max_depth": [1, 2]}, cv=2), "plain", "words"
    yield "random search", model_selection.RandomizedSearchCV(lm.Ridge(), {"alpha": [0.1, 1]}, n_iter=2, cv=2), "plain", "value"
    halving = dict(cv=2, random_state=0, min_resources=60)
    yield "halving search", HalvingGridSearchCV(stump(), {"max_depth": [1, 2]}, **halving), "plain", "binary"
    yield "halving random search", HalvingRandomSearchCV(stump(), {"max_depth": [1, 2]}, **halving), "plain", "binary"
    yield "self-training", semi_supervised.SelfTrainingClassifier(linear_model.LogisticRegression()), "plain", "partly"
    frozen = FrozenEstimator(nb.GaussianNB().fit(rows_of("plain", 60, 5), targets_of(rows_of("plain", 60, 5))["three"]))
    yield "frozen estimator", calibration.CalibratedClassifierCV(frozen), "plain", "three"
    yield "one model for each output", multioutput.MultiOutputClassifier(stump()), "plain", "outputs"
    yield "one margin for each label", multioutput.MultiOutputClassifier(lm.RidgeClassifier()), "plain", "labels"
    yield "chain", multioutput.ClassifierChain(lm.LogisticRegression(), order=[2, 0, 1]), "plain", "labels"
    yield "fixed threshold", model_selection.FixedThresholdClassifier(lm.LogisticRegression(), threshold=0.7, pos_label="yes"), "plain", "binary"
    yield "tuned threshold", model_selection.TunedThresholdClassifierCV(lm.LogisticRegression(), cv=2, scoring="f1"), "plain", "flag"
    yield "target scaled", TransformedTargetRegressor(lm.Ridge(), transformer=StandardScaler()), "plain", "two"
    to_normal = QuantileTransformer(n_quantiles=40, output_distribution="normal")
    for name, transformer in [("normal", to_normal), ("even", QuantileTransformer(n_quantiles=40)), ("power", PowerTransformer())]:
        yield f"target by quantiles or powers, {name}", TransformedTargetRegressor(lm.LinearRegression(), transformer=transformer), "plain", "two"
    yield "target by Box-Cox", TransformedTargetRegressor(lm.Ridge(), transformer=PowerTransformer("box-cox", standardize=False)), "plain", "positive"
    yield "eliminated features", feature_selection.RFE(lm.LogisticRegression(), n_features_to_select=2), "plain", "words"
    yield "eliminated features of a regressor", make_pipeline(StandardScaler(), feature_selection.RFECV(lm.Ridge(), cv=2)), "plain", "value"
    for metric in ["cosine", "cityblock", "l2"]:
        yield f"neighbours, {metric}", kn.KNeighborsRegressor(4, weights="distance", metric=metric), "epoch" if metric == "l2" else "plain", "value"
    yield "target scaled to a range", TransformedTargetRegressor(svm.SVR(), transformer=MinMaxScaler()), "plain", "value"
    for model in [cluster.KMeans(3, n_init=1, random_state=0), cluster.MiniBatchKMeans(4, n_init=1, random_state=0), cluster.MeanShift(),
                  cluster.AffinityPropagation(random_state=0), cluster.Birch(n_clusters=3),
                  linear_model.SGDOneClassSVM(random_state=0), covariance.EllipticEnvelope(random_state=0),
                  neighbors.LocalOutlierFactor(novelty=True)]:
        yield type(model).__name__, model, "plain", None
    for kind in ["full", "tied", "diag", "spherical"]:
        yield f"GaussianMixture, {kind}", mixture.GaussianMixture(3, covariance_type=kind, random_state=0), "plain", None
        for prior in ["dirichlet_process", "dirichlet_distribution"]:
            yield f"BayesianGaussianMixture, {kind}, {prior}", mixture.BayesianGaussianMixture(
                n_components=3, covariance_type=kind, weight_concentration_prior_type=prior, random_state=0), "plain", None
    for model in [decomposition.PCA(2), decomposition.PCA(3, whiten=True), decomposition.IncrementalPCA(2), decomposition.TruncatedSVD(2),
                  decomposition.FastICA(2, random_state=0), random_projection.GaussianRandomProjection(3, random_state=0)]:
        yield f"{type(model).__name__} {getattr(model, 'whiten', '')}{model.n_components}", model, "plain", None
    yield "isotonic regression", isotonic.IsotonicRegression(out_of_bounds="clip"), "column", "value"
    yield "isotonic regression without bounds", isotonic.IsotonicRegression(out_of_bounds="nan"), "column", "value"
    yield "isotonic regression, falling", isotonic.IsotonicRegression(increasing=False, out_of_bounds="clip"), "column", "positive"


def maps():
    """Transformers that keep training rows, or estimators."""
    for kernel in ["linear", "poly", "rbf", "sigmoid", "cosine"]:
        yield f"kernel PCA, {kernel}", decomposition.KernelPCA(3, kernel=kernel), "few", None
        gamma = {"gamma": 0.3} if kernel == "rbf" else {}
        yield f"Nystroem, {kernel}", kernel_approximation.Nystroem(kernel, n_components=8, random_state=0, **gamma), "few", None
    yield "kernel PCA, gamma", decomposition.KernelPCA(2, kernel="rbf", gamma=0.2), "few", None
    yield "random features", kernel_approximation.RBFSampler(n_components=6, random_state=0), "plain", None
    yield "features of a kernel for a classifier", make_pipeline(
        kernel_approximation.Nystroem(n_components=8, random_state=0), linear_model.LogisticRegression()), "few", "three"
    shallow = tree.DecisionTreeRegressor(max_depth=3, random_state=0)
    yield "iterative imputer", IterativeImputer(random_state=0), "missing", None
    yield "iterative imputer within bounds", IterativeImputer(min_value=-1, max_value=[1, 0, 2, 3], max_iter=4, random_state=0), "missing", None
    yield "iterative imputer of trees", IterativeImputer(shallow, add_indicator=True, imputation_order="random", max_iter=3, random_state=0), "missing", None
    yield "iterative imputer of near columns", IterativeImputer(n_nearest_features=2, skip_complete=True, max_iter=3, random_state=0), "missing", None
    yield "iterative imputer before a classifier", make_pipeline(
        IterativeImputer(max_iter=3, random_state=0), StandardScaler(), linear_model.LogisticRegression()), "missing", "three"


def encode(values, is_folded=True):
    values = np.asarray(values, np.float64)
    if not is_folded:
        return base64.b64encode(values.tobytes()).decode()
    weights = 1 + np.arange(FOLDED_ROWS) / FOLDED_ROWS
    values = np.einsum("grc,r->gc", values.reshape(ROWS // FOLDED_ROWS, FOLDED_ROWS, -1), weights)
    return base64.b64encode(np.ascontiguousarray(values, np.float64).tobytes()).decode()


def labels(classes, predicted):
    return base64.b64encode(np.searchsorted(classes, predicted).astype(np.uint8).tobytes()).decode()


def classified(model, x, target):
    """Scores and labels by the names of the graph's outputs. Of probabilities the last column is left out: they add up to 1."""
    predicted = model.predict(x)
    if target == "outputs":
        scores = model.predict_proba(x)
        return {f"probabilities_{i}": encode(p[:, :-1]) for i, p in enumerate(scores)} | {
            f"label_{i}": labels(model.classes_[i], predicted[:, i]) for i in range(len(scores))}
    if target in ["labels", "fixed"]:
        if hasattr(model, "predict_proba"):
            scores = model.predict_proba(x)
            scores = np.stack([p[:, 1] for p in scores], axis=1) if isinstance(scores, list) else scores
            return {"probabilities": encode(scores), "label": labels([0, 1], predicted)}
        scores = {} if isinstance(model, multioutput.MultiOutputClassifier) else {"margins": encode(model.decision_function(x))}
        return scores | {"label": labels([0, 1], predicted)}
    index = {"label": labels(model.classes_, predicted)}
    if getattr(model, "multi_class", None) == "one_vs_one":
        return index
    if hasattr(model, "predict_proba"):
        return {"probabilities": encode(model.predict_proba(x)[:, :-1])} | index
    if hasattr(model, "decision_function"):
        return {"margins": encode(model.decision_function(x))} | index
    return index


def expected(model, x, target):
    if isinstance(model, (mixture.GaussianMixture, mixture.BayesianGaussianMixture)):
        return {"probabilities": encode(model.predict_proba(x)[:, :-1]), "label": labels(range(3), model.predict(x))}
    if sklearn.base.is_classifier(model):
        return classified(model, x, target)
    if sklearn.base.is_regressor(model):
        return {"value": encode(model.predict(x))}
    if sklearn.base.is_outlier_detector(model):
        return {"outlier_score": encode(model.decision_function(x)), "label": labels([-1, 1], model.predict(x))}
    if hasattr(model, "predict"):
        index = {"label": labels(range(256), model.predict(x))}
        return index | ({"distances": encode(model.transform(x))} if hasattr(model, "n_iter_") and hasattr(model, "transform") else {})
    return {"value": encode(model.transform(x))}


def answers_of(name, model, dataset, x, target):
    """The rows and what the model answers for them. The numbers of some models are stored row by row."""
    outputs = expected(model, x, target)
    if name in UNFOLDED:
        numbers = {"probabilities": lambda: model.predict_proba(x)[:, :-1], "value": lambda: model.predict(x)}
        outputs |= {key: encode(make(), is_folded=False) for key, make in numbers.items() if key in outputs}
    return {"rows": dataset, "outputs": outputs} | ({"isUnfolded": True} if name in UNFOLDED else {})


def main():
    models, answers = {}, {}
    families = [trees, boosted, linear, machines, processes, pipelines, *([others] if IS_WHOLE else [])]
    for name, model, dataset, target in (each for family in families for each in family()):
        kind = {"training": "plain", "column": "plain", "frame": "plain", "few": "plain"}.get(dataset, dataset)
        train = rows_of(kind, TRAINING_ROWS, 7, step=0.5)
        x = rows_of(kind, ROWS, 7, step=0.5) if dataset == "training" else rows_of(kind, ROWS, 11)
        if dataset == "column":
            train, x = train[:, :1], x[:, :1]
        if dataset == "frame":
            train, x = to_frame(np.minimum(train, 2)), to_frame(x)
        y = targets_of(rows_of(kind, TRAINING_ROWS, 7, step=0.5))[target]
        if dataset == "few":
            train, y, dataset = train[:FEW_ROWS], None if y is None else y[:FEW_ROWS], "plain"
        try:
            models[name] = model.fit(train) if y is None else model.fit(train, y)
            answers[name] = answers_of(name, model, dataset, x, target)
        except Exception as error:  # a setting that this version does not know
            models.pop(name, None)
            print(f"{sklearn.__version__} {name}: {type(error).__name__} {str(error)[:120]}", file=sys.stderr)
    FOLDER.mkdir(parents=True, exist_ok=True)
    joblib.dump(models, FOLDER / "models.joblib", compress=("gzip", 9))
    content = json.dumps(answers, ensure_ascii=False, sort_keys=True).encode()
    (FOLDER / "expected.json.gz").write_bytes(gzip.compress(content, 9, mtime=0))
    print(sklearn.__version__, len(models))


if __name__ == "__main__":
    main()
