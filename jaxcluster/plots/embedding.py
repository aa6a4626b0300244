"""Two-dimensional views of points: principal components and t-SNE, colored by given labels or by cluster."""

import math

import numpy as np

from jaxcluster.plots import canvas

__all__ = ["pca", "pca_panels", "principal_coordinates", "subset", "tsne"]

_IN_LEGEND = 20


def subset(n: int, *, at_most: int = 2000, seed: int = 0) -> np.ndarray:
    """Choose which samples a scatter shows: all, or a fixed random part of them.

    Args:
      n: how many there are.
      at_most: the cap.
      seed: decides the draw; the same n and seed give the same samples in every picture.

    Returns:
      [min(n, at_most)] positions in random order, so that no group is drawn over all others.
    """
    return np.random.default_rng(seed).permutation(n)[:at_most]


def principal_coordinates(points, dimensions: int = 2) -> np.ndarray:
    """Project centered points on their leading principal components.

    Y = (X - mean) V,   V the eigenvectors of the covariance with the largest eigenvalues

    Args:
      points: [n, d] or [n, ...], flattened.
      dimensions: how many components.

    Returns:
      [n, dimensions] float64; zeros where n or d offers fewer components. A component's sign is chosen so
      that its coordinate of largest size is positive.
    """
    points = np.asarray(points, dtype=np.float64)
    points = points.reshape(len(points), -1)
    centered = points - points.mean(0)
    n, d = centered.shape
    if n < d:  # the smaller of the two symmetric matrices has the same spectrum
        values, vectors = np.linalg.eigh(centered @ centered.T)
        coordinates = vectors * np.sqrt(np.maximum(values, 0.0))
    else:
        _, vectors = np.linalg.eigh(centered.T @ centered)
        coordinates = centered @ vectors
    coordinates = coordinates[:, ::-1][:, :dimensions]
    top = np.abs(coordinates).argmax(0)
    coordinates = coordinates * np.where(coordinates[top, np.arange(len(top))] < 0, -1.0, 1.0)
    return np.pad(coordinates, ((0, 0), (0, dimensions - coordinates.shape[1])))


def pca(points, path=None, *, labels=None, clusters=None, title: str = "PCA", at_most: int = 2000, seed: int = 0):
    """Scatter points in the plane of their two leading principal components.

    Args:
      points: [n, d] or [n, ...]; the components are those of the points shown.
      path: where to write the PNG, or None.
      labels: [n] given labels for the colors, or None.
      clusters: [n] clusters for the colors if there are no labels, or None.
      title: above the picture; the meaning of the colors is added to it.
      at_most: how many points are shown.
      seed: decides which.

    Returns:
      The Figure, or None if there are no points.

    Reference: ASPC-DA (TKDE 2019), Figs. 5a to 5d.
    """
    return pca_panels({"": points}, path, labels=labels, clusters=clusters, title=title, at_most=at_most, seed=seed)


def pca_panels(
    panels, path=None, *, labels=None, clusters=None, title: str = "PCA", at_most: int = 2000, seed: int = 0
):
    """Scatter several representations of the same samples side by side, each in its own principal plane.

    Args:
      panels: dict {title: points [n, ...]}, for example pixels, embedding at the start, embedding at the end; only
        the points that are shown are asked for, see `canvas.rows_of`.
      path: where to write the PNG, or None.
      labels: [n] given labels for the colors, or None.
      clusters: [n] clusters for the colors if there are no labels, or None.
      title: above all panels; the meaning of the colors is added to it.
      at_most: how many points are shown; the same samples in every panel.
      seed: decides which.

    Returns:
      The Figure, or None if there is nothing to show.

    Reference: ASPC-DA (TKDE 2019), Fig. 5; ClusterGAN (CVPR 2019), Fig. 3.
    """
    panels = {name: canvas.rows_of(points) for name, points in panels.items()}
    sizes = {len(points) for points in panels.values()}
    if len(sizes) > 1:
        raise ValueError(f"panels must all have the same number of points, got {sorted(sizes)}")
    if not sizes or sizes == {0}:
        return None
    n = sizes.pop()
    shown = subset(n, at_most=at_most, seed=seed)
    drawn = {name: principal_coordinates(_finite(np.asarray(points[shown]))) for name, points in panels.items()}
    return _scatter(drawn, path, labels, clusters, n, shown, title, ("component 1", "component 2"))


def tsne(points, path=None, *, labels=None, clusters=None, title="t-SNE", at_most: int = 2000, seed: int = 0):
    """Scatter points by t-SNE, which keeps neighborhoods and not distances.

    Args:
      points: [n, d] or [n, ...]; beyond 50 dimensions their leading 50 principal components are used.
      path: where to write the PNG, or None.
      labels: [n] given labels for the colors, or None.
      clusters: [n] clusters for the colors if there are no labels, or None.
      title: above the picture; the meaning of the colors is added to it.
      at_most: how many points are shown; 2,000 take some seconds.
      seed: decides which, and t-SNE's own draws.

    Returns:
      The Figure, or None if there are fewer than five points or they are all equal.

    Reference: van der Maaten and Hinton (2008), Visualizing data using t-SNE; ASPC-DA (TKDE 2019), Fig. 5e.
    """
    points = np.asarray(points)
    n = len(points)
    shown = subset(n, at_most=at_most, seed=seed)
    if len(shown) < 5:
        return None
    chosen = _finite(points[shown])
    chosen = chosen.reshape(len(shown), -1)
    if (chosen == chosen[0]).all():
        return None
    from sklearn.manifold import TSNE

    reduced = principal_coordinates(chosen, min(50, chosen.shape[1]))
    reduced /= reduced.std(0).max()
    start = principal_coordinates(reduced) * 1e-4 / reduced[:, 0].std()
    perplexity = min(30.0, (len(shown) - 1) / 3)
    placed = TSNE(perplexity=perplexity, init=start, random_state=seed).fit_transform(reduced)
    return _scatter({"": placed}, path, labels, clusters, n, shown, title, ("", ""))


def _finite(points: np.ndarray) -> np.ndarray:
    if not np.isfinite(points).all():
        raise ValueError("points must be finite, got NaN or infinity among them")
    return points


def _scatter(drawn, path, labels, clusters, n, shown, title, axis_names):
    if labels is not None:
        groups, meaning = canvas.names_of("labels", labels, n), "colored by given labels (scoring only)"
    elif clusters is not None:
        groups, meaning = canvas.names_of("clusters", clusters, n), "colored by cluster"
    else:
        groups, meaning = np.zeros(n, int), ""
    names, numbers = np.unique(groups, return_inverse=True)
    colors = canvas.group_colors(len(names))
    count = f"{len(shown):,} of {n:,} samples" if len(shown) < n else f"{n:,} samples"
    fig = canvas.figure(4.0 * len(drawn) + 0.9, 4.1)
    fig.suptitle("\n".join([canvas.plain(title, limit=70), ", ".join(filter(None, [meaning, count]))]), fontsize=10)
    size = float(np.clip(600 / math.sqrt(len(shown) + 1), 7, 40))
    for position, (name, points) in enumerate(drawn.items()):
        axes = fig.add_subplot(1, len(drawn), position + 1)
        for marker, members in _by_marker(numbers[shown], len(names)):
            axes.scatter(
                *points[members].T,
                c=colors[numbers[shown][members]],
                s=size,
                marker=marker,
                alpha=0.75,
                linewidths=0,
            )
        canvas.tidy(axes, xlabel=axis_names[0], ylabel=axis_names[1], title=canvas.plain(name, limit=40))
        axes.tick_params(labelsize=8)
        if not axis_names[0]:
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set(visible=True, color="0.7")
    if meaning and len(names) <= _IN_LEGEND:
        _legend(fig, names, colors)
    return canvas.finish(fig, path)


def _by_marker(numbers: np.ndarray, n_groups: int):
    """Circles for the first ten groups, triangles for the next; circles for all where there is no legend."""
    if n_groups > _IN_LEGEND:
        return [("o", np.arange(len(numbers)))]
    parts = [("o", np.flatnonzero(numbers < 10)), ("^", np.flatnonzero(numbers >= 10))]
    return [(marker, members) for marker, members in parts if len(members)]


def _legend(fig, names, colors) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D(
            [],
            [],
            linestyle="",
            marker="o" if k < 10 else "^",
            markersize=6,
            color=color,
            label=canvas.plain(name),
        )
        for k, (name, color) in enumerate(zip(names.tolist(), colors, strict=True))
    ]
    fig.legend(handles=handles, loc="outside right center", fontsize=8, frameon=False)
