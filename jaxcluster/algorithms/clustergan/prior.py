"""The prior of ClusterGAN's latent vectors: binary codes in disjoint blocks, and the noise that is put on them.

Notation: b samples in a batch, m units of a latent vector, c clusters, hence c blocks of about m/c units. [P1] is
Ghasedi Dizaji et al., "Balanced Self-Paced Learning for Generative Adversarial Clustering Network", CVPR 2019.
"""

import jax
import jax.numpy as jnp
import numpy as np

from jaxcluster.draws import check_position, draw_by_position

__all__ = ["block_codes", "block_means", "block_sizes", "noise_width", "noisy_codes", "sample_blocks"]

Array = jax.Array

_KINDS = ("add", "clip", "inward", "none")


def block_sizes(n_clusters: int, units: int) -> tuple[int, ...]:
    """Units of each cluster's block: m/c of them, the first m mod c blocks having one more.

    Args:
        n_clusters: c.
        units: m, at least c.

    Returns:
        c sizes that add up to m and differ by at most one.

    Raises:
        ValueError: there is no cluster, or a cluster would have no unit.

    Reference: [P1] section 3.1. Differs from the paper in allowing any m >= c: hash codes of 32 bits for 10 clusters
    need it.
    """
    if not 1 <= n_clusters <= units:
        raise ValueError(f"n_clusters must lie in 1..units = {units}, got {n_clusters}")
    size, larger = divmod(units, n_clusters)
    return (size + 1,) * larger + (size,) * (n_clusters - larger)


def block_codes(n_clusters: int, units: int, dtype=jnp.float32) -> Array:
    """The clean code of each cluster: ones on its own block, zeros elsewhere.

    Args:
        n_clusters: c.
        units: m, at least c.
        dtype: of the result.

    Returns:
        [c, m] codes, orthogonal to each other.

    Raises:
        ValueError: see `block_sizes`.

    Reference: [P1] section 3.1. The paper asks for m/c ones and for codes that are orthogonal or parallel; only
    fixed disjoint blocks are both.
    """
    return jnp.asarray(_block_of_unit(n_clusters, units)[None, :] == np.arange(n_clusters)[:, None], dtype)


def block_means(outputs: Array, n_clusters: int) -> Array:
    """Mean of the units in each block; its argmax is the block assignment of a sample.

    Args:
        outputs: [n, m] outputs of the clusterer.
        n_clusters: c.

    Returns:
        [n, c] means. Of equally large ones `argmax` takes the first.

    Raises:
        ValueError: `outputs` is not [n, m], or m < c.
    """
    if outputs.ndim != 2:
        raise ValueError(f"outputs must be [n, m], got {outputs.shape}")
    units = outputs.shape[1]
    sizes = jnp.asarray(block_sizes(n_clusters, units), outputs.dtype)
    # Sums over segments, not a product with the codes: a NaN in one block must not reach the others.
    sums = jax.ops.segment_sum(outputs.T, _block_of_unit(n_clusters, units), n_clusters, indices_are_sorted=True)
    return sums.T / sizes[None, :]


def sample_blocks(key: Array, position: Array, proportions: Array) -> Array:
    """Draw a cluster for each sample, independently, each with its own proportion.

    Args:
        key: random key of this step.
        position: [b] int, the samples' positions in the global batch: a draw belongs to its position.
        proportions: [c] >= 0, need not add up to one; 1/c each is the prior of the paper. A cluster of proportion 0
            is never drawn.

    Returns:
        [b] int32 clusters.

    Raises:
        ValueError: a shape is wrong.

    Reference: [P1] section 3.1. Differs from the paper in allowing unequal proportions: uniform blocks assume that
    the clusters are equally large.
    """
    check_position(position)
    if proportions.ndim != 1:
        raise ValueError(f"proportions must be [c], got {proportions.shape}")
    logits = jnp.log(proportions)
    return draw_by_position(jax.random.categorical, key, position, logits).astype(jnp.int32)


def noisy_codes(key: Array, codes: Array, position: Array, *, width: Array | float, kind: str = "clip") -> Array:
    """Put uniform noise on each unit of each code.

        u ~ U(0, width) per unit;   b + u  ("add"),   min(b + u, 1)  ("clip"),   |b − u|  ("inward"),   b  ("none")

    "add" is what the paper says, but its ones lie above 1, out of a sigmoid's range: the discriminator can tell the
    pairs apart by the largest unit. "clip" removes that range and leaves exact ones; "inward" leaves neither, and with
    a width up to 0.5 rounding recovers the clean code.

    Args:
        key: random key of this step.
        codes: [b, m] clean codes of zeros and ones.
        position: [b] int, the samples' positions in the global batch.
        width: scalar upper end of the noise, may be traced; see `noise_width`.
        kind: of noise, one of the four above.

    Returns:
        [b, m] noisy codes in the dtype of the codes.

    Raises:
        ValueError: `kind` is unknown or a shape is wrong.

    Reference: [P1] section 3.1 and 4 (implementation details), which say "add". The noise is not as harmless to the
    blocks as the paper has it: with 10 clusters, width 0.5 and "clip", codes of different clusters have a cosine of
    .57 in the mean, and the entropy loss pulls pairs above .5 together; at width 0.1 it is .12.
    """
    if kind not in _KINDS:
        raise ValueError(f"kind must be one of {', '.join(_KINDS)}, got {kind!r}")
    if codes.ndim != 2:
        raise ValueError(f"codes must be [b, m], got {codes.shape}")
    check_position(position)
    if kind == "none":
        return codes
    noise = draw_by_position(jax.random.uniform, key, position, codes.shape[1:], codes.dtype)
    noise = noise * jnp.asarray(width, codes.dtype)
    if kind == "inward":
        return jnp.abs(codes - noise)
    return codes + noise if kind == "add" else jnp.clip(codes + noise, 0, 1)


def noise_width(progress: Array | float, start: float = 0.5, end: float = 0.1) -> Array | float:
    """Upper end of the noise, shrinking linearly over training.

        width = start + (end − start) · progress

    Args:
        progress: share of training that is done, in [0, 1]; may be traced.
        start: width at progress 0.
        end: width at progress 1.

    Returns:
        The width, a scalar.

    Reference: [P1] section 4, implementation details (0.5 to 0.1).
    """
    return start + (end - start) * progress


def _block_of_unit(n_clusters: int, units: int) -> np.ndarray:
    return np.repeat(np.arange(n_clusters, dtype=np.int32), block_sizes(n_clusters, units))
