"""Pictures of a run: NumPy arrays in, PNG files out; blind to every other room.

Each function draws one picture and returns its `matplotlib.figure.Figure`, or None if there is nothing to
draw. With a `path`, or a binary stream, the picture is also written there as PNG. No function touches pyplot or any
other global state, so they work without a display and from threads. matplotlib and scikit-learn are imported inside
the functions.
"""

from jaxcluster.plots import confusion, curves, embedding, n_clusters, reliability, samples, similarity, typical

__all__ = ["confusion", "curves", "embedding", "n_clusters", "reliability", "samples", "similarity", "typical"]
