"""clusters.parquet: what clusters.csv holds, with names as they are and the probability of each cluster."""

from pathlib import Path

import numpy as np

from jaxcluster.files import storage

__all__ = ["write_parquet"]


def write_parquet(
    file: Path,
    labels: np.ndarray,
    confidence: np.ndarray,
    names: tuple[str, ...] | None,
    probabilities: np.ndarray | None = None,
    heading: str = "file",
) -> bool:
    """Write clusters.parquet, where pyarrow is installed (the extra `tables`).

    The columns are `index`, `cluster`, `confidence`, the names where the samples have some, and `probability_0` to
    `probability_K-1` where there are probabilities. Names stand as they are, without the apostrophes of clusters.csv.
    If a name is no UTF-8, as file names may be, their column holds bytes.

    Args:
        file: to write.
        labels: [n] the cluster of each sample.
        confidence: [n].
        names: [n] what the samples are called; None: they have no names.
        probabilities: [n, k] of each cluster for each sample, or None.
        heading: of the names.

    Returns:
        Whether it was written; False without pyarrow.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        return False
    columns = {"index": np.arange(len(labels)), "cluster": np.asarray(labels), "confidence": np.asarray(confidence)}
    if names is not None:
        columns[heading] = _texts(names)
    if probabilities is not None:
        columns |= {f"probability_{k}": column for k, column in enumerate(np.ascontiguousarray(probabilities.T))}
    with storage.new_file(file) as stream:
        parquet.write_table(pyarrow.table(columns), stream)
    return True


def _texts(names: tuple[str, ...]) -> list[str] | list[bytes]:
    try:
        for name in names:
            name.encode()
    except UnicodeEncodeError:
        return [name.encode(errors="surrogateescape") for name in names]
    return list(names)
