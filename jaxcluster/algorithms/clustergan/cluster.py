"""The last phase: k-means on the clusterer's outputs ([P1] section 4), without further training."""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from scipy.optimize import linear_sum_assignment

from jaxcluster import clusterers
from jaxcluster.algorithms.clustergan import prior
from jaxcluster.algorithms.kmeans import kmeans_from_config
from jaxcluster.algorithms.outputs import nearest_center
from jaxcluster.protocol import Outputs, Phase

__all__ = ["block_outputs", "cluster_phase", "outputs"]

Array = jax.Array


class ClusterState(NamedTuple):
    """The networks as they are, and the centers of the final clusters."""

    model: dict[str, Any]
    centers: Array  # [c, m]


def cluster_phase(kmeans, codes: Array, observe, template_model, *, batch_size: int) -> Phase:
    """Build the phase; it has no epochs, and all its work is in `begin`.

    Args:
        kmeans: settings of `groups.KMEANS`.
        codes: [c, m], clean code of each cluster.
        observe: of the phase before.
        template_model: () -> model of the phase before, as shapes.
        batch_size: of the phase before; there are no batches.
    """

    def begin(model, features, images, key: Array, poll) -> ClusterState:
        del images
        found = kmeans_from_config(kmeans, key, features["embedding"], len(codes), poll)
        return ClusterState(model, _in_order_of_blocks(found.centers, codes))

    def template() -> ClusterState:
        centers = jax.ShapeDtypeStruct(codes.shape, codes.dtype)
        return ClusterState(template_model(), centers)

    return Phase(
        name="cluster",
        epochs=0,
        batch_size=batch_size,
        begin=begin,
        beginning=f"k-means of the clusterer's outputs, {kmeans.n_init} restarts",
        step=None,
        model=lambda state: {**state.model, "centers": state.centers},
        observe=observe,
        template=template,
    )


def outputs(model: dict, features: dict) -> Outputs:
    """Nearest center of each output, with the block assignment beside it."""
    found = nearest_center(model, features)
    return found._replace(others={"blocks": _blocks(features["embedding"], len(model["centers"]))})


def block_outputs(codes: Array):
    """Build the outputs of a model that has no centers yet: the block with the largest mean."""

    def at_start(model: dict, features: dict) -> Outputs:
        del model
        means = prior.block_means(features["embedding"], len(codes))
        labels = jnp.argmax(means, axis=1).astype(jnp.int32)
        return Outputs(labels, jnp.max(means, axis=1), features["embedding"], codes)

    return at_start


@partial(jax.jit, static_argnums=1)
def _blocks(embedding: Array, clusters: int) -> Array:
    return jnp.argmax(prior.block_means(embedding, clusters), axis=1).astype(jnp.int32)


def _in_order_of_blocks(centers: Array, codes: Array) -> Array:
    """Number the clusters as the blocks that they lie nearest to, so that cluster k is what code k generates."""
    cost = clusterers.squared_distances(centers, codes)
    rows, columns = linear_sum_assignment(np.asarray(cost))
    return jnp.asarray(np.asarray(centers)[rows[np.argsort(columns)]])
