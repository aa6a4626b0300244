"""Strict settings for every test: several CPU devices, no silent broadcasting, warnings are errors."""

import os

# Before JAX starts: a device count set later is ignored.
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ["XLA_FLAGS"] = os.environ.get("XLA_FLAGS", "") + " --xla_force_host_platform_device_count=8"
os.environ.setdefault("MPLBACKEND", "agg")
os.environ.setdefault("OMP_NUM_THREADS", "1")  # t-SNE's threads spin against each other when tests run side by side

import jax

jax.config.update("jax_numpy_rank_promotion", "raise")
