"""The folder of compiled programs: whose it is, and what a kill or a full one costs."""

import os
import subprocess
import sys
import zlib
from pathlib import Path

import jax
import pytest

from jaxcluster.runtime import compilation

PROGRAM = """
import sys, warnings
warnings.simplefilter("error")
import jax, jax.numpy as jnp
from jaxcluster.runtime import compilation
compilation.enable_compilation_cache(print)
print(float(jax.jit(lambda x: (jnp.sin(x) @ x.T).sum())(jnp.ones((8, 8)))))
"""


@pytest.fixture
def no_cache_yet(monkeypatch, tmp_path):
    """As in a process whose user has set up nothing, with a home in tmp_path."""
    names = ("jax_compilation_cache_dir", "jax_persistent_cache_min_compile_time_secs")
    before = {name: getattr(jax.config, name) for name in names}
    jax.config.update("jax_compilation_cache_dir", None)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    yield
    for name, value in before.items():
        jax.config.update(name, value)


def told():
    said = []
    compilation.enable_compilation_cache(said.append)
    return said


@pytest.mark.parametrize("where", ["a/folder", ""])
def test_a_cache_that_the_user_has_set_up_is_left_as_it_is(where, no_cache_yet, tmp_path):
    jax.config.update("jax_compilation_cache_dir", where)  # as JAX_COMPILATION_CACHE_DIR does; empty: none is wanted
    seconds = jax.config.jax_persistent_cache_min_compile_time_secs
    assert told() == []
    assert jax.config.jax_compilation_cache_dir == where
    assert jax.config.jax_persistent_cache_min_compile_time_secs == seconds
    assert list(tmp_path.iterdir()) == []


def test_who_has_switched_caches_off_gets_none(no_cache_yet, tmp_path):
    jax.config.update("jax_enable_compilation_cache", False)
    try:
        assert told() == []
    finally:
        jax.config.update("jax_enable_compilation_cache", True)
    assert jax.config.jax_compilation_cache_dir is None


@pytest.mark.parametrize(
    ("xdg", "base"), [(None, ".cache"), ("", ".cache"), ("relative", ".cache"), ("{}/other", "other")]
)
def test_where_it_lies(xdg, base, no_cache_yet, monkeypatch, tmp_path):
    """As the XDG specification says: a relative XDG_CACHE_HOME is not to be looked at."""
    if xdg is not None:
        monkeypatch.setenv("XDG_CACHE_HOME", xdg.format(tmp_path))
    assert told() == []
    folder = Path(jax.config.jax_compilation_cache_dir)
    assert folder.parent == tmp_path / base / "jaxcluster"
    assert folder.stat().st_mode & 0o077 == 0
    assert jax.config.jax_persistent_cache_min_compile_time_secs == 0


def test_another_kind_of_processor_has_another_folder(no_cache_yet, monkeypatch):
    here = compilation.cache_folder()
    monkeypatch.setattr(compilation, "_processor", lambda: "flags: of an older one")
    assert compilation.cache_folder() != here


def test_a_folder_that_cannot_be_written_costs_one_sentence(no_cache_yet, tmp_path):
    (tmp_path / ".cache").write_text("")
    said = told()
    assert len(said) == 1
    assert said[0].startswith("compiled programs are not kept, the next start compiles again: ")
    assert str(tmp_path / ".cache") in said[0]
    assert jax.config.jax_compilation_cache_dir is None


def test_no_home_costs_one_sentence(no_cache_yet, monkeypatch):
    def home():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", home)
    assert len(told()) == 1
    assert jax.config.jax_compilation_cache_dir is None


def entry(folder, name, size, age, whole=True):
    content = zlib.compress(os.urandom(size))
    file = folder / f"{name}-cache"
    file.write_bytes(content if whole else content[:-5])
    written = file.stat().st_mtime - age
    os.utime(file, (written, written))
    return file


def test_what_a_kill_cut_short_is_dropped_and_the_rest_kept(tmp_path):
    whole, cut, nothing = entry(tmp_path, "a", 99, 0), entry(tmp_path, "b", 99, 0, whole=False), tmp_path / "c-cache"
    nothing.write_bytes(b"")
    other = tmp_path / "somebody's"
    other.write_text("")
    compilation.tidy(tmp_path)
    later = entry(tmp_path, "d", 99, 0, whole=False)
    assert (whole.exists(), cut.exists(), nothing.exists(), other.exists()) == (True, False, False, True)
    compilation.tidy(tmp_path)
    assert (whole.exists(), later.exists()) == (True, False)


def test_the_oldest_give_way(tmp_path):
    files = [entry(tmp_path, str(age), 1000, 100 * age) for age in (3, 0, 2, 1)]
    compilation.tidy(tmp_path, limit=2500)
    assert [file.exists() for file in files] == [False, True, False, True]


def test_half_an_entry_is_compiled_again_without_a_word(tmp_path):
    """JAX would warn of it at every start, and never replace it."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("JAX_COMPILATION")}
    environment |= {"XDG_CACHE_HOME": str(tmp_path), "XLA_FLAGS": "", "PYTHONPATH": os.pathsep.join(sys.path)}

    def start():
        done = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True)
        sizes = {file.name: file.stat().st_size for file in tmp_path.rglob("*-cache")}
        return (done.returncode, done.stdout, done.stderr), sizes

    first, sizes = start()
    assert first[0] == 0, first
    assert sizes
    for file in tmp_path.rglob("*-cache"):
        file.write_bytes(file.read_bytes()[: sizes[file.name] // 2])
    again, repaired = start()
    assert again == first
    assert repaired.keys() == sizes.keys()
    assert all(abs(repaired[name] - sizes[name]) < 100 for name in sizes)


@pytest.mark.parametrize("above", [0, 1, 2])
@pytest.mark.parametrize("mode", [0o777, 0o770, 0o702])
def test_a_folder_that_others_can_write_is_not_used(no_cache_yet, above, mode):
    """Who writes there decides what this user's runs execute; so does who can rename the folders above it."""
    folder = compilation.cache_folder()
    folder.mkdir(parents=True)
    for path in (folder, *folder.parents[:2]):
        path.chmod(0o755)
    loose = (folder, *folder.parents)[above]
    loose.chmod(mode)
    said = told()
    assert len(said) == 1
    assert said[0].endswith(f"{loose} can be written by others (mode {mode:03o}); chmod go-w it")
    assert jax.config.jax_compilation_cache_dir is None
    loose.chmod(0o755)
    assert told() == []


def test_a_folder_of_somebody_else_is_not_used(no_cache_yet, monkeypatch):
    folder = compilation.cache_folder()
    folder.mkdir(parents=True)
    monkeypatch.setattr(os, "geteuid", lambda: folder.stat().st_uid + 1)
    said = told()
    assert len(said) == 1
    assert "belongs to another user" in said[0]
    assert jax.config.jax_compilation_cache_dir is None


def test_all_folders_that_are_made_are_private(no_cache_yet, tmp_path):
    before = os.umask(0)
    try:
        assert told() == []
    finally:
        os.umask(before)
    for path in (tmp_path / ".cache").rglob("*"):
        if path.is_dir():
            assert path.stat().st_mode & 0o077 == 0, path
    assert (tmp_path / ".cache").stat().st_mode & 0o077 == 0
