"""Consistency: a sample and its variation should have the same output; and the variation that changes it most.

[P1] is Ghasedi Dizaji et al., "Balanced Self-Paced Learning for Generative Adversarial Clustering Network", CVPR 2019.
[VAT] is Miyato et al., "Virtual Adversarial Training: A Regularization Method for Supervised and Semi-Supervised
Learning", TPAMI 2019.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from jaxcluster.draws import draw_by_position
from jaxcluster.losses.rows import check_rows, mask_padding

__all__ = ["consistency", "virtual_adversarial"]

Array = jax.Array


def consistency(outputs: Array, other: Array, *, valid: Array | None = None) -> Array:
    """Squared distance between the outputs for a sample and for its variation, summed over the units.

        l_i = ‖C(x_i) − C(x̃_i)‖²

    The same function is the cycle loss, with C(G(z)) against the code that z was made from.

    Args:
        outputs: [b, m] C(x).
        other: [b, m] C(x̃); the gradient flows into both, unless the caller stops it.
        valid: [b] bool; padding gets 0 and no gradient. May be left out if padding is finite.

    Returns:
        [b] losses.

    Raises:
        ValueError: the shapes differ or are not [b, m].

    Reference: [P1] Eq. 7. Differs from the paper only in leaving the mean over the batch to `weighted_mean`.
    """
    check_rows(outputs=outputs, other=other)
    return jnp.sum(jnp.square(mask_padding(outputs, valid) - mask_padding(other, valid)), axis=1)


def virtual_adversarial(
    key: Array,
    forward: Callable[[Array], Array],
    x: Array,
    position: Array,
    *,
    radius: Array | float,
    step: float = 10.0,
    iterations: int = 1,
    divergence: str = "kl",
    valid: Array | None = None,
) -> Array:
    """Move each sample by a given length in the direction that changes its output most.

        d ← unit vector of  ∇_d  Σ_i div( f(x_i), f(x_i + step · d_i) ),    x' = x + radius · d

    starting at a random unit vector d, for `iterations` rounds. With a small step this is the power iteration for the
    largest eigenvector of the divergence's Hessian at x; a large step finds the direction that is worst far away.

    Args:
        key: random key of this step.
        forward: x -> [b, m] probabilities of m independent units. Each row of its result should depend on its own
            row of x; where it does not (batch normalization in training), the direction serves the whole batch.
        x: [b, ...] float.
        position: [b] int, the samples' positions in the global batch: the random start belongs to these.
        radius: scalar or [b], length of the move in the units of x; see `neighbor_distance`.
        step: ξ, length of the trial move.
        iterations: of the power iteration; each costs a forward and a backward pass.
        divergence: "kl", Σ_u KL(Bernoulli(p_u) ‖ Bernoulli(q_u)), or "square", ‖p − q‖² as in `consistency`.
        valid: [b] bool; padding enters no sum, so that it changes no direction where rows depend on each other.

    Returns:
        [b, ...] x', without gradient. A sample whose gradient is zero or not finite takes its random start.

    Raises:
        ValueError: an option or a shape is wrong.

    Reference: [VAT] section 3.3 and Algorithm 1, which take a small ξ; for pixels in [0, 1] a step of 10 is far
    beyond the quadratic range. [P1] has no adversarial variation: its own are noise, shifts and flips.
    """
    if divergence not in ("kl", "square"):
        raise ValueError(f"divergence must be 'kl' or 'square', got {divergence!r}")
    if iterations < 1:
        raise ValueError(f"iterations must be at least 1, got {iterations}")
    if position.ndim != 1 or x.shape[:1] != position.shape:
        raise ValueError(f"position must be [b] for x of shape {x.shape}, got {position.shape}")
    if jnp.shape(radius) not in ((), position.shape):
        raise ValueError(f"radius must be a scalar or [b] = {list(position.shape)}, got {jnp.shape(radius)}")
    distance = _bernoulli_divergence if divergence == "kl" else _square
    clean = jax.lax.stop_gradient(forward(x))

    def total(moved):
        return jnp.sum(mask_padding(distance(clean, forward(moved)), valid))

    start = draw_by_position(jax.random.normal, key, position, x.shape[1:], x.dtype)
    direction = start = _unit(start, jnp.zeros_like(start))
    for _ in range(iterations):
        direction = _unit(jax.grad(total)(x + step * direction), start)
    length = jnp.broadcast_to(jnp.asarray(radius, x.dtype), position.shape)
    return jax.lax.stop_gradient(x + _per_sample(length, x) * direction)


def _unit(vectors: Array, otherwise: Array) -> Array:
    """Each row divided by its length; the row of `otherwise` where the length is zero or not finite."""
    axes = tuple(range(1, vectors.ndim))
    largest = jnp.max(jnp.abs(vectors), axis=axes, keepdims=True)
    some = jnp.isfinite(largest) & (largest > 0)
    # Divide by the largest entry first: the squares of a gradient of 1e-20 would all be zero.
    scaled = jnp.where(some, vectors, 1) / jnp.where(some, largest, 1)
    return jnp.where(some, scaled / jnp.sqrt(jnp.sum(jnp.square(scaled), axis=axes, keepdims=True)), otherwise)


def _bernoulli_divergence(p: Array, q: Array) -> Array:
    edge = 1e-6 if p.dtype == jnp.float32 else 1e-12  # a unit that is exactly 0 or 1 has no finite logarithm
    p, q = jnp.clip(p, edge, 1 - edge), jnp.clip(q, edge, 1 - edge)
    return p * (jnp.log(p) - jnp.log(q)) + (1 - p) * (jnp.log1p(-p) - jnp.log1p(-q))


def _square(p: Array, q: Array) -> Array:
    return jnp.square(p - q)


def _per_sample(values: Array, like: Array) -> Array:
    return values.reshape((-1,) + (1,) * (like.ndim - 1))
