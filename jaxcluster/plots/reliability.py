"""The reliability curve: of the samples with a given confidence, how many are in the right cluster."""

import numpy as np

from jaxcluster.plots import canvas

__all__ = ["reliability"]


def reliability(confidence, accuracy, counts, path=None, *, title: str = ""):
    """Draw accuracy over confidence; on the diagonal a confidence means what it says.

    Args:
      confidence: [bins] mean confidence of each bin (as `metrics.reliability` gives it); NaN where a bin is empty.
      accuracy: [bins] share of its samples in the right cluster; NaN where it is empty.
      counts: [bins] samples in each bin.
      path: where to write the PNG, or None.
      title: first line above the picture. Below it stands the expected calibration error.

    Returns:
      The Figure, or None if all bins are empty. The area of a dot grows with the samples of its bin.
    """
    confidence, accuracy, counts = (np.asarray(values, np.float64) for values in (confidence, accuracy, counts))
    if not confidence.shape == accuracy.shape == counts.shape or counts.ndim != 1:
        shapes = f"{confidence.shape}, {accuracy.shape} and {counts.shape}"
        raise ValueError(f"confidence, accuracy and counts must be of one shape [bins], got {shapes}")
    filled = counts > 0
    if not filled.any():
        return None
    confidence, accuracy, shares = confidence[filled], accuracy[filled], counts[filled] / counts.sum()
    error = float(np.sum(shares * np.abs(confidence - accuracy)))
    fig = canvas.figure(4.4, 4.2)
    axes = fig.add_subplot()
    axes.plot([0, 1], [0, 1], color="0.6", linewidth=1, linestyle="--")
    axes.plot(confidence, accuracy, color=canvas.group_colors(1)[0], linewidth=1.2)
    axes.scatter(confidence, accuracy, s=12 + 300 * shares, color=canvas.group_colors(1), zorder=3)
    axes.set_xlim(-0.03, 1.03)
    axes.set_ylim(-0.03, 1.03)
    error_line = f"expected calibration error {error:.3f} of {int(counts.sum()):,} samples"
    lines = "\n".join(filter(None, [canvas.plain(title, limit=60), error_line]))
    canvas.tidy(axes, xlabel="confidence", ylabel="share in the right cluster (scoring only)", title=lines)
    return canvas.finish(fig, path)
