"""How many clusters do data have? Advice from the graph of similar samples, with a picture."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import jax

from jaxcluster import clusterers, data, plots

__all__ = ["suggest_for", "suggest_n_clusters"]


def suggest_n_clusters(
    images: Any,
    *,
    image_shape: tuple[int, ...] | None = None,
    min_clusters: int = 2,
    max_clusters: int = 20,
    random_state: int = 0,
    picture: str | Path | None = None,
) -> clusterers.Suggestion:
    """Suggest a number of clusters, and name other numbers at which the data fall apart as well.

        suggestion = jaxcluster.suggest_n_clusters(images, picture="n_clusters.png")
        print(suggestion.sentence)

    The graph of nearest neighbors (of images under small warps, of feature vectors by shared neighbors) is partitioned
    into each number of clusters. Three figures are compared: what one more cluster adds to the likelihood of the
    degree-corrected block model, the description length, and the prediction strength over subsamples. It is advice: on
    digits the suggestion is within one of the number of classes, on tables it can be far too large; see
    `algorithms/viewgraph/README.md` for figures.

    Args:
        images: [n, h, w], [n, h, w, c] or [n, d].
        image_shape: (h, w) or (h, w, c) of flat images [n, d].
        min_clusters: the smallest number that is tried.
        max_clusters: the largest.
        random_state: seed of all draws.
        picture: a PNG file to draw the three curves in; None: none.

    Returns:
        `clusterers.Suggestion`: `n_clusters`, `resolutions`, `sentence`, and the curves.

    Raises:
        DataError: the data cannot be used.
        ValueError: the range of numbers is empty.
    """
    dataset = data.from_arrays(images, image_shape=image_shape)
    return suggest_for(
        dataset, min_clusters=min_clusters, max_clusters=max_clusters, random_state=random_state, picture=picture
    )


def suggest_for(
    dataset: data.Dataset,
    *,
    min_clusters: int = 2,
    max_clusters: int = 20,
    random_state: int = 0,
    picture: str | Path | None = None,
    told: Callable[[str, int, int], None] = lambda what, done, total: None,
) -> clusterers.Suggestion:
    """Suggest a number of clusters for a data set, as `suggest_n_clusters` does for arrays.

    `told` is told how far each part is: its name, the device calls that are done, and how many there are.
    """
    samples = (dataset.images - dataset.offset) * dataset.scale
    make = clusterers.view_graph if samples.ndim == 4 else clusterers.vector_graph
    found = clusterers.suggest_n_clusters(
        jax.random.key(random_state),
        make(samples, report=partial(told, "graph")),
        min_clusters=min_clusters,
        max_clusters=max_clusters,
        report=partial(told, "partitions"),
    )
    if picture is not None:
        plots.n_clusters.n_clusters(
            found.counts,
            found.gains,
            found.description_lengths,
            found.prediction_strengths,
            picture,
            chosen=found.n_clusters,
            resolutions=found.resolutions,
            sentence=found.sentence,
        )
    return found
