"""The settings of ASPC-DA, with the defaults of the paper's Table 2, and the rules that tie several of them."""

from ml_collections import ConfigDict

from jaxcluster.algorithms import groups, settings
from jaxcluster.algorithms.settings import Field, boolean, changed, number, one_of, whole

__all__ = ["FIELDS", "RENAMED", "check", "remarks"]

FIELDS = {  # one setting for all data sets, as the paper insists; a config file fills in `data` and little else
    "algorithm": Field("aspc", one_of("aspc"), "which method"),
    **groups.RUN,
    "network": groups.AUTOENCODER,
    "augment": groups.AUGMENT,
    "pretrain": groups.PRETRAIN,
    "initial": {  # the initial clustering of the embeddings
        "method": Field(
            "kmeans",
            one_of("kmeans", "spectral", "block_model", "ward", "mixture", "rcc"),
            "how the embeddings are clustered at first (Table 6); the last one finds the number of clusters itself",
        ),
        **groups.KMEANS,
    },
    "finetune": {
        **changed(groups.OPTIMIZER, learning_rate=1e-4),
        "epochs": Field(
            100, whole(-1, 1_000_000), "T; 0 stops after the initial clustering, -1 trains until `tolerance` is met"
        ),
        "age_epochs": Field(
            0, whole(0, 1_000_000), "T of Eq. 10, over which the age parameter grows; 0: `epochs` (100 if that is -1)"
        ),
        "tolerance": Field(
            1e-3, number(0, 1, below=True), "δ of Eq. 18: stop when fewer labels than this share change; 0: never"
        ),
        "augment": Field(True, boolean(), "train on augmented images (DA-S2 of Table 5)"),
        "self_paced": Field(True, boolean(), "select samples (ASP of Table 5); False: every sample has weight 1"),
        "weights_on": Field(
            "clean",
            one_of("clean", "augmented"),
            'images whose losses the weights come from; "augmented" is the printed Eq. 16',
        ),
        "mean_over": Field(
            "selected", one_of("selected", "all"), 'divisor of the batch loss; "all" is the printed Eq. 17'
        ),
    },
}

RENAMED = {f"initial.{old}": f"initial.{new}" for old, new in groups.RENAMED_KMEANS.items()}


def check(config: ConfigDict, num_samples: int) -> None:
    """Refuse settings that cannot work, naming the field, what it got and what is allowed.

    Raises:
        ValueError: with one sentence.
    """
    settings.check(config, FIELDS)
    groups.check_clusters(config, num_samples)
    if config.finetune.epochs == -1 and config.finetune.tolerance == 0:
        raise ValueError("config.finetune.tolerance must be above 0 when config.finetune.epochs is -1, got 0")


def remarks(config: ConfigDict, sample_shape: tuple[int, ...]) -> list[str]:
    """What a user should know of these settings on this data before the run starts."""
    used = config.pretrain.augment or config.finetune.augment
    return groups.augment_remarks(config.augment, sample_shape, used=used)
