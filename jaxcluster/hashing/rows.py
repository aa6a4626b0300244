"""The vectors to hash: checked, flattened, and taken in blocks so that memory stays bounded."""

from collections.abc import Iterator

import numpy as np

__all__ = ["as_rows", "blocks", "centered_product", "check_bits"]

_NUMBERS_AT_ONCE = 1 << 22


def as_rows(argument: str, X) -> np.ndarray:
    """Check vectors and flatten images.

    Args:
      argument: its name in the caller, for the message.
      X: [n, d] or [n, ...]; floats, integers or booleans.

    Returns:
      [n, d] of the dtype it came with.
    """
    X = np.asarray(X)
    if X.ndim < 2 or 0 in X.shape:
        raise ValueError(f"{argument} must have shape [n, d] and not be empty, got {X.shape}")
    if X.dtype.kind not in "fiub":
        raise ValueError(f"{argument} must hold numbers, got dtype {X.dtype}")
    if X.dtype.kind == "f" and not all(np.isfinite(block).all() for _, block in blocks(X)):
        raise ValueError(f"{argument} must be finite, got NaN or infinity among them")
    return X.reshape(len(X), -1)


def check_bits(bits: int, at_most: int | None = None, reason: str = "") -> None:
    """Check the length of the codes.

    Args:
      bits: what was asked for.
      at_most: what the method offers, None for any.
      reason: why, for the message.
    """
    if bits < 1 or (at_most is not None and bits > at_most):
        allowed = "at least 1" if at_most is None else f"between 1 and {at_most} ({reason})"
        raise ValueError(f"bits must be {allowed}, got {bits}")


def blocks(X) -> Iterator[tuple[slice, np.ndarray]]:
    """Cut the rows into blocks.

    Args:
      X: [n, ...].

    Yields:
      (slice, X[slice]).
    """
    step = max(1, _NUMBERS_AT_ONCE // max(1, X[0].size))
    for start in range(0, len(X), step):
        rows = slice(start, min(start + step, len(X)))
        yield rows, X[rows]


def centered_product(X, mean, directions) -> np.ndarray:
    """Project centered vectors.

    (X - mean) W

    Args:
      X: [n, d].
      mean: [d].
      directions: W [d, b].

    Returns:
      [n, b] float64.
    """
    if X.shape[1] != len(mean):
        raise ValueError(f"X must have the {len(mean)} columns that were fitted, got {X.shape[1]}")
    out = np.empty((len(X), directions.shape[1]))
    for rows, block in blocks(X):
        out[rows] = (block - mean) @ directions
    return out
