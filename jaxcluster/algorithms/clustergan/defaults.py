"""The settings of ClusterGAN, and the check of what a user made of them.

The defaults are the recipe that trains; `arms` turns them into what the paper alone says, and what lies between.
"""

import math
from functools import partial

from ml_collections import ConfigDict

from jaxcluster.algorithms import settings

__all__ = ["check", "get_config", "remarks"]

TERMS = ("joint", "image", "code", "cycle", "cycle_generator", "consistency", "entropy", "guide")
READINGS = ("clip", "add", "inward", "none")


def get_config() -> ConfigDict:
    """One setting for all data sets; a config file fills in `data`, `network.family` and little else."""
    config = ConfigDict()
    config.algorithm = "clustergan"
    config.m = 10  # units of the clusterer: n_clusters blocks of m / n_clusters; 32 or 64 for hashing
    settings.add_data(config)

    config.network = ConfigDict()
    config.network.family = "mlp"
    config.network.output = "sigmoid"  # pixels in [0, 1]; "tanh": in [-1, 1]
    config.network.head = "normalized"  # clusterer's last layer; "plain" is affine
    config.network.clusterer_hidden = ()  # widths; (): the family's usual ones, see networks.players
    config.network.generator_hidden = ()
    config.network.discriminator_hidden = ()
    config.network.clusterer_noise = 0.0  # standard deviations of the noise in training, on the clusterer's input,
    config.network.image_noise = 0.3  # on the discriminator's image,
    config.network.hidden_noise = 0.5  # on its hidden layers,
    config.network.code_noise = 0.3  # and on its code
    config.network.noise_end = 1.0  # share of the image's and the hidden layers' noise that is left at the end

    config.prior = ConfigDict()
    config.prior.noise = "none"  # on the codes: "add", "clip" or "inward", see jaxcluster.algorithms.clustergan.prior
    config.prior.width = 0.5  # of the noise, at the start,
    config.prior.width_end = 0.1  # and at the end
    config.prior.style = 20  # uniform units that the generator sees beside the code; 0: none, as in the paper
    config.prior.proportions = "uniform"  # of the clusters; "estimated": from the initial clustering

    config.weights = ConfigDict()  # of the terms; a score whose weight is 0 is not built
    config.weights.joint = 2.0  # the paper's score D(z, x)
    config.weights.image = 1.0  # D(x), for the generator
    config.weights.code = 4.0  # D(z), for the clusterer
    # The terms from here on are sums over units, as printed: these weights were found with m = 10.
    config.weights.cycle = 3.0  # ||C(G(z)) - code||^2, for the clusterer
    config.weights.cycle_generator = 1.0  # the same, for the generator
    config.weights.consistency = 10.0  # Eq. 7
    config.weights.entropy = 1.0  # Eq. 3, weighed by Eq. 6
    config.weights.guide = 1.0  # cross-entropy with the initial clustering, while it lasts

    config.warm_up = ConfigDict()  # share of training over which a term grows from 0 to its weight; 0: at once
    # The scores of the generator and the discriminator have none: they play from the first step or not at all.
    config.warm_up.adversarial = 0.0  # the clusterer's joint and code
    config.warm_up.cycle = 0.0  # for both
    config.warm_up.consistency = 0.0
    config.warm_up.entropy = 0.0

    config.consistency = ConfigDict()  # the variations x~ of Eq. 7; each that is on is drawn anew every step
    config.consistency.noise = 0.0  # standard deviation, the paper's variation for digits
    config.consistency.rotation = 10.0  # degrees
    config.consistency.shift = 0.1  # of height and width, continuous
    config.consistency.stretch = 0.0  # logarithm of the factor on height and on width
    config.consistency.shear = 0.0  # rows per column
    config.consistency.translate = 0  # whole pixels, to either side, the paper's for CIFAR and STL
    config.consistency.flip = False  # left to right
    config.consistency.virtual = 0.25  # radius of the virtual adversarial one, in mean distances to the 10th neighbor

    config.pace = ConfigDict()  # self-paced weights of the entropy loss
    config.pace.method = "balanced"  # Theorem 1; "plain": Eq. 4; "none": all weights 1
    config.pace.scope = "epoch"  # solved over all samples once an epoch; "batch": over each batch
    config.pace.schedule = "age"  # what grows linearly: "age", as in the paper, or "fraction"
    config.pace.start = 0.01  # fraction selected at first
    config.pace.full_at = 0.75  # share of training from which all are selected
    config.pace.rho = 0.3  # how strictly balanced, see spl.gamma_for_quota
    config.pace.reference = 1000  # samples that each is compared with for its loss; 0: all

    config.adversarial = ConfigDict()
    config.adversarial.epochs = 60
    config.adversarial.batch_size = 100
    config.adversarial.form = "nonsaturating"  # of Eq. 2 for the generator and the clusterer; "minimax": literally
    config.adversarial.learning_rate = 1e-3
    config.adversarial.learning_rate_end = 1e-4  # reached in a straight line
    config.adversarial.beta1 = 0.5
    config.adversarial.beta2 = 0.999
    config.adversarial.average = 0.99  # per step, of the clusterer that is used and saved; 0: the last one

    config.initial = ConfigDict()  # what the blocks begin with
    config.initial.method = "spectral"  # on an autoencoder's embedding; "kmeans" on the same; "none", as in the paper
    config.initial.hidden = (250, 250, 1000)  # widths of the autoencoder
    config.initial.embedding = 10
    config.initial.neighbors = 10  # of each sample in the graph
    config.initial.dimensions = (1.0, 1.25, 1.5)  # tried for the spectral embedding, in units of n_clusters
    config.initial.restarts = 10
    config.initial.trusted = "balanced"  # the surer samples of each cluster; "surest": of all together
    config.initial.lasts = 0.25  # share of training over which the guide's weight falls to 0
    settings.add_augment(config)
    settings.add_pretrain(config)
    config.pretrain.epochs = 100
    config.pretrain.batch_size = 64  # four times the steps of 256 for the same work, and a lower loss for it

    config.cluster = ConfigDict()  # the final k-means on the clusterer's outputs
    settings.add_kmeans(config.cluster)
    config.cluster.slack = 0.0
    return config


def check(config: ConfigDict, num_samples: int) -> None:
    """Refuse settings that cannot work, naming the field, what it got and what is allowed.

    Raises:
        ValueError: with one sentence.
    """
    require, one_of = partial(settings.require, config), settings.one_of
    settings.check_run(config, num_samples)

    def number(field: str, allowed: str, holds) -> None:
        require(field, allowed, lambda value: settings.finite(value) and holds(value))

    def share(field: str) -> None:
        number(field, "between 0 and 1", lambda value: 0 <= value <= 1)

    require("m", f"at least config.n_clusters = {config.n_clusters}", lambda m: m >= config.n_clusters)
    require("network.family", *one_of("mlp", "mnist", "cifar"))
    require("network.output", *one_of("sigmoid", "tanh"))
    require("network.head", *one_of("plain", "normalized"))
    for name in ("clusterer_hidden", "generator_hidden", "discriminator_hidden"):
        require(f"network.{name}", "a tuple of positive widths, or ()", _widths)
    for name in ("clusterer_noise", "image_noise", "hidden_noise", "code_noise"):
        number(f"network.{name}", "0 or a positive standard deviation", lambda s: s >= 0)
    share("network.noise_end")
    require("prior.noise", *one_of(*READINGS))
    number("prior.width", "0 or more", lambda w: w >= 0)
    number("prior.width_end", "0 or more", lambda w: w >= 0)
    require("prior.style", "0 or more", lambda s: s >= 0)
    require("prior.proportions", *one_of("uniform", "estimated"))
    for name in TERMS:
        number(f"weights.{name}", "0 or more", lambda w: w >= 0)
    for name in ("adversarial", "cycle", "consistency", "entropy"):
        share(f"warm_up.{name}")
    number("consistency.noise", "0 or a positive standard deviation", lambda s: s >= 0)
    number("consistency.rotation", "between 0 and 180 degrees", lambda r: 0 <= r <= 180)
    for name in ("shift", "stretch", "shear"):
        share(f"consistency.{name}")
    require("consistency.translate", "0 or more pixels", lambda p: p >= 0)
    number("consistency.virtual", "0 or more", lambda r: r >= 0)
    require("pace.method", *one_of("balanced", "plain", "none"))
    require("pace.scope", *one_of("epoch", "batch"))
    require("pace.schedule", *one_of("age", "fraction"))
    number("pace.start", "above 0 and at most 1", lambda p: 0 < p <= 1)
    number("pace.full_at", "above 0 and at most 1", lambda p: 0 < p <= 1)
    number("pace.rho", "above 0", lambda r: r > 0)
    require("pace.reference", "0 (all samples) or more", lambda r: r >= 0)
    require("adversarial.epochs", "1 or more", lambda e: e >= 1)
    require("adversarial.batch_size", "at least 2, because the entropy loss is one of pairs", lambda b: b >= 2)
    require("adversarial.form", *one_of("nonsaturating", "minimax"))
    for name in ("learning_rate", "learning_rate_end"):
        number(f"adversarial.{name}", "above 0", lambda r: r > 0)
    for name in ("beta1", "beta2", "average"):
        number(f"adversarial.{name}", "between 0 and 1, 1 excluded", lambda b: 0 <= b < 1)
    require("initial.method", *one_of("spectral", "kmeans", "none"))
    require("initial.hidden", "a tuple of positive widths", lambda widths: widths and _widths(widths))
    require("initial.embedding", "at least 1", lambda d: d >= 1)
    require("initial.neighbors", "at least 1", lambda k: k >= 1)
    require("initial.dimensions", "a tuple of numbers, each at least 1", _factors)
    require("initial.restarts", "at least 1", lambda r: r >= 1)
    require("initial.trusted", *one_of("balanced", "surest"))
    share("initial.lasts")
    settings.check_augment(config)
    require("pretrain.epochs", "0 or more", lambda e: e >= 0)
    settings.check_phase(config, "pretrain")
    settings.check_kmeans(config, "cluster")
    if config.initial.method == "none":
        if config.prior.proportions == "estimated":
            raise ValueError(
                "config.prior.proportions must be 'uniform' when config.initial.method is 'none', got 'estimated': "
                "they are estimated from the initial clustering"
            )
        if config.init_from:
            raise ValueError(
                f"config.init_from must be empty when config.initial.method is 'none', got {config.init_from!r}"
            )


def _widths(widths) -> bool:
    return all(isinstance(width, int) and width > 0 for width in widths)


def _factors(factors) -> bool:
    return len(factors) > 0 and all(settings.finite(factor) and factor >= 1 for factor in factors)


def remarks(config: ConfigDict, sample_shape: tuple[int, ...]) -> list[str]:
    """What a user should know of these settings on this data before the run starts."""
    said = []
    if len(sample_shape) != 3:
        said.append(
            "feature vectors cannot be rotated, shifted or flipped: the variations are noise "
            f"({config.consistency.noise:g}) and virtual adversarial ones ({config.consistency.virtual:g})"
        )
    if config.prior.proportions == "uniform":
        said.append(
            f"the prior takes all {config.n_clusters} clusters for about equally large "
            f"({1 / config.n_clusters:.1%} each); config.prior.proportions=estimated does not"
        )
    if config.m % config.n_clusters:
        size = math.ceil(config.m / config.n_clusters)
        said.append(f"m = {config.m} units in {config.n_clusters} blocks of {size} or {size - 1}")
    return said
