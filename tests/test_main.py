"""The command line: what a run leaves behind, and one clear sentence for every mistake."""

import contextlib
import csv
import importlib.util
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from absl import flags
from PIL import Image

from jaxcluster import commandline, main, report
from jaxcluster.algorithms import aspc
from jaxcluster.data import Dataset
from jaxcluster.protocol import Outputs
from jaxcluster.runtime import checkpoint
from jaxcluster.runtime.trainer import Trained

pytestmark = pytest.mark.filterwarnings("ignore:.*load_module:DeprecationWarning")  # how ml_collections reads a config

ROOT = Path(__file__).parents[1]
CONFIG = f"--config={ROOT / 'configs' / 'aspc_digits.py'}"
SMALL = (
    "--config.data.name=",
    "--config.network.hidden=(8,)",
    "--config.pretrain.epochs=2",
    "--config.finetune.epochs=2",
    "--config.finetune.tolerance=0",
    "--config.initial.restarts=2",
    "--config.n_clusters=2",
)
LONG = "--config.pretrain.epochs=300"  # long enough for a signal to fall into it


class Said(NamedTuple):
    code: int
    text: str

    @property
    def error(self) -> str:
        """The one sentence of a refusal."""
        assert "Traceback" not in self.text
        last = self.text.splitlines()[-1]
        assert last.startswith("error: "), self.text
        return last.removeprefix("error: ")


def command(*arguments) -> Said:
    """Run the command line in this process, as often as one likes."""
    flags.FLAGS.unparse_flags()
    sys.modules.pop("config_config", None)  # a config file is run in the module of the one before
    for name in [name for name in flags.FLAGS if name.startswith("config.")]:
        delattr(flags.FLAGS, name)  # the overrides of the call before
    for name in ("config", "workdir", "predict"):
        flags.FLAGS[name].unparse()
    argv = ["jaxcluster.main", *map(str, arguments)]
    before, sys.argv = sys.argv, argv  # ml_collections looks for overrides there
    code, said = 0, io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            main.main(commandline.parse(argv))
    except SystemExit as end:
        code = end.code
    finally:
        sys.argv = before
    return Said(code, said.getvalue())


def subprocess_command(*arguments, **options) -> subprocess.Popen:
    environment = {**os.environ, "XLA_FLAGS": ""}
    return subprocess.Popen(
        [sys.executable, "-m", "jaxcluster.main", *map(str, arguments)],
        cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True, **options,
    )  # fmt: skip


def refused(*arguments) -> str:
    said = command(*arguments)
    assert said.code == 2, said.text
    return said.error


def two_kinds(shape, n=24):
    """Dark and bright samples in turn, with noise of their own."""
    rng = np.random.default_rng(0)
    bright = np.arange(n) % 2
    noise = rng.uniform(0, 0.35, (n, *shape))
    return (0.6 * bright.reshape(n, *[1] * len(shape)) + noise).astype(np.float32), bright


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """Holds grey.npz (with labels), unlabelled.npy (the same images), and the runs on them."""
    folder = tmp_path_factory.mktemp("main")
    x, y = two_kinds((4, 5))
    np.savez(folder / "grey.npz", x=x, y=y)
    np.save(folder / "unlabelled.npy", x)
    return folder


def run_on(file, workdir, *options) -> Said:
    return command(CONFIG, *SMALL, f"--config.data.path={file}", f"--workdir={workdir}", *options)


@pytest.fixture(scope="session")
def done(folder):
    """A finished run with labels, in folder/run."""
    said = run_on(folder / "grey.npz", folder / "run", LONG)
    assert said.code == 0, said.text
    return said


@pytest.fixture(scope="session")
def unlabelled(folder):
    """The same run without labels, stopped once by Ctrl-C, in folder/unlabelled."""
    arguments = (CONFIG, *SMALL, LONG, f"--config.data.path={folder / 'unlabelled.npy'}")
    workdir = f"--workdir={folder / 'unlabelled'}"
    process = subprocess_command(*arguments, workdir)
    metrics = folder / "unlabelled" / "metrics.jsonl"
    until = time.monotonic() + 120
    while not (metrics.exists() and metrics.stat().st_size) and process.poll() is None and time.monotonic() < until:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    stopped = Said(None, process.communicate(timeout=60)[1])
    stopped = stopped._replace(code=process.returncode)
    records = len(metrics.read_text().splitlines())
    return stopped, records, command(*arguments, workdir)


def files_of(folder):
    return {file.relative_to(folder): file.stat().st_mtime_ns for file in folder.rglob("*") if file.is_file()}


# What a run leaves behind.


def test_a_run_leaves_all_that_a_person_can_use(folder, done):
    run = folder / "run"
    labels, confidence = np.load(run / "labels.npy"), np.load(run / "confidence.npy")
    assert labels.shape == confidence.shape == (24,)
    assert labels.dtype == np.int32
    assert set(labels) == {0, 1}
    assert (confidence >= 0).all()
    assert (confidence <= 1).all()
    assert np.load(run / "embedding.npy").shape == (24, 10)
    assert np.load(run / "centers.npy").shape == (2, 10)
    with (run / "clusters.csv").open() as stream:
        rows = list(csv.reader(stream))
    assert rows[0] == ["index", "cluster", "confidence"]
    assert [(int(i), int(k)) for i, k, _ in rows[1:]] == list(enumerate(labels))
    records = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [record["phase"] for record in records] == 300 * ["pretrain"] + 2 * ["finetune"]
    assert (run / "model" / "finetune").is_dir()
    assert list((run / "checkpoints").iterdir())
    pictures = {file.name for file in (run / "pictures").iterdir()}
    assert pictures == {f"{name}.png" for name in ("losses", "scores", "pca", "tsne", "typical", "confusion")}


def test_the_summary_is_strict_json_with_everything_worth_knowing(folder, done):
    def refuse(word):
        raise AssertionError(word)

    summary = json.loads((folder / "run" / "summary.json").read_text(), parse_constant=refuse)
    assert summary["config"]["pretrain"]["epochs"] == 300
    assert summary["data"]["samples"] == 24
    assert summary["versions"].keys() >= {"python", "jaxcluster", "jax", "numpy"}
    assert summary["device"].keys() >= {"platform", "kind", "cores", "peak_memory_mib"}
    assert summary["seconds"].keys() == {"pretrain", "finetune"}
    results = summary["results"]
    assert results["epochs"] == {"pretrain": 300, "finetune": 2}
    assert results["loss"].keys() == {"pretrain", "finetune"}
    assert sum(results["cluster_sizes"]) == sum(results["initial"]["cluster_sizes"]) == 24
    assert results["scoring"]["acc"] == 1.0
    assert results["initial"]["scoring"].keys() == {"acc", "nmi", "ari"}


def test_what_a_run_says(done, folder):
    lines = done.text.splitlines()
    assert lines[0] == f"aspc on grey: 24 images of 4x5x1 (with labels); workdir {folder / 'run'}"
    assert any(line.startswith("pretrain: epoch 300/300  loss 0.") for line in lines)
    assert any(line.startswith("finetune: epoch 2/2  loss ") for line in lines)
    for line in lines:
        assert ("ACC" in line) <= ("scoring only" in line)
    assert "could not be drawn" not in done.text


def test_the_same_command_again_says_so_and_changes_nothing(folder, done):
    before = files_of(folder / "run")
    again = run_on(folder / "grey.npz", folder / "run", LONG)
    assert again.code == 0
    assert "this run is complete; its results are in" in again.text
    assert files_of(folder / "run") == before


def test_without_labels_there_is_no_scoring_anywhere(folder, unlabelled):
    said, run = unlabelled[2], folder / "unlabelled"
    assert "(no labels)" in said.text
    for text in (said.text, (run / "summary.json").read_text(), (run / "metrics.jsonl").read_text()):
        assert not any(word in text.lower() for word in ("acc ", '"acc"', "nmi", "ari ", "scoring"))
    assert not (run / "pictures" / "confusion.png").exists()
    assert (run / "pictures" / "tsne.png").exists()


def test_ctrl_c_is_heard_and_the_run_ends_as_if_nothing_had_been(folder, done, unlabelled):
    """Labels decide nothing and one seed decides everything: the run with labels is the one to equal."""
    stopped, records, resumed = unlabelled
    assert stopped.code == 130, stopped.text
    assert stopped.text.splitlines()[-1] == "SIGINT: saved. The same command goes on from here."
    assert 0 < records < 300
    assert f"continuing in pretrain at epoch {records}" in resumed.text
    assert resumed.code == 0
    for name in ("labels.npy", "embedding.npy"):
        np.testing.assert_array_equal(np.load(folder / "unlabelled" / name), np.load(folder / "run" / name))


def test_init_from_starts_at_the_fine_tuning(folder, done):
    said = run_on(folder / "grey.npz", folder / "from", LONG, f"--config.init_from={folder / 'run'}")
    assert said.code == 0, said.text
    assert "pretrain:" not in said.text
    metrics = folder / "from" / "metrics.jsonl"
    assert {json.loads(line)["phase"] for line in metrics.read_text().splitlines()} == {"finetune"}
    np.testing.assert_array_equal(np.load(folder / "from" / "labels.npy"), np.load(folder / "run" / "labels.npy"))


def test_predict_gives_the_labels_again_and_never_overwrites(folder, done):
    for name in ("unlabelled", "unlabelled-2"):
        said = command(f"--predict={folder / 'unlabelled.npy'}", f"--workdir={folder / 'run'}")
        assert said.code == 0, said.text
        predictions = folder / "run" / "predictions" / name
        assert said.text.splitlines()[-1] == f"24 samples clustered; results: {predictions}"
        for file in ("labels.npy", "confidence.npy", "embedding.npy"):
            np.testing.assert_allclose(np.load(predictions / file), np.load(folder / "run" / file), atol=1e-6)
        np.testing.assert_array_equal(np.load(predictions / "labels.npy"), np.load(folder / "run" / "labels.npy"))


def test_a_folder_of_rgb_images_that_are_not_square(tmp_path):
    x, _ = two_kinds((6, 4, 3))
    (tmp_path / "images").mkdir()
    for i, image in enumerate(x):
        Image.fromarray((255 * image).astype(np.uint8)).save(tmp_path / "images" / f"{i:02}.png")
    said = run_on(tmp_path / "images", tmp_path / "run")
    assert said.code == 0, said.text
    assert "24 images of 6x4x3 (no labels)" in said.text
    assert "could not be drawn" not in said.text
    assert (tmp_path / "run" / "pictures" / "typical.png").exists()
    assert (tmp_path / "run" / "clusters.csv").read_text().splitlines()[1].endswith(",00.png")


def test_feature_vectors_are_told_what_does_not_apply(tmp_path):
    np.save(tmp_path / "x.npy", two_kinds((7,))[0])
    said = run_on(tmp_path / "x.npy", tmp_path / "run", "--config.pretrain.epochs=0", "--config.finetune.epochs=0")
    assert said.code == 0, said.text
    assert "24 feature vectors of 7 (no labels)" in said.text
    assert "feature vectors cannot be rotated or shifted: augmentation is off" in said.text
    assert "could not be drawn" not in said.text
    assert np.load(tmp_path / "run" / "labels.npy").shape == (24,)


@pytest.mark.parametrize("file", sorted((ROOT / "configs").glob("aspc_*.py")), ids=lambda file: file.stem)
def test_every_shipped_config_is_one_that_works(file):
    spec = importlib.util.spec_from_file_location(file.stem, file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    config = module.get_config()
    commandline.check_fields(config, aspc.get_config())
    aspc.check(config, 1797)
    assert bool(config.data.name) != bool(config.data.path)


# What the command line refuses.


def test_a_missing_config():
    assert refused() == "--config is missing, for example --config=configs/aspc_digits.py"
    assert "config.seed is set, but --config, which names the config file, is missing" in refused("--config.seed=1")
    assert refused("--config=no.py") == "--config=no.py: no such file; expected a config such as configs/aspc_digits.py"
    assert "--config=: no such file" in refused("--config=")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def get_config(:", r"cannot be loaded \(SyntaxError: invalid syntax"),
        ("import no_such_package", r"cannot be loaded \(ModuleNotFoundError: No module named 'no_such_package'\)"),
        ("x = 1", r"cannot be loaded \(AttributeError: .*has no attribute 'get_config'\)"),
        ("def get_config(): return 3", r"get_config\(\) must return a ConfigDict, got int"),
        (
            "from jaxcluster.algorithms import aspc\ndef get_config():\n"
            "    c = aspc.get_config()\n    c.pretrain.epoch = 3\n    return c",
            r"config.pretrain.epoch is no field; config.pretrain has augment, batch_size, epochs, ",
        ),
        (
            "from jaxcluster.algorithms import aspc\ndef get_config():\n"
            "    c = aspc.get_config()\n    del c.pretrain.epochs\n    return c",
            r"config.pretrain.epochs is missing; start from the algorithm's get_config\(\)",
        ),
        (
            "from jaxcluster.algorithms import aspc\ndef get_config():\n"
            "    c = aspc.get_config()\n    c.seed = 'x'\n    return c",
            r"cannot be loaded \(TypeError: ",
        ),
        (
            "from ml_collections import ConfigDict\ndef get_config(): return ConfigDict({'seed': 1})",
            r"config.algorithm must be one of aspc, got None",
        ),
    ],
)
def test_a_config_file_that_cannot_work(tmp_path, text, message):
    (tmp_path / "c.py").write_text(text)
    with pytest.raises(AssertionError, match=message):
        raise AssertionError(refused(f"--config={tmp_path / 'c.py'}", f"--workdir={tmp_path / 'run'}"))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["--config.pretrain.epoch=1"],
            "config.pretrain.epoch is no field; config.pretrain has augment, batch_size, epochs, learning_rate, "
            "momentum, optimizer",
        ),
        (["--config.pretrain.epochs.x=1"], "config.pretrain.epochs.x is no field; config.pretrain.epochs is a whole"),
        (["--config.seed=abc"], "config.seed must be a whole number, got 'abc'"),
        (["--config.seed=1.5"], "config.seed must be a whole number, got '1.5'"),
        (["--config.pretrain.learning_rate=x"], "config.pretrain.learning_rate must be a number, got 'x'"),
        (["--config.pretrain.augment=maybe"], "config.pretrain.augment must be true or false, got 'maybe'"),
        (["--config.network.hidden=('a',)"], "config.network.hidden must be a tuple of positive widths, got ('a',)"),
        (["--config.pretrain=3"], "config.pretrain must be a group of fields (augment, batch_size, epochs"),
        (["--config.checkpoint_seconds=inf"], "config.checkpoint_seconds must be finite, got inf"),
        (["--config.algorithm=kmeans"], "config.algorithm must be one of aspc, got 'kmeans'"),
        (["--config.n_clusters=1"], "config.n_clusters must be at least 2, got 1"),
        (
            ["--config.n_clusters=1798"],
            "config.n_clusters must be at most the number of samples, got 1798 clusters for 1797 samples",
        ),
        (["--config.data.name=mnits"], "data.name='mnits' is unknown (near: mnist, "),
        (["--config.data.name=", "--config.data.path=no.npz"], "data.path='no.npz': no such file or folder"),
        (["--config.data.path=x.npz"], "data.name, data.path: both are given ('digits' and 'x.npz'); expected exactly"),
        (["stray"], "unexpected argument 'stray'; options are written --name=value"),
        (["--confg=3"], "Unknown command line flag 'confg'. Did you mean: config ?"),
        (["--workdir="], "--workdir is empty; name a folder, or leave it out"),
    ],
)
def test_settings_that_cannot_work(options, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert message in refused(CONFIG, *options)
    assert list(tmp_path.iterdir()) == []


def write_bad_images(folder, kind):
    folder.mkdir()
    if kind == "unreadable":
        (folder / "a.png").write_bytes(b"not a picture")
    elif kind == "sizes":
        for name, size in (("a.png", (4, 5)), ("b.png", (5, 4))):
            Image.new("L", size).save(folder / name)
    elif kind == "locked":
        Image.new("L", (4, 4)).save(folder / "a.png")
        folder.chmod(0)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("empty", ("data.path=", "no images")),
        ("unreadable", ("data.path=", "a.png")),
        ("sizes", ("data.path=", "images of different sizes: 'a.png' is 4x5 and 'b.png' is 5x4", "expected one size")),
        pytest.param(
            "locked", ("data.path=", "cannot be read"),
            marks=pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything"),
        ),
    ],
)  # fmt: skip
def test_image_folders_that_cannot_be_used(tmp_path, kind, words):
    write_bad_images(tmp_path / "images", kind)
    message = refused(CONFIG, "--config.data.name=", f"--config.data.path={tmp_path / 'images'}")
    assert all(word in message for word in words), message


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros(5), "array of shape (5,) has rank 1; expected [n, h, w], [n, h, w, c] with c from 1 to 4, or [n, d]"),
        (np.zeros((2, 2, 2, 1, 1)), "has rank 5; expected"),
        (np.where(np.arange(32) == 5, np.nan, 0.5).reshape(4, 8), "1 of 32 pixels are NaN or infinite"),
        (np.where(np.arange(32) == 5, np.inf, 0.5).reshape(4, 8), "1 of 32 pixels are NaN or infinite"),
        (np.ones((4, 8)), "all pixels are 1; constant data has no clusters"),
        (np.arange(32.0).reshape(4, 8) / 31, "got 10 clusters for 4 samples"),
    ],
)
def test_arrays_that_cannot_be_used(tmp_path, x, message):
    np.save(tmp_path / "x.npy", x)
    assert message in refused(CONFIG, "--config.data.name=", f"--config.data.path={tmp_path / 'x.npy'}")


def test_labels_of_the_wrong_length(folder, tmp_path):
    np.save(tmp_path / "y.npy", np.zeros(23, int))
    options = (f"--config.data.path={folder / 'grey.npz'}", f"--config.data.labels_path={tmp_path / 'y.npy'}")
    message = refused(CONFIG, *SMALL, *options)
    assert f"data.labels_path='{tmp_path / 'y.npy'}'" in message
    assert "23" in message
    assert "24" in message


def test_workdirs_that_cannot_be_used(folder, done, tmp_path):
    (tmp_path / "file").write_text("x")
    message = refused(CONFIG, f"--workdir={tmp_path / 'file' / 'run'}")
    assert message == f"--workdir {tmp_path / 'file' / 'run'} cannot be written: Not a directory"
    assert "holds files that are not a run of jaxcluster" in refused(CONFIG, f"--workdir={tmp_path}")
    before = files_of(folder / "run")
    said = run_on(folder / "grey.npz", folder / "run", LONG, "--config.seed=3", "--config.augment.shift=0.2")
    assert said.code == 2
    assert "belongs to a run with other settings: config.augment.shift was 0.1, now 0.2; config.seed was 0, now 3." in (
        said.error
    )
    assert files_of(folder / "run") == before


def test_predictions_that_cannot_be_made(folder, done, tmp_path):
    images = f"--predict={folder / 'grey.npz'}"
    assert refused(images) == "--predict needs --workdir, the folder of a finished run"
    assert "holds no run (there is no config.json in it)" in refused(images, f"--workdir={tmp_path}")
    np.save(tmp_path / "wide.npy", two_kinds((4, 6))[0])
    message = refused(f"--predict={tmp_path / 'wide.npy'}", f"--workdir={folder / 'run'}")
    assert message == (
        f"--predict='{tmp_path / 'wide.npy'}': a sample has shape (4, 6, 1), but the model was fitted on (4, 5, 1)"
    )
    assert "no such file or folder" in refused("--predict=no.npy", f"--workdir={folder / 'run'}")
    unfinished = tmp_path / "unfinished"
    unfinished.mkdir()
    (unfinished / "config.json").write_text((folder / "run" / "config.json").read_text())
    message = refused(images, f"--workdir={unfinished}")
    assert message == f"--workdir {unfinished}: its training has not finished; run its command again first"
    (unfinished / "model" / "finetune").mkdir(parents=True)  # nothing in it: damaged
    assert "cannot be read" in refused(images, f"--workdir={unfinished}")


def test_a_first_model_that_does_not_fit(folder, done, tmp_path):
    where = f"config.init_from={folder / 'run'}"
    options = (f"--config.data.path={folder / 'grey.npz'}", f"--workdir={tmp_path / 'run'}", f"--{where}")
    message = refused(CONFIG, *SMALL, *options, "--config.network.hidden=(9,)")
    assert message.startswith(f"{where}: its network does not fit: ")
    assert "has shape (8,), expected (9,)" in message
    message = refused(CONFIG, *SMALL, *options, "--config.network.hidden=(8,8)")
    assert "images, config.network.hidden and config.network.embedding must agree" in message
    message = refused(CONFIG, *SMALL, *options[:2], f"--config.init_from={tmp_path}")
    assert message == f"config.init_from={tmp_path}: no finished pretrain phase there"
    assert not (tmp_path / "run").exists()


# What goes wrong in training.


def test_nan_stops_the_run_and_keeps_the_checkpoint(folder, tmp_path):
    said = run_on(folder / "grey.npz", tmp_path / "run", "--config.pretrain.learning_rate=1e30")
    assert said.code == 1
    assert said.error == (
        "training stopped in phase pretrain, epoch 1: loss is nan; try a smaller pretrain.learning_rate. "
        f"The last good checkpoint is kept in {tmp_path / 'run' / 'checkpoints'}"
    )
    assert not (tmp_path / "run" / "summary.json").exists()
    kept = checkpoint.Checkpoints(tmp_path / "run" / "checkpoints", report=print)
    with contextlib.closing(kept):
        assert kept._manager.all_steps()


def test_nothing_selected_and_a_cluster_that_becomes_empty(tmp_path):
    """Two images, four of each: every sample sits on its centre, and a third cluster can have none."""
    x = np.repeat(two_kinds((4, 5), 2)[0], 4, axis=0)
    np.save(tmp_path / "x.npy", x)
    options = ("--config.pretrain.epochs=0", "--config.finetune.learning_rate=1e-30", "--config.finetune.augment=false")
    said = run_on(tmp_path / "x.npy", tmp_path / "stuck", *options)
    assert said.code == 1, said.text
    assert said.error.startswith(
        "training stopped in phase finetune, epoch 0: the self-paced weights select no sample (age "
    )
    said = run_on(
        tmp_path / "x.npy", tmp_path / "empty", *options, "--noconfig.finetune.self_paced", "--config.n_clusters=3"
    )
    assert said.code == 0, said.text
    assert "warning: 1 of the 3 clusters (config.n_clusters) are empty" in said.text
    assert "could not be drawn" not in said.text


# In a process of its own.


def test_an_error_in_a_real_process():
    process = subprocess_command(CONFIG, "--config.seed=abc")
    _, said = process.communicate(timeout=120)
    assert process.returncode == 2
    assert said == "error: config.seed must be a whole number, got 'abc'\n"


# The pictures of odd runs.


def odd_results(n, shape, *, k=2, labels=None, start=True):
    rng = np.random.default_rng(0)
    clusters = np.arange(n, dtype=np.int32) % k
    outputs = Outputs(clusters, rng.random(n), rng.normal(size=(n, 10)), rng.normal(size=(k, 10)))
    images = rng.integers(0, 256, (n, *shape)).astype(np.uint8)
    dataset = Dataset(images, labels, 0.0, 1 / 255, "odd", None if labels is None else ("a", "b"), None)
    history = [{"phase": "pretrain", "epoch": 0, "loss": 0.5}, {"phase": "finetune", "epoch": 0, "loss": 0.1}]
    trained = Trained({}, {}, {}, history, {"pretrain": 1.0, "finetune": float("nan")})
    return report.Results(dataset, trained, outputs, outputs if start else None)


@pytest.mark.parametrize(
    ("results", "missing"),
    [
        (odd_results(1, (4, 4, 1), k=1), {"tsne", "scores"}),
        (odd_results(3, (4, 4, 1), labels=np.array([0, 1, 1])), {"tsne", "scores"}),
        (odd_results(9, (5, 3, 3), k=7, labels=np.arange(9) % 2), {"scores"}),
        (odd_results(9, (4, 4, 2), k=3, start=False), {"typical", "scores"}),
        (odd_results(9, (6,), k=3), {"typical", "scores"}),
    ],
)
def test_pictures_of_odd_runs(tmp_path, results, missing):
    said = []
    report.write_pictures(tmp_path / "pictures", results, stop_change=0.0, say=said.append)
    assert said == []
    wanted = {"losses", "scores", "pca", "tsne", "typical"} - missing
    if results.dataset.labels is not None:
        wanted.add("confusion")
    assert {file.stem for file in (tmp_path / "pictures").iterdir()} == wanted


def test_a_summary_has_null_where_a_number_is_not_finite():
    summary = report.summarize(odd_results(4, (6,)))
    assert summary["seconds"] == {"pretrain": 1.0, "finetune": None}
    json.dumps(summary, allow_nan=False)
