"""Strict settings for every test: several CPU devices, no silent broadcasting, warnings are errors."""

import gc
import importlib.metadata
import os
import pathlib
import shutil
import sys

# Before JAX starts: a device count set later is ignored.
os.environ.setdefault("JAX_PLATFORMS", "cpu")
_flags = ["--xla_force_host_platform_device_count=8"]
_measured = "bench" in sys.argv  # pytest -m bench: as a user's programs are compiled
if not _measured:  # the tests' programs run for milliseconds and compile for seconds: compile them without optimizing
    _flags += ["--xla_backend_optimization_level=0"]
if not _measured and importlib.metadata.version("jaxlib").startswith("0.10."):  # XLA ends at a flag it does not know
    _flags += ["--xla_cpu_use_fusion_emitters=false", "--xla_cpu_parallel_codegen_split_count=1"]
# A worker has the flags of the process that started it. Twice the same flag would be another key of the cache below.
_given = os.environ.get("XLA_FLAGS", "").split()
os.environ["XLA_FLAGS"] = " ".join([*_given, *(flag for flag in _flags if flag not in _given)])
# What one test, worker or earlier call of pytest has compiled, the others take from here.
if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
    _programs = pathlib.Path(__file__).parents[1] / ".pytest_cache" / "programs"
    # The process that starts the workers comes first. A thousand new programs a day would fill the disk.
    if _programs.exists() and sum(file.stat().st_size for file in _programs.iterdir()) > 400e6:
        shutil.rmtree(_programs)
    os.environ["JAX_COMPILATION_CACHE_DIR"] = str(_programs)
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
os.environ.setdefault("MPLBACKEND", "agg")
os.environ.setdefault("OMP_NUM_THREADS", "1")  # t-SNE's threads spin against each other when tests run side by side

import jax  # noqa: E402

jax.config.update("jax_numpy_rank_promotion", "raise")


def pytest_configure(config):
    """The tests of a file share fixtures and compiled programs: with several workers, one of them runs a whole file."""
    if getattr(config.option, "dist", "no") == "load":
        config.option.dist = "loadfile"


def pytest_collection_finish(session):
    """What has been imported by now stays: looking through it at every collection takes half a second."""
    gc.collect()
    gc.freeze()
