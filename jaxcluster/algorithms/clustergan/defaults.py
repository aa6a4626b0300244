"""The settings of ClusterGAN, and the rules that tie several of them.

The defaults are the recipe that trains; `variants` turns them into what the paper alone says, and what lies between.
"""

import math

from ml_collections import ConfigDict

from jaxcluster.algorithms import groups, settings
from jaxcluster.algorithms.settings import Field, boolean, changed, number, one_of, share, tuple_of, whole

__all__ = ["FIELDS", "RENAMED", "check", "remarks"]

_WEIGHT = number(0, groups.LARGE)
_DEVIATION = number(0, groups.LARGE)
_POSITIVE_SHARE = number(0, 1, above=True)
_MOMENT = number(0, 1, below=True)
_WIDTHS = tuple_of(groups.WIDTH, "positive widths", empty=True)

_NETWORK = {
    "family": Field(
        "mlp", one_of("mlp", "mnist", "cifar"), "fully connected, or convolutional for gray or color images"
    ),
    "output": Field("sigmoid", one_of("sigmoid", "tanh"), 'pixels in [0, 1]; "tanh": in [-1, 1]'),
    "head": Field("normalized", one_of("plain", "normalized"), 'clusterer\'s last layer; "plain" is affine'),
    "clusterer_hidden": Field((), _WIDTHS, "widths of the clusterer; (): the family's usual ones"),
    "generator_hidden": Field((), _WIDTHS, "widths of the generator"),
    "discriminator_hidden": Field((), _WIDTHS, "widths of the discriminator"),
    "clusterer_noise": Field(0.0, _DEVIATION, "standard deviation of the noise in training, on the clusterer's input"),
    "image_noise": Field(0.3, _DEVIATION, "the same, on the discriminator's image"),
    "hidden_noise": Field(0.5, _DEVIATION, "the same, on the discriminator's hidden layers"),
    "code_noise": Field(0.3, _DEVIATION, "the same, on the discriminator's code"),
    "noise_end": Field(1.0, share(), "share of the image's and the hidden layers' noise that is left at the end"),
}

_PRIOR = {
    "noise": Field(
        "none", one_of("clip", "add", "inward", "none"), "kind of noise on the codes, see prior.noisy_codes"
    ),
    "width": Field(0.5, _DEVIATION, "of the noise, at the start"),
    "width_end": Field(0.1, _DEVIATION, "of the noise, at the end"),
    "style": Field(20, whole(0, 100_000), "uniform units that the generator sees beside the code; the paper has none"),
    "proportions": Field(
        "uniform", one_of("uniform", "estimated"), 'of the clusters; "estimated": from the initial clustering'
    ),
}

_WEIGHTS = {  # of the terms; a score whose weight is 0 is not built
    "joint": Field(2.0, _WEIGHT, "the paper's score D(z, x)"),
    "image": Field(1.0, _WEIGHT, "D(x), for the generator"),
    "code": Field(4.0, _WEIGHT, "D(z), for the clusterer"),
    # The terms from here on are sums over units, as printed: these weights were found with m = 10.
    "cycle": Field(3.0, _WEIGHT, "||C(G(z)) - code||^2, for the clusterer"),
    "cycle_generator": Field(1.0, _WEIGHT, "the same, for the generator"),
    "consistency": Field(10.0, _WEIGHT, "Eq. 7"),
    "entropy": Field(1.0, _WEIGHT, "Eq. 3, weighted by Eq. 6"),
    "pseudo_labels": Field(1.0, _WEIGHT, "cross-entropy with the pseudo-labels of the initial clustering"),
    "diversity": Field(0.0, _WEIGHT, "for the generator: its images of a cluster vary as much as the real ones"),
}

_WARM_UP = {  # share of training over which a term grows from 0 to its weight; 0: at once
    # The scores of the generator and the discriminator have none: they are on from the first step or not at all.
    "adversarial": Field(0.0, share(), "of the clusterer's joint and code"),
    "cycle": Field(0.0, share(), "for both"),
    "consistency": Field(0.0, share(), "of Eq. 7"),
    "entropy": Field(0.0, share(), "of Eq. 3"),
}

_CONSISTENCY = {  # the variations x~ of Eq. 7; each that is on is drawn anew every step
    "noise": Field(0.0, _DEVIATION, "standard deviation, the paper's variation for digits"),
    "rotation": Field(10.0, number(0, 180, unit="degrees"), "largest angle, to either side"),
    "shift": Field(0.1, share(), "largest shift as a share of height and width, continuous"),
    "stretch": Field(0.0, share(), "largest logarithm of the factor on height and on width"),
    "shear": Field(0.0, share(), "largest shear in rows per column"),
    "translate": Field(0, whole(0, 10_000), "largest shift in whole pixels, the paper's variation for CIFAR and STL"),
    "flip": Field(False, boolean(), "left to right"),
    "virtual": Field(0.25, _WEIGHT, "radius of the virtual adversarial one, in mean distances to the 10th neighbor"),
}

_PACE = {  # self-paced weights of the entropy loss
    "method": Field("balanced", one_of("balanced", "plain", "none"), 'Theorem 1; "plain": Eq. 4; "none": weights of 1'),
    "scope": Field("epoch", one_of("epoch", "batch"), "solved over all samples once an epoch, or over each batch"),
    "schedule": Field("age", one_of("age", "fraction"), 'what grows linearly; "age" in the paper'),
    "start": Field(0.01, _POSITIVE_SHARE, "fraction selected at first"),
    "full_at": Field(0.75, _POSITIVE_SHARE, "share of training from which all are selected"),
    "rho": Field(0.3, number(0, 1e6, above=True), "how strictly balanced, see spl.gamma_for_quota"),
    "reference": Field(1000, whole(0, 1_000_000_000), "samples that each is compared with for its loss; 0: all"),
}

_ADVERSARIAL = {
    "epochs": Field(60, whole(1, 1_000_000), "how long to train"),
    "batch_size": Field(100, whole(2, 1_000_000, "because the entropy loss is one of pairs"), "samples in a step"),
    "form": Field(
        "nonsaturating",
        one_of("nonsaturating", "minimax"),
        'of Eq. 2 for generator and clusterer; "minimax": literally',
    ),
    "learning_rate": Field(1e-3, number(0, 1e6, above=True), "of Adam, at the start"),
    "learning_rate_end": Field(1e-4, number(0, 1e6, above=True), "reached in a straight line"),
    "beta1": Field(0.5, _MOMENT, "of Adam"),
    "beta2": Field(0.999, _MOMENT, "of Adam"),
    "average": Field(0.99, _MOMENT, "per step, of the clusterer that is used and saved; 0: the last one"),
}

_INITIAL = {  # the initial clustering, whose labels are the pseudo-labels of the first part of training
    "method": Field(
        "spectral",
        one_of("spectral", "block_model", "kmeans", "none"),
        'of an autoencoder\'s embedding; "block_model" leaves the sizes free; "none", as in the paper',
    ),
    "hidden": Field((250, 250, 1000), groups.WIDTHS, "widths of the autoencoder"),
    "embedding": Field(10, groups.WIDTH, "dimensions of its embedding"),
    "n_neighbors": Field(10, whole(1, 10_000), "of each sample in the graph"),
    "dimensions": Field(
        (1.0, 1.25, 1.5),
        tuple_of(number(1, 1000), "numbers"),
        "of the spectral embedding, times n_clusters; all are tried",
    ),
    "n_init": Field(10, whole(1, 10_000), "runs from different seeds, of which the best is kept"),
    "confident": Field(
        "balanced",
        one_of("balanced", "surest"),
        'whose pseudo-labels are used: the surer samples of each cluster; "surest": of all together',
    ),
    "pseudo_labels_until": Field(0.25, share(), "share of training over which the pseudo-labels' weight falls to 0"),
}

FIELDS = {  # one setting for all data sets; a config file fills in `data`, `network.family` and little else
    "algorithm": Field("clustergan", one_of("clustergan"), "which method"),
    "m": Field(10, whole(2, 100_000), "units of the clusterer, a block for each cluster; 32 or 64 for hashing"),
    **groups.RUN,
    "network": _NETWORK,
    "prior": _PRIOR,
    "weights": _WEIGHTS,
    "warm_up": _WARM_UP,
    "consistency": _CONSISTENCY,
    "pace": _PACE,
    "adversarial": _ADVERSARIAL,
    "initial": _INITIAL,
    "augment": groups.AUGMENT,
    # Batches of 64 take four times the steps of 256 for the same work, and reach a lower loss.
    "pretrain": changed(groups.PRETRAIN, epochs=100, batch_size=64),
    "cluster": changed(groups.KMEANS, inertia_tolerance=0.0),  # the final k-means on the clusterer's outputs
}

RENAMED = {
    **{f"cluster.{old}": f"cluster.{new}" for old, new in groups.RENAMED_KMEANS.items()},
    "initial.restarts": "initial.n_init",
    "initial.neighbours": "initial.n_neighbors",
    "initial.neighbors": "initial.n_neighbors",
    "initial.trusted": "initial.confident",
    "initial.lasts": "initial.pseudo_labels_until",
    "weights.guide": "weights.pseudo_labels",
    "network.head=normalised": "network.head=normalized",
}


def check(config: ConfigDict, num_samples: int) -> None:
    """Refuse settings that cannot work, naming the field, what it got and what is allowed.

    Raises:
        ValueError: with one sentence.
    """
    settings.check(config, FIELDS)
    groups.check_clusters(config, num_samples)
    if config.m < config.n_clusters:
        raise ValueError(f"config.m must be at least config.n_clusters = {config.n_clusters}, got {config.m}")
    if config.initial.method != "none":
        return
    if config.prior.proportions == "estimated":
        raise ValueError(
            "config.prior.proportions must be 'uniform' when config.initial.method is 'none', got 'estimated': "
            "they are estimated from the initial clustering"
        )
    if config.init_from:
        raise ValueError(
            f"config.init_from must be empty when config.initial.method is 'none', got {config.init_from!r}"
        )


def remarks(config: ConfigDict, sample_shape: tuple[int, ...]) -> list[str]:
    """What a user should know of these settings on this data before the run starts."""
    sentences = []
    if len(sample_shape) != 3:
        sentences.append(
            "feature vectors cannot be rotated, shifted or flipped: the variations are noise "
            f"({config.consistency.noise:g}) and virtual adversarial ones ({config.consistency.virtual:g})"
        )
    if config.prior.proportions == "uniform":
        sentences.append(
            f"the prior takes all {config.n_clusters} clusters for about equally large "
            f"({1 / config.n_clusters:.1%} each); config.prior.proportions=estimated does not"
        )
    if config.m % config.n_clusters:
        size = math.ceil(config.m / config.n_clusters)
        sentences.append(f"m = {config.m} units in {config.n_clusters} blocks of {size} or {size - 1}")
    return sentences
