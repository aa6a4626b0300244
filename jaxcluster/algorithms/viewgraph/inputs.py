"""How stored samples become inputs of the network, clean and in a random view.

What is subtracted and divided by is learnt from the data once, in `fit`, and belongs to the model: new samples are
treated alike.

* Images: a random affine warp, then less the mean image, times 2.
* Feature vectors: each feature standardized; more than `MOST_COLUMNS` are reduced to 50 principal axes. A view is a
  step of random length towards a random neighbor in the graph, and a random part of the features set to their mean.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxcluster import augment, clusterers

__all__ = ["MOST_COLUMNS", "Inputs", "Neighborhood", "make_inputs"]

Array = jax.Array
Frame = dict[str, Array]

MOST_COLUMNS, AXES = 300, 50  # as clusterers.vector_neighbors has them
MEMBERS_APART = 2**20  # between the positions of two members' draws; no batch is larger


class Neighborhood(NamedTuple):
    """Where the views of feature vectors may step to."""

    index: Array  # [b, m] int32, neighbors of the samples of a batch
    edges: Array  # [b, m], their weights, adding up to 1
    points: Array  # [n, d], inputs of all samples


class Inputs(NamedTuple):
    """How stored samples become inputs of the network."""

    shape: tuple[int, ...]  # of one input
    frame: dict[str, jax.ShapeDtypeStruct]  # shapes of what `fit` gives
    fit: Callable[[np.ndarray], Frame]
    """All samples as stored -> what is subtracted and divided by."""
    clean: Callable[[Frame, Array], Array]
    """(frame, samples as stored [b, ...]) -> [b, *shape]."""
    view: Callable[..., Array]
    """(frame, key, samples, position [b], strength, neighbors=None) -> [b, *shape]; `neighbors` is a `Neighborhood` or
    None for no step, and a strength of 0 leaves feature vectors as they are."""


def make_inputs(config, sample_shape: tuple[int, ...], offset: float, scale: float) -> Inputs:
    """Build the inputs for images (h, w, c) or feature vectors (d,).

    Args:
        config: `config.augment`.
        sample_shape: of one sample.
        offset: what is subtracted from stored values, and
        scale: what the difference is multiplied by, to bring pixels into [0, 1].
    """

    def scaled(samples: Array) -> Array:
        return (samples.astype(jnp.zeros(()).dtype) - offset) * scale

    if len(sample_shape) == 3:
        return _image_inputs(config, tuple(sample_shape), scaled)
    return _vector_inputs(config, sample_shape[0], scaled)


def _image_inputs(config, shape: tuple[int, ...], scaled) -> Inputs:
    affine = {name: config[name] for name in ("rotation", "shift", "stretch", "shear")}

    def fit(images: np.ndarray) -> Frame:
        mean = np.mean(images, axis=0, dtype=np.float64)
        return {"mean": scaled(jnp.asarray(mean))}

    def centered(frame: Frame, x: Array) -> Array:
        return 2 * (x - frame["mean"][None])

    def view(frame: Frame, key: Array, images: Array, position: Array, strength=1.0, neighbors=None) -> Array:
        del strength, neighbors
        warped = augment.random_affine(key, scaled(images), position, **affine)
        # Without the barrier XLA fuses the warp into each of its users and computes it several times.
        return centered(frame, jax.lax.optimization_barrier(warped))

    return Inputs(shape, _kinds(mean=shape), fit, lambda frame, images: centered(frame, scaled(images)), view)


def _vector_inputs(config, columns: int, scaled) -> Inputs:
    wide = columns > MOST_COLUMNS

    def fit(points: np.ndarray) -> Frame:
        points = np.asarray(scaled(jnp.asarray(points)))
        spread = points.std(axis=0, dtype=np.float64)
        factor = np.where(spread > 0, 1 / np.where(spread > 0, spread, 1), 0)
        frame = {"mean": points.mean(axis=0, dtype=np.float64), "factor": factor}
        if wide:
            axes = clusterers.principal_axes((points - frame["mean"]) * factor, AXES)
            projected = ((points - frame["mean"]) * factor) @ axes.axes
            matrix = np.zeros((columns, AXES))
            matrix[:, : axes.axes.shape[1]] = axes.axes / max(projected.std(), 1e-12)
            frame["axes"] = matrix
        return {name: jnp.asarray(value, points.dtype) for name, value in frame.items()}

    def clean(frame: Frame, points: Array) -> Array:
        x = (scaled(points) - frame["mean"][None]) * frame["factor"][None]
        return jnp.matmul(x, frame["axes"], precision="highest") if wide else x

    def view(frame: Frame, key: Array, points: Array, position: Array, strength=1.0, neighbors=None) -> Array:
        x = clean(frame, points)
        # All of a sample's draws at once: every further call of the generator takes long to compile.
        unit = jax.vmap(lambda p: jax.random.uniform(jax.random.fold_in(key, p), (2 + x.shape[1],), x.dtype))(position)
        if neighbors is not None:
            near = _drawn(neighbors, unit[:, :1])
            x = x + strength * config.step * unit[:, 1:2] * (near - x)
        return jnp.where(unit[:, 2:] < strength * config.masked, 0, x)

    kinds = _kinds(mean=(columns,), factor=(columns,), **({"axes": (columns, AXES)} if wide else {}))
    return Inputs((AXES if wide else columns,), kinds, fit, clean, view)


def _drawn(neighbors: Neighborhood, unit: Array) -> Array:
    """One neighbor of each sample by its weight, given uniform numbers [b, 1]: [b, d]."""
    place = jnp.sum(jnp.cumsum(neighbors.edges, axis=1) < unit, axis=1, keepdims=True)
    place = jnp.minimum(place, neighbors.edges.shape[1] - 1)
    return neighbors.points[jnp.take_along_axis(neighbors.index, place, axis=1)[:, 0]]


def _kinds(**shapes: tuple[int, ...]) -> dict[str, jax.ShapeDtypeStruct]:
    return {name: jax.ShapeDtypeStruct(shape, jnp.zeros(()).dtype) for name, shape in shapes.items()}
