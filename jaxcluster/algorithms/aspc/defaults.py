"""The settings of ASPC-DA: defaults as in the paper's Table 2, and the check of what a user made of them."""

from typing import Any

from ml_collections import ConfigDict

__all__ = ["check", "get_config", "remarks"]


def get_config() -> ConfigDict:
    """One setting for all data sets, as the paper insists; a config file fills in `data` and little else."""
    config = ConfigDict()
    config.algorithm = "aspc"
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

    config.network = ConfigDict()
    config.network.hidden = (500, 500, 2000)
    config.network.embedding = 10

    config.augment = ConfigDict()
    config.augment.rotation = 10.0  # degrees, to either side
    config.augment.shift = 0.1  # of the height and width, to either side
    config.augment.noise = 0.0  # standard deviation; the only augmentation that feature vectors have
    config.augment.center = "true"  # of rotation; "keras": one pixel further, as in the authors' library

    config.pretrain = ConfigDict()
    config.pretrain.epochs = 500
    config.pretrain.batch_size = 256
    config.pretrain.optimizer = "sgd"
    config.pretrain.learning_rate = 1.0  # belongs to the mean over features: see losses.reconstruction
    config.pretrain.momentum = 0.9
    config.pretrain.augment = True  # DA-S1 of Table 5

    config.initial = ConfigDict()  # the initial clustering of the embeddings
    config.initial.method = "kmeans"
    config.initial.restarts = 20
    config.initial.max_iterations = 300
    config.initial.tolerance = 1e-4
    config.initial.slack = 0.01  # how near to the best sum of squares a restart must come to be chosen by its
    # silhouette (see clusterers.kmeans); 0: by its sum of squares alone, as in the paper

    config.finetune = ConfigDict()
    config.finetune.epochs = 100  # T; 0 stops after the initial clustering, -1 trains until `tolerance` is met
    config.finetune.age_epochs = 0  # T of Eq. 10, over which the age parameter grows; 0: `epochs` (100 if that is -1)
    config.finetune.batch_size = 256
    config.finetune.optimizer = "adam"
    config.finetune.learning_rate = 1e-4
    config.finetune.momentum = 0.9  # for sgd
    config.finetune.tolerance = 1e-3  # δ of Eq. 18: stop when fewer labels than this share change; 0: never
    config.finetune.augment = True  # DA-S2 of Table 5
    config.finetune.self_paced = True  # ASP of Table 5; False: every sample has weight 1
    config.finetune.weights_on = "clean"  # losses that the weights come from; "augmented" is the printed Eq. 16
    config.finetune.mean_over = "selected"  # divisor of the batch loss; "all" is the printed Eq. 17
    return config


def check(config: ConfigDict, num_samples: int) -> None:
    """Refuse settings that cannot work, naming the field, what it got and what is allowed.

    Raises:
        ValueError: with one sentence.
    """

    def require(field: str, allowed: str, holds) -> None:
        value: Any = config
        for part in field.split("."):
            value = value[part]
        if not holds(value):
            raise ValueError(f"config.{field} must be {allowed}, got {value!r}")

    def one_of(*names: str):
        return " or ".join(repr(name) for name in names), lambda value: value in names

    def finite(value: float) -> bool:
        return value == value and abs(value) != float("inf")

    require("n_clusters", "at least 2", lambda k: k >= 2)
    if num_samples < config.n_clusters:
        raise ValueError(
            f"config.n_clusters must be at most the number of samples, got {config.n_clusters} clusters for "
            f"{num_samples} samples"
        )
    require("network.hidden", "a tuple of positive widths", lambda w: all(isinstance(v, int) and v > 0 for v in w))
    require("network.embedding", "at least 1", lambda d: d >= 1)
    require("augment.rotation", "between 0 and 180 degrees", lambda r: 0 <= r <= 180)
    require("augment.shift", "a fraction between 0 and 1", lambda s: 0 <= s <= 1)
    require("augment.noise", "0 or a positive standard deviation", lambda s: finite(s) and s >= 0)
    require("augment.center", *one_of("true", "keras"))
    require("pretrain.epochs", "0 or more", lambda e: e >= 0)
    require("finetune.epochs", "0 or more, or -1 to train until finetune.tolerance is met", lambda e: e >= -1)
    require("finetune.age_epochs", "0 or more", lambda e: e >= 0)
    require("finetune.tolerance", "between 0 and 1", lambda d: 0 <= d < 1)
    if config.finetune.epochs == -1 and config.finetune.tolerance == 0:
        raise ValueError("config.finetune.tolerance must be above 0 when config.finetune.epochs is -1, got 0")
    require("finetune.weights_on", *one_of("clean", "augmented"))
    require("finetune.mean_over", *one_of("selected", "all"))
    for phase in ("pretrain", "finetune"):
        require(f"{phase}.batch_size", "at least 1", lambda b: b >= 1)
        require(f"{phase}.optimizer", *one_of("sgd", "adam"))
        require(f"{phase}.learning_rate", "above 0", lambda r: finite(r) and r > 0)
        require(f"{phase}.momentum", "between 0 and 1, 1 excluded", lambda m: 0 <= m < 1)
    require("initial.method", "'kmeans'", lambda m: m == "kmeans")
    require("initial.restarts", "at least 1", lambda r: r >= 1)
    require("initial.max_iterations", "at least 1", lambda i: i >= 1)
    require("initial.tolerance", "0 or more", lambda t: finite(t) and t >= 0)
    require("initial.slack", "0 or more", lambda s: finite(s) and s >= 0)
    require("checkpoint_seconds", "0 or more", lambda s: s >= 0)
    require("seed", "between 0 and 2**32 - 1", lambda s: 0 <= s < 2**32)


def remarks(config: ConfigDict, sample_shape: tuple[int, ...]) -> list[str]:
    """What a user should know of these settings on this data before the run starts."""
    if len(sample_shape) == 3:
        return []
    noise = config.augment.noise
    with_noise = f"augmentation is Gaussian noise of standard deviation {noise}"
    without = "augmentation is off (config.augment.noise adds Gaussian noise)"
    return [f"feature vectors cannot be rotated or shifted: {with_noise if noise > 0 else without}"]
