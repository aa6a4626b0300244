"""The settings of ASPC-DA: defaults as in the paper's Table 2, and the check of what a user made of them."""

from functools import partial

from ml_collections import ConfigDict

from jaxcluster.algorithms import settings

__all__ = ["check", "get_config", "remarks"]


def get_config() -> ConfigDict:
    """One setting for all data sets, as the paper insists; a config file fills in `data` and little else."""
    config = ConfigDict()
    config.algorithm = "aspc"
    settings.add_data(config)

    config.network = ConfigDict()
    config.network.hidden = (500, 500, 2000)
    config.network.embedding = 10

    settings.add_augment(config)
    settings.add_pretrain(config)

    config.initial = ConfigDict()  # the initial clustering of the embeddings
    config.initial.method = "kmeans"
    settings.add_kmeans(config.initial)

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
    require = partial(settings.require, config)
    one_of = settings.one_of
    settings.check_run(config, num_samples)
    require("network.hidden", "a tuple of positive widths", lambda w: all(isinstance(v, int) and v > 0 for v in w))
    require("network.embedding", "at least 1", lambda d: d >= 1)
    settings.check_augment(config)
    require("pretrain.epochs", "0 or more", lambda e: e >= 0)
    require("finetune.epochs", "0 or more, or -1 to train until finetune.tolerance is met", lambda e: e >= -1)
    require("finetune.age_epochs", "0 or more", lambda e: e >= 0)
    require("finetune.tolerance", "between 0 and 1", lambda d: 0 <= d < 1)
    if config.finetune.epochs == -1 and config.finetune.tolerance == 0:
        raise ValueError("config.finetune.tolerance must be above 0 when config.finetune.epochs is -1, got 0")
    require("finetune.weights_on", *one_of("clean", "augmented"))
    require("finetune.mean_over", *one_of("selected", "all"))
    settings.check_phase(config, "pretrain")
    settings.check_phase(config, "finetune")
    require("initial.method", "'kmeans'", lambda m: m == "kmeans")
    settings.check_kmeans(config, "initial")


def remarks(config: ConfigDict, sample_shape: tuple[int, ...]) -> list[str]:
    """What a user should know of these settings on this data before the run starts."""
    if len(sample_shape) == 3:
        return []
    noise = config.augment.noise if config.pretrain.augment or config.finetune.augment else 0
    with_noise = (
        f"augmentation is Gaussian noise of standard deviation {noise:g}, where all features together are scaled to "
        "[0, 1]"
    )
    without = "augmentation is off (config.augment.noise adds Gaussian noise)"
    return [f"feature vectors cannot be rotated or shifted: {with_noise if noise > 0 else without}"]
