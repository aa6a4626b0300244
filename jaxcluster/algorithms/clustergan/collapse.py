"""Signs of collapse that need no labels: figures of an epoch, and a warning in words."""

import jax
import jax.numpy as jnp

from jaxcluster import losses

__all__ = ["figures", "warning"]

Array = jax.Array
SAMPLES = 500  # for the mean similarity
DEAD, SMALL, LARGE = 0.1, 0.6, 1.6  # a block's size over the prior's share of it
ALIKE = 0.9  # mean similarity of two samples; a uniform prior of c clusters has about 1/c
LOST = 0.05  # discriminator's loss, of log 2 where it can only guess
SCORES = {"joint": "pairs", "image": "images", "code": "codes"}
EARLY = 0.1  # share of training without warnings: every run starts with all outputs alike


def figures(outputs: Array, labels: Array, proportions: Array, key: Array) -> dict[str, Array]:
    """Block usage and similarity.

    Args:
        outputs: [n, m] of the clusterer.
        labels: [n] int32, block assignment.
        proportions: [c] of the prior.
        key: draws the samples for the mean similarity.
    """
    n, clusters = len(outputs), len(proportions)
    # A share of zero, an empty cluster of an estimated prior, counts as one sample.
    usage = jnp.bincount(labels, length=clusters) / n / jnp.maximum(proportions, 1 / n)
    some = outputs[jax.random.permutation(key, n)[:SAMPLES]]
    count = len(some)
    return {
        "mean_similarity": (jnp.sum(losses.similarity(some)) - count) / max(count * (count - 1), 1),
        "expected_similarity": jnp.sum(proportions**2),
        "dead_blocks": jnp.sum(usage < DEAD),
        "small_blocks": jnp.sum((usage >= DEAD) & (usage < SMALL)),
        "large_blocks": jnp.sum(usage > LARGE),
        "largest_block": jnp.max(usage),
        "smallest_block": jnp.min(usage),
    }


def warning(info: dict[str, float]) -> str:
    """Name what looks wrong in an epoch's figures, or return an empty string."""
    if info["progress"] < EARLY:
        return ""
    sentences = []
    if info["mean_similarity"] > max(ALIKE, 2 * info["expected_similarity"]):
        sentences.append(
            f"collapse: the outputs of any two samples are alike (mean similarity above {ALIKE}); "
            "a smaller weights.entropy or a larger weights.code may help"
        )
    for name, what in (
        ("dead_blocks", "empty or all but empty"),
        ("large_blocks", f"more than {LARGE} times as large as the prior says (clusters merged?)"),
        ("small_blocks", f"less than {SMALL} times as large as the prior says (a cluster split?)"),
    ):
        if info[name]:
            sentences.append(f"{info[name]:.0f} block{'s' if info[name] > 1 else ''} {what}")
    lost = [score for score in SCORES if info.get(f"discriminator_{score}_loss", 1.0) < LOST]
    if lost:
        what = " and ".join(SCORES[score] for score in lost)
        sentences.append(f"the discriminator tells real from drawn {what} with certainty: this score teaches nothing")
    return "; ".join(sentences)
