"""An estimator for each method of this package that has parameters of its own: `DeepClusterer` with names for them."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from jaxcluster.estimator.base import DeepClusterer

__all__ = ["ASPC", "ClusterGAN", "ViewGraph"]


class ViewGraph(DeepClusterer):
    """Clustering by the graph of images that are small warps of one another; the default method of this package.

    The graph of nearest neighbors under small rotations, shifts, stretches and shears is partitioned by the likelihood
    of a degree-corrected block model; a classifier learns the partition in random views and corrects it. Feature
    vectors are compared by shared neighbors instead.

    Args:
        n_clusters: K; "auto": the number that the graph suggests.
        ensemble: networks that are trained side by side and vote (default 1).
        epochs: of the classifier (default: 24, fewer for large sets).
        n_neighbors: of each image in the graph (default 10; feature vectors have `graph.n_vector_neighbors`).
        views: under how many warps images are compared: 1, 13 (default), 25 or 73.
        anchors: samples that are offered as neighbors in larger sets (default 20,000).

    The other parameters are those of `jaxcluster.DeepClusterer`, and so are the attributes: `labels_`, `confidence_`,
    `probabilities_`, `embedding_`, `cluster_centers_`, `history_`, `summary_`, `n_clusters_`, `n_iter_`. A confidence
    is the probability of the cluster.
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

    The other parameters are those of `jaxcluster.DeepClusterer`, and so are the attributes: `labels_`, `confidence_`,
    `embedding_`, `cluster_centers_`, `history_`, `summary_`, `n_clusters_`, `n_iter_`. A confidence is 1 − (distance
    to the nearest center) / (distance to the second nearest).
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

    The other parameters are those of `jaxcluster.DeepClusterer`, and so are the attributes: `labels_`, `confidence_`,
    `embedding_`, `cluster_centers_`, `history_`, `summary_`, `n_clusters_`, `n_iter_`. A confidence is 1 − (distance
    to the nearest center) / (distance to the second nearest).
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
