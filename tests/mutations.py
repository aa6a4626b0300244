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
    Fault("workflow/job.py", "    check_settings(config)  # before", "    # before", "main/test_configs.py"),
    Fault("workflow/settings.py", "return defaults | {name", "return {name", "workflow/test_settings.py"),
    Fault("workflow/predict.py", "        check_settings(config)\n", "", "workflow/test_settings.py"),
    Fault("workflow/agreement.py", "            manifest.verify(folder, name)\n", "            pass\n", "workflow/test_agreement.py"),
    Fault("files/workdir.py", 'return bool(summary) and "pictures" not in summary', "return bool(summary)", "main/test_runs.py::test_a_run_killed_while_it_draws_keeps_its_results_and_is_killed_so_twice_at_most"),
    Fault("workflow/job.py", '"checksum": zlib.crc32(np.ascontiguousarray(dataset.images).data)', '"checksum": 0', "workflow/test_job.py"),
    # Data: taken by position, in another unit, or whatever a file declares.
    Fault("data/arrays.py", "declared > there:", "declared < 0:", "data/test_arrays.py"),
    Fault("data/arrays.py", "or labels.max() >= len(names)", "or labels.max() > len(names)", "data/test_arrays.py"),
    Fault("data/arrays.py", "info.file_size > BOMB_BYTES and ", "False and ", "data/test_arrays.py"),
    Fault("data/labels.py", 'np.char.decode(values, "latin-1")', 'np.char.decode(values, "utf-8", "replace")', "data/test_labels.py"),
    Fault("data/labels.py", 'word[:1] == "0" and word[1:2].isdigit()', "False", "data/test_labels.py data/test_label_files.py"),
    Fault("data/label_files.py", "return values[[rows[name] for name in names]], 0, \"\"", "return values, 0, \"\"", "data/test_label_files.py"),
    Fault("data/label_files.py", "            return listed.values[np.argsort(numbers)]\n        report", "            return listed.values[numbers]\n        report", "data/test_label_files.py"),
    Fault("data/features.py", "block = x[rows].astype(np.float64)", "block = x[rows].astype(np.float32)", "data/test_features.py"),
    Fault("data/features.py", "np.where(length > 0, length, 1.0)", "length", "data/test_features.py"),
    Fault("data/decoding.py", "formats=FORMATS[os.path.splitext(path)[1].lower()]", "formats=None", "data/test_pictures.py"),
    Fault("data/decoding.py", "colors * alpha + behind * (255 - alpha) + 127", "colors * 255 + 127", "data/test_pictures.py"),
    Fault("data/decoding.py", "return ImageOps.exif_transpose(image)", "return image", "data/test_pictures.py"),
    Fault("data/pixels.py", "    return low, 1.0 / (high - low)\n", "    return low, 1.0 / high\n", "data/test_arrays.py data/test_in_memory.py data/test_like.py"),
    # Self-paced learning.
    Fault("spl/adaptive.py", "(mean + progress * spread)", "(mean + spread)", "spl/test_soft.py"),
    Fault("spl/adaptive.py", "return lax.pmin(least, axis_name), lax.pmax(most, axis_name)", "return least, most", "spl/test_transforms.py spl/test_pace.py"),
    Fault("spl/balanced_sorted.py", "0.5 * loss + gamma * below < 0.5 * age", "0.5 * loss + gamma * below <= 0.5 * age", "spl/test_balanced.py spl/test_edges.py"),
    Fault("spl/select.py", "jnp.cumsum(counts, axis=1, dtype=jnp.int32) - counts", "jnp.cumsum(counts, axis=1, dtype=jnp.int32)", "spl/test_balanced.py"),
    Fault("spl/select.py", "return total(counts[:-1].reshape(num_groups, base), axis_name)", "return counts[:-1].reshape(num_groups, base)", "spl/test_transforms.py"),
    Fault("spl/quota.py", "num_groups / (2 * fraction", "num_groups / (fraction", "spl/test_pace.py"),
    Fault("spl/soft.py", "jnp.clip(1 - x / jnp.where(age > 0, age, 1), 0, 1)", "1 - x / jnp.where(age > 0, age, 1)", "spl/test_soft.py"),
    Fault("spl/diversity.py", "t = gamma / jnp.maximum(", "t = 2 * gamma / jnp.maximum(", "spl/test_soft.py"),
    # Losses, augmentation.
    Fault("losses/mean.py", "count = jax.lax.psum(count, axis_name)", "count = jax.lax.pmean(count, axis_name)", "losses"),
    Fault("losses/mean.py", "jnp.where(weights != 0, losses, 0)", "losses", "losses"),
    Fault("losses/spread.py", "jnp.maximum(counts - 1, 0)", "counts", "losses/test_spread.py"),
    Fault("losses/spread.py", "rows - member @ means", "rows - means.mean(axis=0)", "losses/test_spread.py"),
    Fault("losses/spread.py", "squares = total(jnp.sum(jnp.square(rows - member @ means)))", "squares = jnp.sum(jnp.square(rows - member @ means))", "losses/test_spread.py"),
    Fault("algorithms/clustergan/generator.py", "jnp.square(1 - ratio)", "jnp.abs(1 - ratio)", "algorithms/test_clustergan_switches.py::test_diversity_by_hand"),
    Fault("algorithms/dec/finetune.py", "(epoch + 1) % every == 0", "epoch % every == 0", "algorithms/test_dec.py"),
    Fault("algorithms/dec/finetune.py", 'info.get("due", True) and info["change"]', 'info["change"]', "algorithms/test_dec.py"),
    Fault("data/label_files.py", "min(problems, key=lambda pair: pair[0])", "problems[0]", "data/test_label_files.py"),
    Fault("data/label_files.py", "headed, columns = True, [column[1:] for column in columns]", "headed = True", "data/test_label_files.py"),
    Fault("files/storage.py", 'partial = parent / f"{name}{_partial_name()}"', "partial = new_folder(parent, name) / '1'", "workflow/test_export.py"),
    Fault("runtime/hosts.py", "    _check_equal([other", "    list([other", "runtime/test_hosts.py main/test_hosts.py"),
    Fault("runtime/hosts.py", '"RESOURCE_EXHAUSTED" not in str(error)', "True", "runtime/test_hosts.py"),
    Fault("losses/entropy.py", "jax.lax.axis_index(axis_name) * units.shape[0]", "jax.lax.axis_index(axis_name)", "losses/test_entropy.py"),
    Fault("losses/entropy.py", "(1 - a) * jnp.log1p(-a), 0)", "a * jnp.log1p(-a), 0)", "losses/test_entropy.py"),
    Fault("losses/consistency.py", "jax.grad(total)(x + step * direction)", "jax.grad(total)(x + direction)", "losses/test_consistency.py"),
    Fault("losses/consistency.py", "x + _per_sample(length, x) * direction", "x + direction", "losses/test_consistency.py"),
    Fault("losses/adversarial.py", "-jax.nn.softplus(wanted)", "jax.nn.softplus(-wanted)", "losses/test_adversarial.py"),
    Fault("augment.py", "upper * (1 - down_part) + lower * down_part", "upper * down_part + lower * (1 - down_part)", "test_augment.py"),
    Fault("augment.py", "(2,), 0, 2 * pixels + 1)", "(2,), 0, 2 * pixels)", "test_augment.py"),
    Fault("augment.py", "images[:, :, ::-1]", "images[:, ::-1]", "test_augment.py"),
    Fault("draws.py", "sampler(jax.random.fold_in(key, p), *arguments))(position)", "sampler(jax.random.fold_in(key, 0 * p), *arguments))(position)", "test_augment.py"),
    # Clusterers.
    Fault("clusterers/kmeans.py", "~(shift <= limit)", "~(shift >= limit)", "clusterers/test_kmeans.py"),
    Fault("data/in_memory.py", "return X[[headings[name] for name in wanted]]", "return X", "estimator/test_estimator.py::test_a_loaded_model_knows_its_columns"),
    Fault("estimator/loading.py", "if names:", "if False:", "estimator/test_estimator.py::test_a_loaded_model_knows_its_columns"),
    Fault("estimator/base.py", "if found[-1].interrupted:", "if False:", "estimator/test_estimator.py::test_ctrl_c_ends_all_seeds_and_keeps_what_there_is"),
    Fault("algorithms/__init__.py", "before.build.__module__ != method.build.__module__", "before is not method", "algorithms/test_settings.py"),
    Fault("clusterers/sums.py", "TOGETHER = 1024", "TOGETHER = 10**9", "clusterers/test_kmeans.py"),
    Fault("clusterers/sizes.py", "min(first, heap[0]) if heap else first", "first", "clusterers/test_sizes.py"),
    Fault("clusterers/kmeans.py", "j = jnp.cumsum(empty) - 1", "j = jnp.cumsum(empty)", "clusterers/test_kmeans_edges.py"),
    Fault("clusterers/kmeans.py", "inertias <= (1 + slack) * inertias.min()", "inertias <= (1 + slack) + inertias.min()", "clusterers/test_kmeans.py"),
    Fault("clusterers/balanced.py", "potential + temperature * (wanted - filled)", "potential - temperature * (wanted - filled)", "clusterers/test_balanced.py"),
    Fault("clusterers/spectral.py", "scaled @ x - 2 * known @ (known.T @ x)", "scaled @ x", "clusterers/test_methods.py"),
    Fault("clusterers/spectral.py", "np.argsort(-np.bincount(of), kind=", "np.argsort(np.bincount(of), kind=", "clusterers/test_methods.py"),
    Fault("clusterers/balanced.py", "centers=centers + middle", "centers=centers", "clusterers/test_balanced.py clusterers/test_sizes.py"),
    Fault("clusterers/spectral.py", "return vectors[:, np.argsort(-values)]", "return vectors[:, np.argsort(values)]", "clusterers/test_methods.py"),
    Fault("clusterers/spectral.py", "1 - member @ (graph @ member) / volume", "1 - member @ member / volume", "clusterers/test_methods.py"),
    Fault("clusterers/ward.py", "merges = n - n_clusters", "merges = n - n_clusters - 1", "clusterers/test_methods.py"),
    Fault("clusterers/block_model.py", "- 2 * xlogx(shares.sum(axis=1)).sum()", "- xlogx(shares.sum(axis=1)).sum()", "clusterers/test_block_model.py"),
    Fault("clusterers/block_model.py", "n_clusters * (n_clusters + 1) / 2", "n_clusters", "clusterers/test_block_model.py"),
    Fault("clusterers/refinement.py", "blocks.diagonal[own] - 2 * own_weight - loops", "blocks.diagonal[own] - own_weight - loops", "clusterers/test_block_model.py"),
    Fault("clusterers/neighbors.py", "squares - 2 * scores", "squares - scores", "clusterers/test_neighbors.py clusterers/test_view_graph.py"),
    Fault("clusterers/neighbors.py", "shared / (2 * (k + 1) - shared)", "shared / (2 * (k + 1))", "clusterers/test_neighbors.py clusterers/test_view_graph.py"),
    Fault("clusterers/rcc.py", "lines = (mu / (mu + squares)) ** 2", "lines = mu / (mu + squares)", "clusterers/test_rcc.py"),
    # Metrics, hashing.
    Fault("metrics/clustering.py", "return 2 * (total * both - row * column)", "return 2 * (total * both - row)", "metrics/test_clustering.py"),
    Fault("metrics/clustering.py", "weights = np.concatenate([counts.n + 1,", "weights = np.concatenate([counts.n,", "metrics/test_clustering.py"),
    Fault("metrics/calibration.py", "correct |= (pred == cluster) & (true == label)", "correct |= pred == cluster", "metrics/test_calibration.py"),
    Fault("metrics/better.py", "worse = before - after > limit", "worse = after - before > limit", "metrics/test_better.py"),
    Fault("metrics/diversity.py", "axis=0, ddof=1", "axis=0", "metrics/test_diversity.py"),
    Fault("metrics/retrieval/ties.py", "np.maximum(np.minimum(relevant.sum(1), k), 1)", "np.maximum(relevant.sum(1), 1)", "metrics/test_retrieval.py"),
    Fault("metrics/retrieval/ranking.py", "distance[gallery_labels == query_labels[q]]", "distance[gallery_labels != query_labels[q]]", "metrics/test_retrieval.py"),
    Fault("hashing/itq.py", "R = Wt.T @ U.T", "R = U @ Wt", "hashing"),
    Fault("hashing/spectral.py", "np.pi * number.ravel() / extent", "np.pi / extent", "hashing"),
    Fault("hashing/spherical.py", "np.median(distance2, 0)", "distance2.mean(0)", "hashing"),
    # Networks and algorithms.
    Fault("networks/layers.py", "deviation = jnp.where(valid, x - _over(mean, x), 0)", "deviation = x - _over(mean, x)", "networks/test_layers.py"),
    Fault("networks/layers.py", "rows, sums = total((rows, jnp.sum(jnp.where(valid, x, 0), axis=axes)))", "rows, sums = rows, jnp.sum(jnp.where(valid, x, 0), axis=axes)", "networks/test_layers.py networks/test_families.py"),
    Fault("networks/autoencoder.py", "variance_scaling(1 / 3, ", "variance_scaling(1.0, ", "networks/test_autoencoder.py"),
    Fault("algorithms/pretraining.py", "loss, gradient = jax.lax.psum((loss, gradient), axis_name)", "loss = jax.lax.psum(loss, axis_name)", "algorithms/test_aspc.py"),
    Fault("algorithms/aspc/finetune.py", "paced = losses.cluster_center(features[\"augmented\"], state.centers[labels])", "paced = losses.cluster_center(features[\"augmented\"], state.centers[state.labels])", "algorithms/test_aspc.py"),
    Fault("algorithms/aspc/finetune.py", "progress=jnp.minimum(epoch / age_epochs, 1)", "progress=jnp.minimum((epoch + 1) / age_epochs, 1)", "algorithms/test_aspc.py"),
    Fault("algorithms/initial.py", "assigned.astype(points.dtype))", "jnp.ones(len(points), points.dtype))", "algorithms/test_initial.py"),
    Fault("algorithms/viewgraph/relabel.py", "share = 0.5 * jnp.sum(weights, axis=1, keepdims=True)", "share = 0.5", "algorithms/test_viewgraph.py"),
    Fault("algorithms/viewgraph/train.py", "keep * old + (1 - keep) * new", "(1 - keep) * old + keep * new", "algorithms/test_viewgraph.py"),
    Fault("algorithms/dec/finetune.py", "divergence(state.target[batch.index], log_assignment", "divergence(state.target[batch.position], log_assignment", "algorithms/test_dec.py"),
    # Runtime, estimators, workflow.
    Fault("runtime/epochs.py", "jax.random.fold_in(steps_key, i)", "steps_key", "runtime/test_epochs.py"),
    Fault("runtime/epochs.py", "jnp.minimum(start + device * size + jnp.arange(size, dtype=jnp.int32), num_samples - 1)", "jnp.minimum(start + jnp.arange(size, dtype=jnp.int32), num_samples - 1)", "runtime/test_epochs.py"),
    Fault("runtime/trainer.py", "cursor.done = phase.done(record)", "phase.done(record)", "runtime/test_trainer.py"),
    Fault("runtime/trainer.py", "jax.random.fold_in(jax.random.fold_in(jax.random.fold_in(self.key, phase), epoch), use)", "jax.random.fold_in(jax.random.fold_in(self.key, phase), use)", "runtime/test_trainer.py"),
    Fault("estimator/base.py", "if not found and seed == seeds[-1]:", "if True:", "estimator/test_estimator.py::test_a_seed_that_fails_is_left_out"),
    Fault("estimator/seeds.py", "key=lambda i: (-round(agreement[i], 9), losses[i])", "key=lambda i: (losses[i], -round(float(agreement[i]), 9))", "estimator/test_estimator.py::test_of_several_runs_the_one_that_agrees_best_is_kept"),
    Fault("workflow/confident.py", "np.asarray(outputs.confidence) >= min_confidence", "np.asarray(outputs.confidence) > min_confidence", "workflow/test_confident.py"),
    Fault("workflow/corrections.py", "smaller = int(2 * halves.sum() <= len(halves))", "smaller = int(2 * halves.sum() > len(halves))", "workflow/test_corrections.py"),
    Fault("workflow/summary.py", 'outputs.probabilities is None or "network" in (outputs.others or {})', "outputs.probabilities is None", "main/test_pictures.py"),
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
