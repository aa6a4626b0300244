"""Groups of settings that several algorithms share, and how a value is refused."""

from collections.abc import Callable
from typing import Any

from ml_collections import ConfigDict

__all__ = [
    "add_augment",
    "add_data",
    "add_kmeans",
    "add_pretrain",
    "check_augment",
    "check_kmeans",
    "check_phase",
    "check_run",
    "finite",
    "one_of",
    "require",
]


def add_data(config: ConfigDict) -> None:
    """Where the data come from, and what every run has."""
    config.seed = 0
    config.n_clusters = 10
    config.init_from = ""  # a workdir whose pretrained autoencoder is taken instead of training one
    config.checkpoint_seconds = 60.0

    config.data = ConfigDict()
    config.data.name = ""  # a TFDS data set, or "digits" (comes with scikit-learn); or else:
    config.data.path = ""  # an .npz or .npy file, or a folder of images
    config.data.split = "train+test"
    config.data.labels_path = ""  # optional, for scoring only
    config.data.data_dir = ""  # where TFDS data is prepared; empty: TFDS_DATA_DIR, or TFDS's own default


def add_augment(config: ConfigDict) -> None:
    """The random images that an autoencoder is trained on."""
    config.augment = ConfigDict()
    config.augment.rotation = 10.0  # degrees, to either side
    config.augment.shift = 0.1  # of the height and width, to either side
    config.augment.stretch = 0.0  # logarithm of the factor on height and on width, to either side; not in the paper
    config.augment.shear = 0.0  # rows per column, to either side; not in the paper
    config.augment.noise = 0.0  # standard deviation; the only augmentation that feature vectors have
    config.augment.center = "true"  # of rotation; "keras": one pixel further, as in the authors' library


def add_pretrain(config: ConfigDict) -> None:
    """The autoencoder's training, as in Table 2 of ASPC-DA."""
    config.pretrain = ConfigDict()
    config.pretrain.epochs = 500
    config.pretrain.batch_size = 256
    config.pretrain.optimizer = "sgd"
    config.pretrain.learning_rate = 1.0  # belongs to the mean over features: see losses.reconstruction
    config.pretrain.momentum = 0.9
    config.pretrain.augment = True  # DA-S1 of ASPC-DA's Table 5


def add_kmeans(group: ConfigDict) -> None:
    """How k-means is run."""
    group.restarts = 20
    group.max_iterations = 300
    group.tolerance = 1e-4
    group.slack = 0.01  # how near to the best sum of squares a restart must come to be chosen by its
    # silhouette (see clusterers.kmeans); 0: by its sum of squares alone, as in the paper


def require(config: ConfigDict, field: str, allowed: str, holds: Callable[[Any], bool]) -> None:
    """Refuse a value, naming the field, what it got and what is allowed.

    Raises:
        ValueError: with one sentence.
    """
    value: Any = config
    for part in field.split("."):
        value = value[part]
    if not holds(value):
        raise ValueError(f"config.{field} must be {allowed}, got {value!r}")


def one_of(*names: str) -> tuple[str, Callable[[Any], bool]]:
    """What is allowed, and whether it holds, for `require`."""
    return " or ".join(repr(name) for name in names), lambda value: value in names


def finite(value: float) -> bool:
    """Whether a number is neither NaN nor infinite."""
    return value == value and abs(value) != float("inf")


def check_run(config: ConfigDict, num_samples: int) -> None:
    """Check what `add_data` added."""
    require(config, "n_clusters", "at least 2", lambda k: k >= 2)
    if num_samples < config.n_clusters:
        raise ValueError(
            f"config.n_clusters must be at most the number of samples, got {config.n_clusters} clusters for "
            f"{num_samples} samples"
        )
    require(config, "checkpoint_seconds", "0 or more", lambda s: s >= 0)
    require(config, "seed", "between 0 and 2**32 - 1", lambda s: 0 <= s < 2**32)


def check_augment(config: ConfigDict) -> None:
    """Check what `add_augment` added."""
    require(config, "augment.rotation", "between 0 and 180 degrees", lambda r: 0 <= r <= 180)
    require(config, "augment.shift", "a fraction between 0 and 1", lambda s: 0 <= s <= 1)
    require(config, "augment.stretch", "between 0 and 1", lambda s: 0 <= s <= 1)
    require(config, "augment.shear", "between 0 and 1", lambda s: 0 <= s <= 1)
    require(config, "augment.noise", "0 or a positive standard deviation", lambda s: finite(s) and s >= 0)
    require(config, "augment.center", *one_of("true", "keras"))


def check_phase(config: ConfigDict, phase: str) -> None:
    """Check the optimizer's settings of one phase."""
    require(config, f"{phase}.batch_size", "at least 1", lambda b: b >= 1)
    require(config, f"{phase}.optimizer", *one_of("sgd", "adam"))
    require(config, f"{phase}.learning_rate", "above 0", lambda r: finite(r) and r > 0)
    require(config, f"{phase}.momentum", "between 0 and 1, 1 excluded", lambda m: 0 <= m < 1)


def check_kmeans(config: ConfigDict, group: str) -> None:
    """Check what `add_kmeans` added."""
    require(config, f"{group}.restarts", "at least 1", lambda r: r >= 1)
    require(config, f"{group}.max_iterations", "at least 1", lambda i: i >= 1)
    require(config, f"{group}.tolerance", "0 or more", lambda t: finite(t) and t >= 0)
    require(config, f"{group}.slack", "0 or more", lambda s: finite(s) and s >= 0)
