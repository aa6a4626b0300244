"""Binary codes: from outputs to bits, packed into words, and the Hamming distance between them."""

import numpy as np

__all__ = ["binarize", "hamming", "pack", "unpack"]

_WORD = 64


def binarize(codes, *, threshold: float = 0.5) -> np.ndarray:
    """Turn what a file of codes may hold into bits.

    b = 1[codes > threshold]

    Args:
      codes: [n, bits] booleans, integers 0 and 1, or floats (a clusterer's outputs).
      threshold: for floats only.

    Returns:
      [n, bits] bool. Integers other than 0 and 1 (packed codes, class labels) are an error.

    Reference: ClusterGAN (CVPR 2019), Sec. 4 (implementation details).
    """
    codes = np.asarray(codes)
    if not np.isfinite(threshold):
        raise ValueError(f"threshold must be a finite number, got {threshold}")
    if codes.ndim != 2 or 0 in codes.shape:
        raise ValueError(f"codes must have shape [n, bits] and not be empty, got {codes.shape}")
    if codes.dtype == np.bool_:
        return codes
    if codes.dtype.kind == "f":
        if not np.isfinite(codes).all():
            raise ValueError("codes must be finite, got NaN or infinity among them")
        return codes > threshold
    if codes.dtype.kind in "iu":
        if codes.min() < 0 or codes.max() > 1:
            raise ValueError(f"integer codes must be 0 or 1, got values from {codes.min()} to {codes.max()}")
        return codes == 1
    raise ValueError(f"codes must hold booleans, integers or floats, got dtype {codes.dtype}")


def pack(bits) -> np.ndarray:
    """Pack bits into 64-bit words.

    Args:
      bits: [n, bits] bool.

    Returns:
      [n, ceil(bits / 64)] uint64; what is left of the last word is zero and adds to no distance.
    """
    bits = np.asarray(bits)
    if bits.ndim != 2 or bits.dtype != np.bool_:
        raise ValueError(f"bits must be bool of shape [n, bits], got {bits.dtype} of shape {bits.shape}")
    words = -(-bits.shape[1] // _WORD)
    padded = np.zeros((len(bits), words * _WORD), np.bool_)
    padded[:, : bits.shape[1]] = bits
    return np.packbits(padded, axis=1).view(np.uint64)


def unpack(packed, bits: int) -> np.ndarray:
    """Undo `pack`.

    Args:
      packed: [n, words] uint64.
      bits: how many bits a code has.

    Returns:
      [n, bits] bool.
    """
    packed = np.ascontiguousarray(packed)
    return np.unpackbits(packed.view(np.uint8), axis=1)[:, :bits].astype(np.bool_)


def hamming(queries, gallery) -> np.ndarray:
    """Count the bits in which codes differ.

    d_qi = popcount(queries_q xor gallery_i)

    Args:
      queries: [q, words] uint64, packed.
      gallery: [n, words] uint64, packed.

    Returns:
      [q, n] uint8, or uint16 from four words on.
    """
    words = gallery.shape[1]
    if queries.shape[1] != words:
        raise ValueError(f"queries and gallery must have the same words a code, got {queries.shape[1]} and {words}")
    distance = np.zeros((len(queries), len(gallery)), np.uint8 if words * _WORD < 256 else np.uint16)
    for word in range(words):
        distance += _popcount(queries[:, word, None] ^ gallery[:, word])
    return distance


def _popcount(words: np.ndarray) -> np.ndarray:
    if hasattr(np, "bitwise_count"):
        return np.bitwise_count(words)
    return _popcount_by_table(words)


def _popcount_by_table(words: np.ndarray) -> np.ndarray:
    """For NumPy before 2.0: look up 16 bits at a time."""
    table = np.zeros(1 << 16, np.uint8)
    for bit in range(16):
        table += (np.arange(1 << 16) >> bit & 1).astype(np.uint8)
    parts = np.ascontiguousarray(words).view(np.uint16).reshape(*words.shape, 4)
    return table[parts].sum(-1, dtype=np.uint8)
