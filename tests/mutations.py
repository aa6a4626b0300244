"""Do the tests notice a careless edit? Each fault below is put into a copy of the tree, and its tests are run there.

    python tests/mutations.py                # all of them, some minutes
    python tests/mutations.py lock manifest  # those whose file's path has one of these words in it

Prints a line for each fault and a summary; exit code 1 if one was not found, or is no longer in the source.

A fault is a line of the table: the file below jaxcluster/, a piece of it that stands there once, what a careless edit
makes of it, and the test files below tests/ that should notice (FILE::NAME for one test of a file that takes long).
"""

# ruff: noqa: E501

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
from typing import NamedTuple

ROOT = pathlib.Path(__file__).parents[1]
SECONDS = 600  # for the tests of a fault
HANG = 90  # for those of a fault that makes them hang


class Fault(NamedTuple):
    file: str
    old: str
    new: str
    tests: str
    hangs: bool = False
    """Whether the fault makes a loop endless: that its tests do not end finds it."""


FAULTS = [
    # A lock that does not lock, is left behind, or is not the one that was seen.
    Fault("files/lock.py", "fcntl.LOCK_EX | fcntl.LOCK_NB", "fcntl.LOCK_SH | fcntl.LOCK_NB", "files/test_lock.py"),
    Fault("files/lock.py", "if _is(descriptor, file):\n                return", "if True:\n                return", "files/test_lock.py"),
    Fault("files/lock.py", "                file.unlink()\n", "                pass\n", "files/test_lock.py"),
    Fault("files/lock.py", "        if not same:\n", "        if same is None:\n", "files/test_lock.py"),
    Fault("files/lock.py", "| os.O_NONBLOCK | storage.NO_LINK", "| os.O_NONBLOCK", "files/test_lock.py", hangs=True),
    Fault("files/lease.py", "if_generation_match=generation)\n        return blob", ")\n        return blob", "files/test_lock.py"),
    Fault("files/lease.py", "if now.generation != seen.generation:", "if False:", "files/test_lock.py", hangs=True),
    Fault("files/lease.py", 'return holder.get("token") not in _mine', "return True", "files/test_lock.py"),
    # Checksums that leave something out, or that nobody compares.
    Fault("files/manifest.py", "elif zlib.crc32(content) != expected:", "elif not content:", "files/test_manifest.py"),
    Fault("files/manifest.py", "            if content is None:\n                found", "            if False:\n                found", "files/test_manifest.py"),
    Fault("files/manifest.py", "_checksum(data[\"crc32\"]) != data[\"checksum\"]", "False", "files/test_manifest.py"),
    Fault("files/manifest.py", '".." not in path.parts', "True", "files/test_manifest.py"),
    Fault("files/manifest.py", '    enter(root, [root / "metrics.jsonl"])\n', "", "files/test_manifest.py"),
    Fault("files/manifest.py", "if file.name != FILE))", "if file.suffix != \".json\"))", "files/test_manifest.py"),
    Fault("files/checkpoint.py", '_seal(about, state) == about["seal"]', "True", "files/test_checkpoint.py files/test_damage.py"),
    Fault("files/checkpoint.py", 'for name in ("cursor", "noted")', 'for name in ("noted",)', "files/test_checkpoint.py"),
    Fault("files/checkpoint.py", "[said, leaves, checksum(state)]", "[said, leaves]", "files/test_checkpoint.py files/test_damage.py"),
    Fault("files/checkpoint.py", "sorted(self._manager.all_steps(), reverse=True)", "sorted(self._manager.all_steps())", "files/test_checkpoint.py runtime/test_trainer_checkpoints.py"),
    Fault("files/checkpoint.py", "        if serials:\n            raise", "        if False:\n            raise", "files/test_checkpoint.py main/test_damage.py"),
    Fault("files/checkpoint.py", "        manifest.drop(root, name)\n", "", "files/test_manifest.py"),
    Fault("files/checkpoint.py", "if wanted.get(name) != found.get(name):", "if name not in found:", "files/test_manifest.py"),
    Fault("files/records.py", 'lines = lines[: known["records"]]', "pass", "files/test_manifest.py runtime/test_trainer_checkpoints.py"),
    Fault("files/records.py", 'return "" if same else', 'return "" if lines else', "files/test_manifest.py"),
    Fault("files/records.py", "        self._checksum = _checksum([line], self._checksum)\n", "        self._checksum = _checksum([line])\n", "files/test_manifest.py runtime/test_trainer_checkpoints.py"),
    Fault("files/lines.py", "        if self._complete and self._in_place():", "        if self._complete:", "files/test_manifest.py"),
    # Somebody else's folder.
    Fault("files/reading.py", "if stat.S_ISDIR(mode):", "if entry.is_dir():", "files/test_foreign.py"),
    Fault("files/reading.py", "return type(x) in (int, float) and abs(x) < math.inf", "return type(x) in (int, float)", "files/test_foreign.py"),
    Fault("files/reading.py", "depth < DEEPEST and all(plain(value", "all(plain(value", "files/test_foreign.py"),
    Fault("files/reading.py", "plain(part, depth + 1)", "plain(part, depth)", "files/test_foreign.py"),
    Fault("files/storage.py", "| os.O_CREAT | os.O_EXCL | NO_LINK", "| os.O_CREAT", "files/test_foreign.py files/test_storage.py"),
    Fault("files/storage.py", "            partial.replace(file)\n", "            file.write_bytes(partial.read_bytes())\n            partial.unlink()\n", "files/test_foreign.py files/test_storage.py"),
    Fault("files/storage.py", "math.prod(shape) * dtype.itemsize != len(content) - stream.tell()", "False", "files/test_foreign.py files/test_storage.py"),
    Fault("files/workdir.py", 'startswith(("=", "+", "-", "@", "\\t", "\\r"))', 'startswith(("=", "+", "-", "@"))', "files/test_foreign.py files/test_workdir.py"),
    Fault("files/workdir.py", '        manifest.verify(workdir, "config.json")  # it was there\n', "", "files/test_workdir.py"),
    Fault("files/workdir.py", "        again |= anew\n", "        again = anew\n", "files/test_workdir.py"),
    Fault("files/environment.py", "    refused = [", "    refused = [] and [", "files/test_foreign.py"),
    # Settings.
    Fault("algorithms/settings.py", "isinstance(v, int) and not isinstance(v, bool) and low", "isinstance(v, int) and low", "algorithms/test_bad_settings.py"),
    Fault("algorithms/settings.py", "return low <= value <= high and not (above", "return value >= low and not (above", "algorithms/test_bad_settings.py"),
    Fault("algorithms/settings.py", "(empty or len(v) > 0) and ", "", "algorithms/test_bad_settings.py"),
    Fault("algorithms/settings.py", "raise ValueError(no_field(path, name, table))", "no_field(path, name, table)", "algorithms/test_settings.py main/test_configs.py"),
    Fault("workflow/fit.py", "    check_settings(config)  # before", "    # before", "main/test_configs.py"),
    Fault("workflow/settings.py", "return defaults | {name", "return {name", "workflow/test_settings.py"),
    Fault("workflow/predict.py", "        check_settings(config)\n", "", "workflow/test_settings.py"),
    Fault("workflow/agreement.py", "            manifest.verify(folder, name)\n", "            pass\n", "workflow/test_agreement.py"),
    Fault("workflow/fit.py", 'return bool(summary) and "pictures" not in summary', "return bool(summary)", "main/test_runs.py::test_a_run_killed_while_it_draws_keeps_its_results_and_is_killed_so_twice_at_most"),
    Fault("workflow/job.py", '"checksum": zlib.crc32(np.ascontiguousarray(dataset.images).data)', '"checksum": 0', "workflow/test_job.py"),
    # Data: taken by position, in another unit, or whatever a file declares.
    Fault("data/arrays.py", "declared > there:", "declared < 0:", "data/test_arrays.py"),
    Fault("data/arrays.py", "or labels.max() >= len(names)", "or labels.max() > len(names)", "data/test_arrays.py"),
    Fault("data/arrays.py", "info.file_size > BOMB_BYTES and ", "False and ", "data/test_arrays.py"),
    Fault("data/labels.py", 'np.char.decode(values, "latin-1")', 'np.char.decode(values, "utf-8", "replace")', "data/test_labels.py"),
    Fault("data/labels.py", 'word[:1] == "0" and word[1:2].isdigit()', "False", "data/test_labels.py data/test_label_files.py"),
    Fault("data/label_files.py", "return values[[rows[name] for name in names]], \"\"", "return values, \"\"", "data/test_label_files.py"),
    Fault("data/label_files.py", "            return listed.values[np.argsort(numbers)]\n        report", "            return listed.values[numbers]\n        report", "data/test_label_files.py"),
    Fault("data/features.py", "block = x[rows].astype(np.float64)", "block = x[rows].astype(np.float32)", "data/test_features.py"),
    Fault("data/features.py", "np.where(length > 0, length, 1.0)", "length", "data/test_features.py"),
    Fault("data/decoding.py", "formats=FORMATS[os.path.splitext(path)[1].lower()]", "formats=None", "data/test_pictures.py"),
    Fault("data/decoding.py", "colors * alpha + behind * (255 - alpha) + 127", "colors * 255 + 127", "data/test_pictures.py"),
    Fault("data/decoding.py", "return ImageOps.exif_transpose(image)", "return image", "data/test_pictures.py"),
    Fault("data/pixels.py", "    return low, 1.0 / (high - low)\n", "    return low, 1.0 / high\n", "data/test_arrays.py data/test_in_memory.py data/test_like.py"),
]  # fmt: skip


def chosen(words: list[str]) -> list[Fault]:
    return [fault for fault in FAULTS if not words or any(word in fault.file for word in words)]


def copy_of_the_tree(folder: pathlib.Path) -> pathlib.Path:
    copy = folder / "tree"
    skipped = shutil.ignore_patterns(".*", "__pycache__", "runs", "*.egg-info", "build", "dist")
    shutil.copytree(ROOT, copy, ignore=skipped, symlinks=True)
    return copy


def outcome(fault: Fault, tree: pathlib.Path) -> str:
    """Whether the tests find it: "found", "NOT FOUND", or why it cannot be told."""
    file = tree / "jaxcluster" / fault.file
    source = file.read_text()
    if source.count(fault.old) != 1:
        return f"CANNOT BE TOLD: the old text is there {source.count(fault.old)} times"
    file.write_text(source.replace(fault.old, fault.new))
    tests = [f"tests/{name}" for name in fault.tests.split()]
    seconds = HANG if fault.hangs else SECONDS
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:xdist", "-p", "no:cacheprovider", *tests]
    environment = {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        run = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        return "found: the tests hang" if fault.hangs else f"CANNOT BE TOLD: the tests take more than {seconds} s"
    finally:
        file.write_text(source)
    if run.returncode == 1:
        named = [line for line in run.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
        return f"found by {named[0].split(' - ')[0].split(' ', 1)[1] if named else '?'}"
    return "NOT FOUND" if run.returncode == 0 else f"CANNOT BE TOLD: {(run.stdout + run.stderr).strip()[-200:]}"


def main(words: list[str]) -> int:
    faults, found = chosen(words), 0
    with tempfile.TemporaryDirectory(prefix="jaxcluster-mutations-") as folder:
        tree = copy_of_the_tree(pathlib.Path(folder))
        # One cache of compiled programs for all runs.
        os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(pathlib.Path(folder) / "cache"))
        for fault in faults:
            began = time.monotonic()
            result = outcome(fault, tree)
            found += result.startswith("found")
            print(
                f"{fault.file}: {' '.join(fault.old.split())[:60]!r}: {result} ({time.monotonic() - began:.0f} s)",
                flush=True,
            )
    print(f"{found} of {len(faults)} faults found")
    return int(found < len(faults))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
