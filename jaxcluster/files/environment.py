"""What decides a run's figures besides its settings and its data: precision, random numbers, versions, processors."""

import importlib.metadata
import os
from typing import Any

import jax

__all__ = ["describe", "differences"]

# Under another one of these a checkpoint cannot be gone on from: other types, or other draws from the same seed.
_DECISIVE = {
    "x64": "jax_enable_x64",
    "prng": "jax_default_prng_impl",
    "threefry_partitionable": "jax_threefry_partitionable",
}


def describe() -> dict[str, Any]:
    """The environment of this process as JSON data."""
    found: dict[str, Any] = {name: getattr(jax.config, option) for name, option in _DECISIVE.items()}
    found["matmul_precision"] = jax.config.jax_default_matmul_precision
    found["platform"] = jax.default_backend()
    found["cores"] = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return found | {name: importlib.metadata.version(name) for name in ("jax", "jaxlib", "numpy")}


def differences(old: dict[str, Any], new: dict[str, Any]) -> tuple[str, str]:
    """Compare the environment that a run began in with that of now.

    Returns:
        (refusal, remark): why the run cannot be gone on with, and what may change its last digits; each is empty if
        there is nothing. What the older one did not record counts as equal.
    """
    changed = [name for name in old if name in new and old[name] != new[name]]
    refused = [f"{_DECISIVE[name]} was {old[name]!r}, now {new[name]!r}" for name in changed if name in _DECISIVE]
    others = [f"{name} was {old[name]!r}, now {new[name]!r}" for name in changed if name not in _DECISIVE]
    names = " and ".join(_DECISIVE[name].upper() for name in changed if name in _DECISIVE)
    refusal = f"{'; '.join(refused)}. Set {names} as it was, or name another --workdir" if refused else ""
    remark = f"{'; '.join(others)}: the results may differ from those of an unbroken run" if others else ""
    return refusal, remark
