"""The settings of the view graph method: one setting for all image sets, and what feature vectors have instead."""

from ml_collections import ConfigDict

from jaxcluster.algorithms import groups, settings
from jaxcluster.algorithms.settings import Field, boolean, number, one_of, share, tuple_of, whole

__all__ = ["FIELDS", "check", "remarks"]


VIEWS = settings.Rule("1, 13, 25 or 73", lambda v: type(v) is int and v in (1, 13, 25, 73))

FIELDS = {
    "algorithm": Field("viewgraph", one_of("viewgraph"), "which method"),
    **groups.RUN,
    "n_clusters": Field(
        10, whole(0, 1_000_000, "0 or auto: the number that the graph suggests"), "how many clusters to find"
    ),
    "ensemble": Field(1, whole(1, 1000), "networks that are trained side by side and vote"),
    "graph": {
        "n_neighbors": Field(10, whole(1, 1000), "neighbors of each image"),
        "n_vector_neighbors": Field(15, whole(1, 1000), "neighbors of each feature vector"),
        "views": Field(13, VIEWS, "under how many fixed small warps images are compared"),
        "representation": Field(
            "auto",
            one_of("auto", "pixels", "descriptors"),
            'what images are compared by; "auto": descriptors, but pixels if a side has fewer than 8',
        ),
        "anchors": Field(20_000, whole(100, 10_000_000), "samples offered as neighbors: all, or so many of more"),
    },
    "partition": {
        "most_clusters": Field(20, whole(2, 1000), "the largest number that is tried where n_clusters is 0"),
        "n_init": Field(4, whole(1, 1000), "k-means runs for each number of spectral dimensions"),
    },
    "network": {
        "family": Field(
            "auto",
            one_of("auto", "convolutional", "mlp"),
            'kind of network; "auto": convolutions for images with at least 12 pixels a side',
        ),
        "hidden": Field(
            (),
            tuple_of(groups.WIDTH, "positive widths", empty=True),
            "fully connected layers; (): (128,) after convolutions, (500, 500, 128) for small images, (256, 256) for "
            "feature vectors",
        ),
        "convolution": Field("auto", one_of("auto", "native", "products"), "how convolutions are computed"),
    },
    "augment": {  # the random views that the network is trained on
        "rotation": Field(10.0, number(0, 180, unit="degrees"), "largest angle, to either side"),
        "shift": Field(0.05, share(), "largest shift, to either side, as a share of height and width"),
        "stretch": Field(0.15, share(), "largest logarithm of the factor on height and on width"),
        "shear": Field(0.15, share(), "largest shear, to either side, in rows per column"),
        "step": Field(0.5, share(), "feature vectors: longest step towards a neighbor, as a share of the way"),
        "masked": Field(0.4, number(0, 1, below=True), "feature vectors: share of the features that is hidden"),
    },
    "train": {
        "epochs": Field(0, whole(0, 1_000_000), "0: 24, more to make 500 steps, fewer (but 8) beyond 2,200 steps"),
        "batch_size": Field(
            0, whole(0, 1_000_000), "0: the largest power of two up to 256 with 32 steps an epoch, at least 16"
        ),
        "learning_rate": Field(2e-3, number(0, 1e6, above=True), "of Adam, after a warm-up and before it falls"),
        "average": Field(0.98, number(0, 1, below=True), "weight of the past in the running mean of the weights"),
        "dropout": Field(True, boolean(), "dropout in training"),
        "relabel_after": Field(0.25, share(), "share of the epochs on the initial labels, for images"),
        "relabel_vectors_after": Field(0.5, share(), "share of the epochs on the initial labels, for feature vectors"),
        "selected": Field(0.98, number(0, 1, above=True), "share of each cluster that counts after that"),
        "least_cut": Field(
            0.025,
            number(0, 1),
            "feature vectors whose partition cuts less, as the mean over clusters, keep it: views would only blur it",
        ),
        "most_moved": Field(0.1, share(), "share of samples that may leave their first cluster without a warning"),
    },
}


def check(config: ConfigDict, num_samples: int) -> None:
    """Refuse settings that cannot work, naming the field, what it got and what is allowed.

    Raises:
        ValueError: with one sentence.
    """
    settings.check(config, FIELDS)
    groups.check_clusters(config, num_samples)
    if num_samples < 3:
        raise ValueError(f"the graph needs at least 3 samples, got {num_samples}")


def remarks(config: ConfigDict, sample_shape: tuple[int, ...]) -> list[str]:
    """What a user should know of these settings on this data before the run starts."""
    if len(sample_shape) == 3:
        return []
    least = f"{config.train.least_cut:g} (config.train.least_cut)"
    said = [f"training changes the partition of feature vectors only if it cuts at least {least} of their graph"]
    if config.data.scaling == "none":
        said.insert(0, "feature vectors are compared as they are given: scale columns of different units first")
    return said
