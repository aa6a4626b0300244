"""Pairwise similarities sorted by cluster: a good clustering shows as bright blocks on the diagonal."""

import numpy as np

from jaxcluster.plots import canvas

__all__ = ["block_diagonal"]


def block_diagonal(similarity, path=None, *, clusters=None, title: str = "pairwise similarity"):
    """Draw a similarity matrix, its rows and columns sorted by cluster.

    Args:
      similarity: [m, m] similarities of m samples.
      path: where to write the PNG, or None.
      clusters: [m] the cluster of each sample, by which rows and columns are sorted and divided; None keeps
      the order.
      title: above the picture. With clusters the mean similarity within and between them is added.

    Returns:
      The Figure. The colors go from 0 (or the negative of the largest size, if there are negative values) to
      the largest size, at least 1.
    """
    similarity = np.asarray(similarity, dtype=np.float64)
    m = len(similarity)
    if m == 0 or similarity.shape != (m, m):
        raise ValueError(f"similarity must have shape [m, m] and not be empty, got {similarity.shape}")
    texts = [canvas.plain(title, limit=60)]
    fig = canvas.figure(5.6, 5.0)
    axes = fig.add_subplot()
    if clusters is not None:
        clusters = canvas.names_of("clusters", clusters, m)
        order = np.argsort(clusters, kind="stable")
        similarity = similarity[np.ix_(order, order)]
        names, starts, sizes = np.unique(clusters[order], return_index=True, return_counts=True)
        texts.append(_contrast(similarity, clusters[order]))
        if len(names) <= 60:
            for start in starts[1:]:
                axes.axhline(start - 0.5, color="white", linewidth=0.4)
                axes.axvline(start - 0.5, color="white", linewidth=0.4)
        shown = sizes >= 0.025 * m  # a name needs room
        centers = (starts + (sizes - 1) / 2)[shown]
        ticks = [canvas.plain(name, limit=10) for name in names[shown].tolist()]
        axes.set_xticks(centers, ticks, rotation=90 if any(len(tick) > 3 for tick in ticks) else 0)
        axes.set_yticks(centers, ticks)
        axes.set_xlabel("samples by cluster")
        axes.set_ylabel("samples by cluster")
    else:
        axes.set_xlabel("sample")
        axes.set_ylabel("sample")
    largest = max(1.0, float(np.nanmax(np.abs(similarity), initial=0.0)))
    negative = bool((similarity < -1e-6).any())
    picture = axes.imshow(
        similarity, cmap="RdBu_r" if negative else "viridis", vmin=-largest if negative else 0.0, vmax=largest
    )
    fig.colorbar(picture, ax=axes, shrink=0.8, pad=0.02).ax.tick_params(labelsize=8)
    axes.set_title("\n".join(filter(None, texts)), fontsize=10)
    axes.tick_params(labelsize=8, length=2)
    return canvas.finish(fig, path)


def _contrast(similarity: np.ndarray, clusters: np.ndarray) -> str:
    same = clusters[:, None] == clusters
    other = ~same
    np.fill_diagonal(same, False)
    parts = [
        f"{word} clusters {similarity[mask].mean():.3f}"
        for word, mask in (("within", same), ("between", other))
        if mask.any()
    ]
    return f"mean: {', '.join(parts)}" if parts else ""
