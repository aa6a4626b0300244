"""Strict settings for every test: several CPU devices, no silent broadcasting, warnings are errors."""

import os
import tempfile

# Before JAX starts: a device count set later is ignored.
os.environ.setdefault("JAX_PLATFORMS", "cpu")
# The tests' programs run for milliseconds and compile for seconds: compile them without optimizing.
os.environ["XLA_FLAGS"] = (
    "--xla_backend_optimization_level=0 "
    + os.environ.get("XLA_FLAGS", "")
    + " --xla_force_host_platform_device_count=8"
)
# What one test or worker has compiled, the others take from here; the process that starts the workers makes it.
if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
    _cache = tempfile.TemporaryDirectory(prefix="jaxcluster-tests-")
    os.environ["JAX_COMPILATION_CACHE_DIR"] = _cache.name
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
os.environ.setdefault("MPLBACKEND", "agg")
os.environ.setdefault("OMP_NUM_THREADS", "1")  # t-SNE's threads spin against each other when tests run side by side

import jax

jax.config.update("jax_numpy_rank_promotion", "raise")
