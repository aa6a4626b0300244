"""Groups of settings that several algorithms share, the rule that ties two of them, and their old names."""

from ml_collections import ConfigDict

from jaxcluster.algorithms.settings import Field, Rule, boolean, changed, number, one_of, share, text, tuple_of, whole

__all__ = [
    "AUGMENT",
    "AUTOENCODER",
    "DATA",
    "KMEANS",
    "LARGE",
    "OPTIMIZER",
    "PRETRAIN",
    "RENAMED_KMEANS",
    "RUN",
    "SIZE",
    "WIDTH",
    "WIDTHS",
    "augment_remarks",
    "check_clusters",
]

# The largest weight or standard deviation: of what is added to 1e7 times as much, float32 keeps nothing.
LARGE = 1e6
WIDTH = whole(1, 100_000)
WIDTHS = tuple_of(WIDTH, "positive widths")

_MANY = whole(1, 1_000_000)
GIVEN = Rule(
    f"{_MANY.allowed} (not 0, which is auto: this method does not find how many there are; --suggest advises on it)",
    _MANY.holds,
)

_SIDE = whole(1, 4096)
SIZE = Rule(
    f"() or a height and a width, each {_SIDE.allowed} (32 is both)",
    lambda v: isinstance(v, tuple | list) and len(v) in (0, 2) and all(map(_SIDE.holds, v)),
)

DATA = {
    "name": Field("", text(), 'a TFDS data set, or "digits" (comes with scikit-learn); or else give data.path'),
    "path": Field("", text(), "a folder of images, or an .npz, .npy, .csv, .tsv, .parquet or .h5ad file"),
    "split": Field("train+test", text(), "which part of a TFDS data set"),
    "labels_path": Field("", text(), "a file of labels, for scoring only"),
    "data_dir": Field("", text(), "where TFDS data is prepared; empty: TFDS_DATA_DIR, or TFDS's own default"),
    "size": Field((), SIZE, "that images are brought to; (): none"),
    "fit": Field("pad", one_of("pad", "crop"), "how images of another shape are brought to data.size"),
    "ground": Field("auto", one_of("auto", "white", "black"), "what is put behind transparent pixels"),
    "strict": Field(False, boolean(), "whether a file that cannot be read ends the run; else it is skipped and listed"),
    "scaling": Field(
        "auto", one_of("auto", "feature", "row", "both", "none"), "how feature vectors are scaled, see the data page"
    ),
    "id_column": Field("", text(), "heading of a table's column with the samples' names; empty: by the usual headings"),
    "label_column": Field(
        "", text(), 'heading of a table\'s column with labels; empty: by the usual ones; "none": none'
    ),
}

RUN = {
    "seed": Field(0, whole(0, 2**32 - 1), "of all random draws"),
    "n_clusters": Field(10, GIVEN, "how many clusters to find"),
    "init_from": Field("", text(), "a workdir whose pretrained autoencoder is taken instead of training one"),
    "checkpoint_seconds": Field(60.0, number(0, 1e9), "time between checkpoints, in seconds"),
    "data": DATA,
}

AUTOENCODER = {
    "hidden": Field((500, 500, 2000), WIDTHS, "widths of the encoder; the decoder mirrors them"),
    "embedding": Field(10, WIDTH, "dimensions of the embedding"),
}

AUGMENT = {  # the random images that an autoencoder is trained on
    "rotation": Field(10.0, number(0, 180, unit="degrees"), "largest angle, to either side"),
    "shift": Field(0.1, share(), "largest shift, to either side, as a share of height and width"),
    "stretch": Field(0.0, share(), "largest logarithm of the factor on height and on width; not in the paper"),
    "shear": Field(0.0, share(), "largest shear, to either side, in rows per column; not in the paper"),
    "noise": Field(0.0, number(0, LARGE), "standard deviation of the noise, all that feature vectors can have"),
    "center": Field(
        "true", one_of("true", "keras"), 'of rotation; "keras": one pixel further, as in the paper\'s code'
    ),
}

OPTIMIZER = {
    "epochs": Field(100, whole(0, 1_000_000), "how long to train"),
    "batch_size": Field(256, whole(1, 1_000_000), "samples in a step, over all devices"),
    "optimizer": Field("adam", one_of("sgd", "adam"), "how gradients are applied"),
    "learning_rate": Field(1e-3, number(0, 1e6, above=True), "of the optimizer"),
    "momentum": Field(0.9, number(0, 1, below=True), "of sgd"),
}

PRETRAIN = {  # the autoencoder's training, as in Table 2 of ASPC-DA
    # The rate belongs to the mean over features, see losses.reconstruction.
    **changed(OPTIMIZER, epochs=500, optimizer="sgd", learning_rate=1.0),
    "augment": Field(True, boolean(), "train on augmented images (DA-S1 of ASPC-DA's Table 5)"),
}

KMEANS = {
    "n_init": Field(20, whole(1, 10_000), "k-means runs from different seeds, of which one is kept"),
    "max_iterations": Field(300, whole(1, 1_000_000), "of one run"),
    "tolerance": Field(1e-4, number(0, 1e6), "a run ends when its centers move less, relative to the variance"),
    "inertia_tolerance": Field(
        0.01,
        number(0, 1e6),
        "of the runs whose sum of squares is that near to the best, relative to it, the one with the best silhouette "
        "is kept; 0: the one with the least sum of squares",
    ),
}

RENAMED_KMEANS = {"restarts": "n_init", "slack": "inertia_tolerance"}


def check_clusters(config: ConfigDict, num_samples: int) -> None:
    """Refuse more clusters than samples.

    Raises:
        ValueError: with one sentence.
    """
    if num_samples < config.n_clusters:
        raise ValueError(
            f"config.n_clusters must be at most the number of samples, got {config.n_clusters} clusters for "
            f"{num_samples} samples"
        )


def augment_remarks(augment: ConfigDict, sample_shape: tuple[int, ...], *, used: bool) -> list[str]:
    """Say what is left of augmentation on feature vectors; `used` is whether any phase augments."""
    if len(sample_shape) == 3:
        return []
    if used and augment.noise > 0:
        rest = (
            f"augmentation is Gaussian noise of standard deviation {augment.noise:g}, where all features together are "
            "scaled to [0, 1]"
        )
    else:
        rest = "augmentation is off (config.augment.noise adds Gaussian noise)"
    return [f"feature vectors cannot be rotated or shifted: {rest}"]
