"""Estimators: the methods of this package with scikit-learn's conventions.

    from jaxcluster import ViewGraph
    labels = ViewGraph(n_clusters=10).fit_predict(images)

An estimator is the settings of one method as constructor parameters; `fit` runs `jaxcluster.workflow`, as the command
line does, so that a folder which one of them leaves can be read by the other.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ml_collections import ConfigDict
from sklearn.base import BaseEstimator, ClusterMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, validate_data

from jaxcluster import algorithms, data, metrics
from jaxcluster.runtime.progress import Reporter
from jaxcluster.workflow import configs, results
from jaxcluster.workflow.confident import all_labels, keep_confident
from jaxcluster.workflow.fit import Devices, run
from jaxcluster.workflow.job import path_of
from jaxcluster.workflow.predict import predict
from jaxcluster.workflow.settings import UsageError, settings_of

__all__ = ["ASPC", "ClusterGAN", "DeepClusterer", "ViewGraph", "load"]

SCORE_SAMPLES = 2000  # that `score` compares with each other


class DeepClusterer(ClusterMixin, TransformerMixin, BaseEstimator):
    """Any registered method as an estimator: those of this package, and those that other packages add.

    Args:
        algorithm: name of the method, see `jaxcluster.algorithms.names()`.
        n_clusters: K; "auto" where the method can find it.
        variant: name of a variant of the method's settings, see `jaxcluster --list`.
        config: all other settings: a `ConfigDict`, a dict of dotted fields ({"finetune.epochs": 20}), or the name or
            path of a config; None: the method's defaults. Named parameters and `n_clusters` come on top.
        image_shape: (h, w) or (h, w, c), where X holds flat images [n, d].
        n_init: how many seeds are trained, from `random_state` on. Kept is the run whose labels agree best with those
            of the other runs, by the mean of normalized mutual information: a run that fell into a poor solution
            stands alone. Of two runs, which agree equally, the one with the smaller last training loss is kept. No
            labels are used.
        random_state: int, RandomState or None (another seed each time); decides everything that is random.
        workdir: folder for checkpoints and results: an interrupted fit goes on from there when it is called again.
            None: nothing is written.
        devices: how many devices train together; 0: all accelerators there are, or one CPU.
        callbacks: functions of each epoch's record, a dict; one that returns True ends training early.
        min_confidence: samples whose confidence is below it get the label -1, in `fit` and in `predict`; 0: none.
        verbose: 1 shows progress, in a notebook as a bar; 0 nothing.

    Attributes:
        labels_: [n] int32, the cluster of each sample; -1 where its confidence is below `min_confidence`.
        all_labels_: [n] int32, the cluster of each sample, however unsure.
        confidence_: [n] in [0, 1], see the method's page for what it means.
        probabilities_: [n, k], rows sum to 1; only with methods that give them.
        embedding_: [n, d], where `cluster_centers_` [k, d] lie too.
        history_: a record (dict) for each epoch.
        n_iter_: epochs of the last phase that trained.
        n_clusters_: K.
        summary_: figures, seconds and versions of the run, as in summary.json.
        n_features_in_: numbers in a sample.

    X in all methods: [n, h, w], [n, h, w, c] or [n, d], of anything that `np.asarray` takes. Ctrl-C ends training early
    and keeps what has been fitted so far; with a workdir it is raised, and the same call goes on later.
    """

    _fields: Mapping[str, str] = {}  # constructor parameter -> dotted field of the config

    def __init__(
        self,
        algorithm: str = "viewgraph",
        n_clusters: int | str = 10,
        *,
        variant: str | None = None,
        config: Any = None,
        image_shape: tuple[int, ...] | None = None,
        n_init: int = 1,
        random_state: Any = 0,
        workdir: str | Path | None = None,
        devices: int = 0,
        callbacks: Sequence[Callable[[dict[str, Any]], Any]] | None = None,
        min_confidence: float = 0.0,
        verbose: int = 0,
    ):
        self.algorithm = algorithm
        self.n_clusters = n_clusters
        self.variant = variant
        self.config = config
        self.image_shape = image_shape
        self.n_init = n_init
        self.random_state = random_state
        self.workdir = workdir
        self.devices = devices
        self.callbacks = callbacks
        self.min_confidence = min_confidence
        self.verbose = verbose

    def fit(self, X: Any, y: Any = None) -> "DeepClusterer":
        """Cluster X; `y` is not looked at.

        Raises:
            ValueError: X or a parameter cannot be used; the message names it, what it got and what is allowed.
            TypeError: X is sparse, or a parameter is of another type.
        """
        del y
        dataset = self._dataset(X, reset=True)
        config = self._config()
        first = self._seed()
        found = [self._run(config, dataset, first + i, i) for i in range(self._count())]
        self._keep(found[_choose(found)])
        return self

    def predict(self, X: Any) -> np.ndarray:
        """The cluster of each new sample, [n] int32; -1 where its confidence is below `min_confidence`."""
        return self._outputs(X).labels

    @available_if(lambda self: hasattr(self, "probabilities_"))
    def predict_proba(self, X: Any) -> np.ndarray:
        """Probability of each cluster for each new sample, [n, k]; there if the fitted method gives them."""
        return self._outputs(X).probabilities

    def transform(self, X: Any) -> np.ndarray:
        """Where samples lie in the embedding, [n, d]."""
        return self._outputs(X).embedding

    def score(self, X: Any, y: Any = None) -> float:
        """How well the predicted clusters are apart, without labels: larger is better; for `GridSearchCV`.

            mean over samples of (b - a) / max(a, b)

        the silhouette of the predicted labels on the samples themselves (pixels or features as the method sees them),
        not on the embedding, which each setting makes its own; on at most 2,000 random samples. One cluster scores -1.
        """
        del y
        dataset = self._dataset(X, reset=False)
        labels = predict(self.result_.fitted, dataset).labels
        some = np.random.default_rng(0).permutation(len(labels))[:SCORE_SAMPLES]
        flat = dataset.images[some].reshape(len(some), -1).astype(np.float32)
        if not 1 < len(np.unique(labels[some])) < len(some):
            return -1.0
        from sklearn.metrics import silhouette_score

        return float(silhouette_score(flat, labels[some]))

    def save(self, folder: str | Path) -> None:
        """Write the fitted model and its results to a new folder, the same that the command line leaves.

        `jaxcluster.load(folder)` reads it, and so does `jaxcluster --predict=FILE --workdir=FOLDER`.

        Raises:
            NotFittedError: `fit` was not called.
            WorkdirError: the folder holds something else.
        """
        check_is_fitted(self, "result_")
        results.write_result(path_of(str(folder), f"folder {folder}"), self.result_)

    def _config(self) -> ConfigDict:
        """All settings: the method's defaults or `config`, then the variant, then the named parameters."""
        method = algorithms.get(self.algorithm)
        if isinstance(self.config, str):
            config = configs.load(self.config)
        else:
            given = self.config.to_dict() if isinstance(self.config, ConfigDict) else dict(self.config or {})
            config = settings_of({"algorithm": self.algorithm, **_nested(given)})
        if config.algorithm != self.algorithm:
            raise ValueError(f"config is one of {config.algorithm!r}; {type(self).__name__} needs {self.algorithm!r}")
        if self.variant is not None:
            if method.apply_variant is None or self.variant.split("+")[0] not in method.variants:
                raise ValueError(f"variant must be one of {', '.join(method.variants)}, got {self.variant!r}")
            config = method.apply_variant(config, self.variant)
        for parameter, field in self._fields.items():
            value = getattr(self, parameter)
            if value is not None:
                group, _, name = field.rpartition(".")
                (config[group] if group else config)[name] = value
        config.n_clusters = self._n_clusters()
        return config

    def _n_clusters(self) -> int:
        if self.n_clusters == "auto":
            return 0
        if isinstance(self.n_clusters, (bool, np.bool_)) or not isinstance(self.n_clusters, (int, np.integer)):
            raise TypeError(f"n_clusters must be a whole number, at least 2, or 'auto', got {self.n_clusters!r}")
        return int(self.n_clusters)

    def _count(self) -> int:
        if isinstance(self.n_init, bool) or not isinstance(self.n_init, (int, np.integer)) or self.n_init < 1:
            raise ValueError(f"n_init must be a whole number, at least 1, got {self.n_init!r}")
        return int(self.n_init)

    def _seed(self) -> int:
        if isinstance(self.random_state, (int, np.integer)) and not isinstance(self.random_state, bool):
            return int(self.random_state)
        return int(check_random_state(self.random_state).randint(2**31 - 1))

    def _run(self, config: ConfigDict, dataset: data.Dataset, seed: int, number: int) -> results.Result:
        config = ConfigDict(config.to_dict())
        config.seed = seed
        workdir = None if self.workdir is None else path_of(str(self.workdir), f"workdir {self.workdir}")
        if workdir is not None and self.n_init > 1:
            workdir = workdir / f"seed{seed}"
        return run(
            config,
            lambda: dataset,
            workdir=workdir,
            devices=Devices(self.devices),
            reporter=self._reporter(),
            callbacks=tuple(self.callbacks or ()),
            min_confidence=self.min_confidence,
        )

    def _keep(self, result: results.Result) -> None:
        outputs = result.outputs
        self.result_ = result
        self.__dict__.pop("probabilities_", None)  # of an earlier fit
        self.labels_, self.confidence_ = outputs.labels, outputs.confidence
        self.all_labels_ = all_labels(outputs)
        self.embedding_, self.cluster_centers_ = outputs.embedding, outputs.centers
        if outputs.probabilities is not None:
            self.probabilities_ = outputs.probabilities
        self.history_, self.summary_ = result.history, result.summary
        last = [record for record in result.history if record["phase"] == result.history[-1]["phase"]]
        self.n_iter_ = max(len(last), 1)
        self.n_clusters_ = len(outputs.centers)

    def _outputs(self, X: Any):
        check_is_fitted(self, "result_")
        outputs = predict(self.result_.fitted, self._dataset(X, reset=False))
        return keep_confident(outputs, self.result_.min_confidence)

    def _dataset(self, X: Any, *, reset: bool) -> data.Dataset:
        """X as a data set, checked; new samples are brought to the scale of those that were fitted."""
        if not reset:
            check_is_fitted(self, "result_")
        options: dict[str, Any] = {"like": None if reset else self.result_.fitted.frame, "report": self._reporter().say}
        X = X if hasattr(X, "ndim") else np.asarray(X)
        if X.ndim in (3, 4):
            if reset:
                self.n_features_in_ = int(np.prod(X.shape[1:]))
            return data.from_arrays(X, **options)
        checked = validate_data(self, X, reset=reset, dtype="numeric", ensure_min_samples=2 if reset else 1)
        known = self._n_clusters() if reset else 0
        return data.from_arrays(
            X if hasattr(X, "columns") else checked,
            image_shape=self.image_shape,
            n_clusters=known or None,
            scaling=self._config().data.scaling if reset else "none",
            **options,
        )

    def _reporter(self) -> Reporter:
        return Reporter() if self.verbose else Reporter.quiet()


class ViewGraph(DeepClusterer):
    """Clustering by the graph of images that are small warps of one another; the default method of this package.

    The graph of nearest neighbors under small rotations, shifts, stretches and shears is partitioned by the likelihood
    of a degree-corrected block model; a classifier learns the partition in random views and corrects it. Feature
    vectors are compared by shared neighbors instead.

    Args:
        n_clusters: K; "auto": the number that the graph suggests.
        ensemble: networks that are trained side by side and vote (default 1).
        epochs: of the classifier (default: 24, fewer for large sets).
        n_neighbors: of each image in the graph (default 10).
        views: under how many warps images are compared: 1, 13 (default), 25 or 73.
        anchors: samples that are offered as neighbors in larger sets (default 20,000).

    The other parameters and the attributes are those of `DeepClusterer`.
    """

    _fields: Mapping[str, str] = {
        "ensemble": "ensemble",
        "epochs": "train.epochs",
        "n_neighbors": "graph.n_neighbors",
        "views": "graph.views",
        "anchors": "graph.anchors",
    }
    algorithm = "viewgraph"

    def __init__(
        self,
        n_clusters: int | str = 10,
        *,
        ensemble: int | None = None,
        epochs: int | None = None,
        n_neighbors: int | None = None,
        views: int | None = None,
        anchors: int | None = None,
        variant: str | None = None,
        config: Any = None,
        image_shape: tuple[int, ...] | None = None,
        n_init: int = 1,
        random_state: Any = 0,
        workdir: str | Path | None = None,
        devices: int = 0,
        callbacks: Sequence[Callable[[dict[str, Any]], Any]] | None = None,
        min_confidence: float = 0.0,
        verbose: int = 0,
    ):
        self.n_clusters = n_clusters
        self.ensemble = ensemble
        self.epochs = epochs
        self.n_neighbors = n_neighbors
        self.views = views
        self.anchors = anchors
        self.variant = variant
        self.config = config
        self.image_shape = image_shape
        self.n_init = n_init
        self.random_state = random_state
        self.workdir = workdir
        self.devices = devices
        self.callbacks = callbacks
        self.min_confidence = min_confidence
        self.verbose = verbose


class ASPC(DeepClusterer):
    """Adaptive self-paced deep clustering with data augmentation (Guo et al., TKDE 2019).

    An autoencoder is pretrained on augmented images; then its encoder is trained towards fixed cluster centers, on the
    samples that adaptive self-paced learning selects.

    Args:
        n_clusters: K.
        pretrain_epochs: of the autoencoder (default 500).
        epochs: of the fine-tuning (default 100; -1: until fewer than .1 % of the labels change).
        hidden: widths of the encoder's hidden layers (default (500, 500, 2000)).
        embedding_size: d (default 10).
        batch_size: of the fine-tuning (default 256).
        rotation: of augmented images, degrees to either side (default 10).
        shift: of augmented images, of height and width (default .1).

    The other parameters and the attributes are those of `DeepClusterer`.
    """

    _fields: Mapping[str, str] = {
        "pretrain_epochs": "pretrain.epochs",
        "epochs": "finetune.epochs",
        "hidden": "network.hidden",
        "embedding_size": "network.embedding",
        "batch_size": "finetune.batch_size",
        "rotation": "augment.rotation",
        "shift": "augment.shift",
    }
    algorithm = "aspc"

    def __init__(
        self,
        n_clusters: int = 10,
        *,
        pretrain_epochs: int | None = None,
        epochs: int | None = None,
        hidden: tuple[int, ...] | None = None,
        embedding_size: int | None = None,
        batch_size: int | None = None,
        rotation: float | None = None,
        shift: float | None = None,
        variant: str | None = None,
        config: Any = None,
        image_shape: tuple[int, ...] | None = None,
        n_init: int = 1,
        random_state: Any = 0,
        workdir: str | Path | None = None,
        devices: int = 0,
        callbacks: Sequence[Callable[[dict[str, Any]], Any]] | None = None,
        min_confidence: float = 0.0,
        verbose: int = 0,
    ):
        self.n_clusters = n_clusters
        self.pretrain_epochs = pretrain_epochs
        self.epochs = epochs
        self.hidden = hidden
        self.embedding_size = embedding_size
        self.batch_size = batch_size
        self.rotation = rotation
        self.shift = shift
        self.variant = variant
        self.config = config
        self.image_shape = image_shape
        self.n_init = n_init
        self.random_state = random_state
        self.workdir = workdir
        self.devices = devices
        self.callbacks = callbacks
        self.min_confidence = min_confidence
        self.verbose = verbose


class ClusterGAN(DeepClusterer):
    """ClusterGAN with balanced self-paced learning (Ghasedi Dizaji et al., CVPR 2019).

    A generator, a discriminator and a clusterer are trained against each other; a pairwise entropy loss on self-paced,
    cluster-balanced samples and a consistency loss train the clusterer.

    Args:
        n_clusters: K.
        code_size: m, units of the clusterer's output, at least K; 32 or 64 for hashing (default 10).
        epochs: of the adversarial game (default 60).
        pretrain_epochs: of the autoencoder whose clusters it begins with (default 100).
        family: networks: "mlp" (default), "mnist" or "cifar" (convolutional).
        batch_size: of the adversarial game (default 100).

    The other parameters and the attributes are those of `DeepClusterer`.
    """

    _fields: Mapping[str, str] = {
        "code_size": "m",
        "epochs": "adversarial.epochs",
        "pretrain_epochs": "pretrain.epochs",
        "family": "network.family",
        "batch_size": "adversarial.batch_size",
    }
    algorithm = "clustergan"

    def __init__(
        self,
        n_clusters: int = 10,
        *,
        code_size: int | None = None,
        epochs: int | None = None,
        pretrain_epochs: int | None = None,
        family: str | None = None,
        batch_size: int | None = None,
        variant: str | None = None,
        config: Any = None,
        image_shape: tuple[int, ...] | None = None,
        n_init: int = 1,
        random_state: Any = 0,
        workdir: str | Path | None = None,
        devices: int = 0,
        callbacks: Sequence[Callable[[dict[str, Any]], Any]] | None = None,
        min_confidence: float = 0.0,
        verbose: int = 0,
    ):
        self.n_clusters = n_clusters
        self.code_size = code_size
        self.epochs = epochs
        self.pretrain_epochs = pretrain_epochs
        self.family = family
        self.batch_size = batch_size
        self.variant = variant
        self.config = config
        self.image_shape = image_shape
        self.n_init = n_init
        self.random_state = random_state
        self.workdir = workdir
        self.devices = devices
        self.callbacks = callbacks
        self.min_confidence = min_confidence
        self.verbose = verbose


_ESTIMATORS = {"aspc": ASPC, "clustergan": ClusterGAN, "viewgraph": ViewGraph}


def load(folder: str | Path) -> DeepClusterer:
    """Read a fitted estimator from the folder of a finished run, started from Python or from the command line.

    Raises:
        WorkdirError: the folder holds no finished run (a ValueError).
    """
    result = results.read_result(path_of(str(folder), f"folder {folder}"))
    config = result.fitted.config
    common = {"n_clusters": config["n_clusters"] or "auto", "random_state": config["seed"], "config": config}
    common["min_confidence"] = result.min_confidence
    if config["algorithm"] in _ESTIMATORS:
        estimator = _ESTIMATORS[config["algorithm"]](**common)
    else:
        estimator = DeepClusterer(config["algorithm"], **common)
    estimator._keep(result)
    estimator.n_features_in_ = int(np.prod(result.fitted.frame.shape))
    return estimator


def _choose(found: list[results.Result]) -> int:
    """Which of several runs to keep, see `DeepClusterer`."""
    if len(found) == 1:
        return 0
    labels = [all_labels(result.outputs) for result in found]
    agreement = [
        np.mean([metrics.nmi(labels[i], labels[j]) for j in range(len(found)) if j != i]) for i in range(len(found))
    ]
    losses = [result.history[-1]["loss"] if result.history else np.inf for result in found]
    return min(range(len(found)), key=lambda i: (-round(float(agreement[i]), 9), losses[i]))


def _nested(given: Mapping[str, Any]) -> dict[str, Any]:
    """{"finetune.epochs": 20} as {"finetune": {"epochs": 20}}; nested dicts stay."""
    nested: dict[str, Any] = {}
    for name, value in given.items():
        if not isinstance(name, str):
            raise UsageError(f"config must have names of fields as keys, got {name!r}")
        group = nested
        *path, last = name.split(".")
        for part in path:
            group = group.setdefault(part, {})
        if isinstance(value, Mapping):
            group.setdefault(last, {}).update(value)
        else:
            group[last] = value
    return nested
