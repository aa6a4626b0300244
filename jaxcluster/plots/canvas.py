"""What all pictures share: a figure without global state, the colors of groups, the writing of the file."""

import numpy as np

__all__ = ["DPI", "figure", "finish", "group_colors", "names_of", "plain", "rows_of", "tidy"]

DPI = 120

# Ten colors that stay apart under the common color-vision deficiencies: M. Petroff's ten (2021), with one
# of its two grays made black, the other gray and the cyan shifted, which widens the smallest distances.
_TEN = (
    "#3f90da", "#ffa90e", "#bd1f01", "#8a9a98", "#832db6",
    "#a96b59", "#e76300", "#b9ac70", "#1c1c24", "#7ddfe0",
)  # fmt: skip


def figure(width: float, height: float):
    """Make an empty figure of the given size in inches on an Agg canvas of its own.

    Args:
      width: inches.
      height: inches.

    Returns:
      A matplotlib Figure with constrained layout; its PNG measures round(width * DPI) x round(height * DPI)
      pixels.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    fig = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
    fig.get_layout_engine().set(w_pad=0.06, h_pad=0.06)
    FigureCanvasAgg(fig)
    return fig


def finish(fig, path):
    """Write the figure as PNG if there is a path, and hand it on.

    Args:
      fig: a Figure.
      path: a file name, a binary stream, or None.

    Returns:
      The same Figure.
    """
    if path is not None:
        fig.savefig(path, format="png", dpi=DPI)
    return fig


def group_colors(n_groups: int) -> np.ndarray:
    """Give each group a color.

    Args:
      n_groups: how many.

    Returns:
      [n_groups, 4] RGBA. Up to ten come from a color-blind-safe palette, the next ten are darker tones of it
      (a scatter tells them apart by marker as well); more are spread over a rainbow, where neighbors get
      distant hues.
    """
    import matplotlib
    from matplotlib.colors import to_rgba_array

    if n_groups <= 2 * len(_TEN):
        ten = to_rgba_array(_TEN)
        return np.concatenate([ten, ten * (0.65, 0.65, 0.65, 1.0)])[:n_groups]
    positions = (np.arange(n_groups) * 0.6180339887498949) % 1.0  # golden ratio: evenly spread at any count
    ranks = positions.argsort().argsort() / (n_groups - 1)
    return matplotlib.colormaps["turbo"](0.04 + 0.92 * ranks)


def rows_of(points):
    """Take rows that a picture shows a part of.

    Args:
      points: [n, ...] an array or nested lists; or what has the shape of an array and gives rows by their positions,
        so that rows that are not shown need not be made.

    Returns:
      The same; lists as an array.
    """
    return points if hasattr(points, "shape") else np.asarray(points)


def plain(text, *, limit: int = 28) -> str:
    """Make a name safe to show: no formula mode, no line breaks, at most `limit` characters.

    Args:
      text: anything with a str.
      limit: in characters.

    Returns:
      A string for matplotlib.
    """
    text = " ".join(str(text).split())
    text = text if len(text) <= limit else text[: limit - 1] + "…"
    return text.replace("$", r"\$")


def names_of(argument: str, values, n: int) -> np.ndarray:
    """Check an array of one group name per sample.

    Args:
      argument: its name in the caller, for the message.
      values: [n] integers or strings.
      n: how many there must be.

    Returns:
      [n] array.
    """
    values = np.asarray(values)
    if values.shape != (n,):
        raise ValueError(f"{argument} must have shape [{n}], got {values.shape}")
    return values


def tidy(axes, *, xlabel: str = "", ylabel: str = "", title: str = "") -> None:
    """Label the axes and take away what carries nothing: the upper and right frame, strong grid lines.

    Args:
      axes: the Axes.
      xlabel: text under it.
      ylabel: text beside it.
      title: text above it.
    """
    axes.set_xlabel(xlabel)
    axes.set_ylabel(ylabel)
    axes.set_title(title, fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(True, color="0.9", linewidth=0.6)
    axes.set_axisbelow(True)
