"""Gaussian mixture by expectation-maximization, started from k-means.

    max over π, m, Σ of   Σ_i log Σ_k π_k N(x_i; m_k, Σ_k)

The iterations are scikit-learn's.

Reference: Dempster, Laird & Rubin, JRSS B 1977; [P2] Table 6.
"""

import warnings
from typing import NamedTuple

import jax
import numpy as np

from jaxcluster.clusterers.kmeans import check_points

__all__ = ["Mixture", "gaussian_mixture", "seed_of"]


class Mixture(NamedTuple):
    """The start with the largest likelihood."""

    labels: np.ndarray  # [n] int32, the component with the largest posterior
    centers: np.ndarray  # [k, d] means of the components
    covariances: np.ndarray  # [k, d, d] float64, or as `covariance` has it in scikit-learn
    weights: np.ndarray  # [k] float64, adding up to 1
    responsibilities: np.ndarray  # [n, k] float64, posteriors
    log_likelihood: float  # mean over the points
    converged: bool


def gaussian_mixture(
    key: jax.Array,
    points: np.ndarray,
    n_clusters: int,
    *,
    covariance: str = "full",
    starts: int = 1,
    max_iterations: int = 100,
    tolerance: float = 1e-3,
    regularization: float = 1e-6,
) -> Mixture:
    """Cluster points by a mixture of Gaussians.

    Args:
        key: random key of the k-means that starts it.
        points: [n, d] float, finite, n >= n_clusters; computed in float64 about their mean.
        n_clusters: k.
        covariance: "full", "tied", "diag" or "spherical".
        starts: independent ones, of which the likeliest is kept.
        max_iterations: bound on the iterations of a start.
        tolerance: a start ends when the mean log-likelihood rises by less, in nats.
        regularization: added to the variances, in squared units of the points.

    Returns:
        `Mixture`. A component may hold no point as its likeliest.

    Raises:
        ValueError: a shape is wrong, there are fewer points than clusters, or a point is not finite.

    An iteration costs O(n k d²) in time with full covariances, the result O(n k + k d²) in memory.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    points = np.asarray(points)
    check_points(points, n_clusters)
    middle = points.mean(axis=0, dtype=np.float64)
    away = points - middle
    model = GaussianMixture(
        n_clusters,
        covariance_type=covariance,
        n_init=starts,
        max_iter=max_iterations,
        tol=tolerance,
        reg_covar=regularization,
        random_state=seed_of(key),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # said by `converged`
        model.fit(away)
    posteriors = model.predict_proba(away)
    return Mixture(
        labels=posteriors.argmax(axis=1).astype(np.int32),
        centers=(model.means_ + middle).astype(points.dtype),
        covariances=model.covariances_,
        weights=model.weights_,
        responsibilities=posteriors,
        log_likelihood=float(model.score(away)),
        converged=bool(model.converged_),
    )


def seed_of(key: jax.Array) -> int:
    """Seed of another library's generator from a JAX key."""
    return int(jax.random.randint(key, (), 0, 2**31 - 1))
