"""What all estimators have in common: scikit-learn's conventions on top of `jaxcluster.workflow`."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ml_collections import ConfigDict
from sklearn.base import BaseEstimator, ClusterMixin, TransformerMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, validate_data

from jaxcluster import data
from jaxcluster.estimator import parameters
from jaxcluster.estimator.seeds import kept_of
from jaxcluster.runtime.progress import Reporter
from jaxcluster.runtime.trainer import TrainingError
from jaxcluster.workflow import results
from jaxcluster.workflow.confident import all_labels, keep_confident
from jaxcluster.workflow.fit import run
from jaxcluster.workflow.job import Devices, path_of
from jaxcluster.workflow.predict import predict

__all__ = ["DeepClusterer"]

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
            labels are used. `summary_["n_init"]` has the seeds and their agreements. A seed that fails is left out,
            with a warning.
        random_state: int, RandomState or None (another seed each time); decides everything that is random.
        workdir: folder for checkpoints and results: an interrupted fit goes on from there when it is called again.
            None: nothing is written.
        devices: how many devices train together; 0: all accelerators there are, or one CPU.
        callbacks: functions of each epoch's record, a dict; one that returns True ends training early.
        min_confidence: samples whose confidence is below it get the label -1, in `fit` and in `predict`; 0: none.
        verbose: 1 shows progress, in a notebook as a bar; 0 nothing but warnings.

    Attributes:
        labels_: [n] int32, the cluster of each sample; -1 where its confidence is below `min_confidence`. If training
            has made the clustering worse they are those from before it, a warning says so, and
            `summary_["results"]["kept"]` is "initial"; `predict`, `embedding_` and the centers are the trained
            network's in any case.
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
    and keeps what has been fitted so far, with `n_init` of the seeds that were begun; with a workdir it is raised as
    `jaxcluster.Interrupted`, and the same call goes on later.
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
            TrainingError: a loss is not finite, or the algorithm reports a fault, with every seed.
            Interrupted: Ctrl-C with a workdir (a KeyboardInterrupt): saved, and the same call goes on.
        """
        del y
        dataset = self._dataset(X, reset=True)
        config = parameters.config_of(self)
        first = parameters.seed_of(self.random_state)
        self._keep(kept_of(self._runs(config, dataset, range(first, first + parameters.count_of(self.n_init)))))
        self._warn()
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

    def _runs(self, config: ConfigDict, dataset: data.Dataset, seeds: range) -> list[results.Result]:
        """One run for each seed, until Ctrl-C: what is fitted by then is not lost. A seed that fails is left out."""
        found: list[results.Result] = []
        for seed in seeds:
            try:
                found.append(self._run(config, dataset, seed))
            except KeyboardInterrupt:  # in a run with a workdir, between two runs, or the second one in a run
                if self.workdir is not None or not found:
                    raise
                break
            except TrainingError as error:
                if not found and seed == seeds[-1]:
                    raise
                warnings.warn(f"seed {seed} is left out: {error}", stacklevel=3)
                continue
            if found[-1].interrupted:
                break
        return found

    def _run(self, config: ConfigDict, dataset: data.Dataset, seed: int) -> results.Result:
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

    def _warn(self) -> None:
        """Say what makes the labels other than they seem, which `verbose=0` does not show."""
        found = self.summary_["results"]
        if self.result_.interrupted:
            ended = [f" in {record['phase']}, epoch {record['epoch'] + 1}" for record in self.history_[-1:]]
            warnings.warn(f"interrupted{''.join(ended)}; this is what has been fitted so far", stacklevel=3)
        if found.get("kept") == "initial":
            warnings.warn(
                "labels_ are the clusters from before training, which has made them worse; predict, transform, "
                f"embedding_ and cluster_centers_ are the trained network's. {found['kept_because']}",
                stacklevel=3,
            )
        elif found.get("collapsed"):
            warnings.warn(f"the clustering has collapsed. {' '.join(found['findings'])}", stacklevel=3)

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
        if X.ndim > 4:
            raise ValueError(f"X must be [n, h, w], [n, h, w, c] or [n, d], got an array of shape {X.shape}")
        known = parameters.n_clusters_of(self.n_clusters) if reset else 0
        options |= {"image_shape": self.image_shape, "n_clusters": known or None}
        options["scaling"] = parameters.config_of(self).data.scaling if reset else "none"
        if not hasattr(X, "columns"):
            X = validate_data(self, X, reset=reset, dtype="numeric", ensure_min_samples=2 if reset else 1)
            return data.from_arrays(X, **options)
        if not reset:  # other columns, or in another order: scikit-learn's error
            validate_data(self, X, reset=False, skip_check_array=True)
        dataset = data.from_arrays(X, **options)  # names the columns that hold text or miss values
        if reset:
            validate_data(self, X, dtype="numeric", ensure_min_samples=2)
        return dataset

    def _reporter(self) -> Reporter:
        return Reporter() if self.verbose else Reporter.quiet()
