"""The table of classes against clusters as a picture."""

import numpy as np

from jaxcluster.plots import canvas

__all__ = ["confusion"]

_COUNTS_UP_TO = 20
_NAMES_UP_TO = 60


def confusion(matrix, path=None, *, row_names=None, column_names=None, title: str = ""):
    """Draw a contingency table, colored by the share of each class that a cluster holds.

    Args:
      matrix: [classes, clusters] counts, with columns in the order of their matched classes (as
        `metrics.matched_table` gives it); need not be square.
      path: where to write the PNG, or None.
      row_names: [classes] names of the given classes; numbers by default.
      column_names: [clusters] names of the clusters; numbers by default.
      title: first line above the picture. Below it stands the share of samples on the diagonal.

    Returns:
      The Figure. Counts stand in the cells up to 20 classes and clusters.
    """
    matrix = np.asarray(matrix)
    if matrix.ndim != 2 or 0 in matrix.shape:
        raise ValueError(f"matrix must have shape [classes, clusters] and not be empty, got {matrix.shape}")
    rows, columns = matrix.shape
    row_names = _checked("row_names", row_names, rows)
    column_names = _checked("column_names", column_names, columns)
    share = matrix / np.maximum(matrix.sum(1, keepdims=True), 1)
    cell = 0.5 if max(rows, columns) <= _COUNTS_UP_TO else 8.0 / max(rows, columns)
    fig = canvas.figure(max(columns * cell, 2.6) + 2.3, max(rows * cell, 2.0) + 1.4)
    axes = fig.add_subplot()
    picture = axes.imshow(share, cmap="Blues", vmin=0.0, vmax=1.0, aspect="equal", interpolation="nearest")
    colorbar = fig.colorbar(picture, ax=axes, shrink=0.8, pad=0.02)
    colorbar.set_label("share of the class", fontsize=9)
    colorbar.ax.tick_params(labelsize=8)
    diagonal = f"{np.trace(matrix) / max(matrix.sum(), 1):.1%} of {matrix.sum():,} samples on the diagonal"
    axes.set_title("\n".join(filter(None, [canvas.plain(title, limit=60), diagonal])), fontsize=10)
    axes.set_xlabel("cluster (matched)")
    axes.set_ylabel("given class (scoring only)")
    _name_ticks(axes.xaxis, column_names)
    _name_ticks(axes.yaxis, row_names)
    if any(len(name) > 3 for name in column_names):
        axes.tick_params(axis="x", rotation=90)
    if max(rows, columns) <= _COUNTS_UP_TO:
        digits = len(f"{matrix.max():,}")
        for j, k in zip(*np.nonzero(matrix), strict=True):
            color = "white" if share[j, k] > 0.55 else "black"
            axes.text(
                k,
                j,
                f"{matrix[j, k]:,}",
                ha="center",
                va="center",
                color=color,
                fontsize=8 if digits < 6 else 6,
            )
    axes.tick_params(length=2, labelsize=8 if max(rows, columns) <= 30 else 6)
    return canvas.finish(fig, path)


def _checked(argument: str, names, n: int) -> list[str]:
    names = [canvas.plain(name, limit=16) for name in (range(n) if names is None else np.asarray(names).tolist())]
    if len(names) != n:
        raise ValueError(f"{argument} must have {n} names, got {len(names)}")
    return names


def _name_ticks(axis, names: list[str]) -> None:
    step = -(-len(names) // _NAMES_UP_TO)
    axis.set_ticks(range(0, len(names), step), names[::step])
