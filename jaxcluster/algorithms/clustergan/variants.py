"""Variants of ClusterGAN: the paper alone, then each extension added, and the paper's ablations of the whole.

`paper` sets what the paper says and none of the extensions. Where the paper is silent or cannot be meant, it keeps the
default: clipped noise (added noise gives codes that no sigmoid output has), the non-saturating loss, the entropy loss
as a mean over pairs, self-paced weights once an epoch, and epochs, batch size and family of the networks as the config
says. `printed` takes Algorithm 1 by the letter instead: added noise, the minimax form, the entropy loss as a sum over
the pairs of a sample, and weights that are solved in each batch. Each of `STEPS` after it changes one thing more, and
the last is the default of `get_config`. `ABLATIONS` take one of the paper's parts out of that ([P1] Fig. 2), and
`no_entropy` the whole of Eq. 3. `wide` varies images in more ways than the default does; with `sharp` the
discriminator's noise shrinks in training, so that the generator must draw better; with `diverse` its images of a
cluster must vary as the real ones do. `fraction` and `warm_up` are controls of self-paced learning: the share that is
selected grows in a straight line (for balanced and plain weights the same number then), and the entropy loss is faded
in over the time that selecting would take. Variants can be joined: `views+no_spl` is the step before the pseudo-labels,
without self-paced learning.
"""

from ml_collections import ConfigDict

__all__ = ["ABLATIONS", "STEPS", "VARIANTS", "apply_variant"]

VARIANTS = {
    "printed": "Algorithm 1 by the letter",
    "paper": "the paper alone",
    "rates": "+ larger learning rates, and a running mean of the clusterer",
    "codes": "+ clean codes of one unit a cluster, style units and a normalized last layer",
    "scores": "+ scores of the image and of the code alone, and the cycle",
    "views": "+ rotated, shifted and virtual adversarial images",
    "recipe": "+ pseudo-labels of an initial clustering at first, which is the default",
    "no_gan": "the default without adversarial training",
    "no_spl": "the default without self-paced weights",
    "plain_spl": "the default with self-paced weights that are not balanced",
    "no_consistency": "the default without the consistency loss",
    "no_entropy": "the default without the entropy loss",
    "wide": "images are stretched and sheared, too",
    "sharp": "the discriminator's noise shrinks in training",
    "diverse": "generated images of a cluster vary as much as the real ones",
    "fraction": "the share that is selected grows in a straight line, not the age",
    "warm_up": "the entropy loss is faded in",
}
STEPS = ("printed", "paper", "rates", "codes", "scores", "views", "recipe")
ABLATIONS = ("no_gan", "no_spl", "plain_spl", "no_consistency", "no_entropy")


def apply_variant(config: ConfigDict, name: str) -> ConfigDict:
    """Change the defaults to those of a variant.

    Args:
        config: the defaults; changed in place.
        name: one of `VARIANTS`, or several with "+" between: at most one of `STEPS`, at the beginning.

    Returns:
        The config.

    Raises:
        ValueError: a name is unknown, or one of `STEPS` does not stand at the beginning.
    """
    for index, part in enumerate(name.split("+")):
        if part not in VARIANTS:
            raise ValueError(
                f"the variant must be one of {', '.join(VARIANTS)}, or some of them joined by +, got {name!r}"
            )
        if part in STEPS and index > 0:
            raise ValueError(f"of joined variants only the first can be {part}, got {name!r}")
        if part in STEPS:
            _reach(config, part)
        elif part in ABLATIONS:
            _ablate(config, part)
        elif part in _CHANGES:
            _CHANGES[part](config)
        else:
            for group in (config.augment, config.consistency):
                group.stretch = group.shear = 0.15
    return config


def _reach(config: ConfigDict, name: str) -> None:
    """Take back what the steps after this one add."""
    stage = STEPS.index(name)
    if stage < STEPS.index("recipe"):  # without the initial clustering
        config.initial.method = "none"
        config.weights.pseudo_labels = 0.0
    if stage < STEPS.index("views"):  # noise as the only variation, as the paper has it for digits, and weight 1
        config.consistency.noise = 0.1
        for variation in ("rotation", "shift", "stretch", "shear", "virtual"):
            config.consistency[variation] = 0.0
        config.weights.consistency = 1.0
    if stage < STEPS.index("scores"):  # one score, of the pair, and no cycle
        config.weights.joint = 1.0
        for term in ("image", "code", "cycle", "cycle_generator"):
            config.weights[term] = 0.0
    if stage < STEPS.index("codes"):  # ten noisy units a cluster, no style, a plain last layer
        config.m = 10 * config.n_clusters
        config.network.head = "plain"
        config.network.code_noise = 0.0
        config.prior.noise, config.prior.style = "clip", 0
    if stage < STEPS.index("rates"):  # the printed rates, and the last clusterer instead of a running mean
        config.adversarial.learning_rate, config.adversarial.learning_rate_end = 1e-4, 1e-5
        config.adversarial.average = 0.0

    if stage < STEPS.index("paper"):
        config.prior.noise, config.adversarial.form, config.pace.scope = "add", "minimax", "batch"
        config.weights.entropy = config.adversarial.batch_size - 1.0  # the sum over the pairs of a sample


def _sharpen(config: ConfigDict) -> None:
    config.network.noise_end = 0.2


def _diversify(config: ConfigDict) -> None:
    config.weights.diversity = 1.0


def _select_by_number(config: ConfigDict) -> None:
    config.pace.schedule = "fraction"


def _fade_in(config: ConfigDict) -> None:
    config.warm_up.entropy = config.pace.full_at


_CHANGES = {"sharp": _sharpen, "diverse": _diversify, "fraction": _select_by_number, "warm_up": _fade_in}


def _ablate(config: ConfigDict, name: str) -> None:
    if name == "no_gan":
        for term in ("joint", "image", "code", "cycle", "cycle_generator"):
            config.weights[term] = 0.0
    elif name == "no_spl":
        config.pace.method = "none"
    elif name == "plain_spl":
        config.pace.method = "plain"
    elif name == "no_entropy":
        config.weights.entropy = 0.0
    else:
        config.weights.consistency = 0.0
