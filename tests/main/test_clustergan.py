"""ClusterGAN through the command line: every config on random arrays, stopped and resumed, and what a run leaves."""

import contextlib
import inspect
import json
import signal

import numpy as np
import pytest

from jaxcluster.runtime.signals import Interrupted
from jaxcluster.workflow import fit
from tests.main.commands import ROOT, command, refused

SHAPES = {
    "digits": (8, 8),
    "mnist": (28, 28),
    "mnist_test": (28, 28),
    "usps": (16, 16),
    "usps_balanced": (16, 16),
    "frgc": (32, 32, 3),
    "cifar10": (32, 32, 3),
    "stl10": (96, 96, 3),
}
N = 24
SHORT = (
    "--config.n_clusters=3",
    "--config.m=6",
    "--config.data.name=",
    "--config.initial.hidden=(9,)",
    "--config.initial.n_neighbors=3",
    "--config.pretrain.epochs=1",
    "--config.adversarial.epochs=2",
    "--config.adversarial.batch_size=20",
)


def narrow(clusterer, generator, discriminator):
    widths = {"clusterer": clusterer, "generator": generator, "discriminator": discriminator}
    return tuple(f"--config.network.{name}_hidden={value}" for name, value in widths.items())


# Convolutional players, however narrow, take long to compile: one stage of each, and of the three scores that of the
# pair alone, as in the run below that many tests look at.
PAIR = ("--config.weights.image=0", "--config.weights.code=0")
NARROW = narrow((9,), (8,), (7,))
NARROW_MNIST = (*narrow((4, 4, 4, 4, 4), (8,), (7,)), *PAIR)
NARROW_CIFAR = (*narrow((4, 4, 4, 4), (8,), (4, 4)), *PAIR)


def config_of(name):
    return f"--config={ROOT / 'configs' / f'clustergan_{name}.py'}"


def arrays(folder, shape):
    x = np.random.default_rng(0).integers(0, 256, (N, *shape)).astype(np.uint8)
    np.savez(folder / "images.npz", x=x, y=np.arange(N) % 3)
    return f"--config.data.path={folder / 'images.npz'}"


def test_every_config_has_its_shape_here():
    assert {file.stem for file in (ROOT / "configs").glob("clustergan_*.py")} == {f"clustergan_{n}" for n in SHAPES}


@contextlib.contextmanager
def stopped_in_the_game():
    """Ctrl-C, heard after the first step of the adversarial phase."""

    def poll():
        caller = inspect.currentframe()
        while caller is not None and "figures" not in caller.f_locals:  # up to the loop over the epochs
            caller = caller.f_back
        if caller is not None and caller.f_locals["phase"].name == "adversarial":
            raise Interrupted(signal.SIGINT)

    yield poll


@pytest.mark.long  # minutes of compiling; the convolutional ones most of all
@pytest.mark.parametrize("name", SHAPES)
def test_every_config_trains_a_step_saves_and_goes_on(name, tmp_path, monkeypatch):
    """Stopped after the first step of the game, in the middle of an epoch, and continued in the same workdir."""
    data, workdir = arrays(tmp_path, SHAPES[name]), tmp_path / "run"
    players = {"mnist": NARROW_MNIST, "frgc": NARROW_CIFAR, "cifar10": NARROW_CIFAR, "stl10": NARROW_CIFAR}
    arguments = (config_of(name), *SHORT, *players.get(name, NARROW), data, f"--workdir={workdir}")
    with monkeypatch.context() as patch:
        patch.setattr(fit, "listen", stopped_in_the_game)
        stopped = command(*arguments)
    assert (stopped.code, "SIGINT: saved. The same command goes on" in stopped.text) == (130, True), stopped.text
    done = command(*arguments)
    assert done.code == 0, done.text
    assert "continuing in adversarial at epoch 0" in done.text
    assert "could not be drawn" not in done.text
    labels = np.load(workdir / "labels.npy")
    assert labels.shape == (N,)
    assert set(labels) <= {0, 1, 2}
    records = [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]
    assert [record["phase"] for record in records] == ["pretrain", "adversarial", "adversarial"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clustergan")
    data = arrays(folder, SHAPES["digits"])
    said = command(config_of("digits"), *SHORT, *NARROW, *PAIR, data, f"--workdir={folder / 'run'}")
    assert said.code == 0, said.text
    return folder, said


def test_a_run_leaves_its_own_files_and_pictures(finished):
    folder, said = finished
    run = folder / "run"
    assert np.load(run / "blocks.npy").shape == (N,)
    assert np.load(run / "embedding.npy").shape == (N, 6)
    pictures = {file.stem for file in (run / "pictures").iterdir()}
    assert pictures == {"losses", "scores", "pca", "tsne", "typical", "confusion", "generated", "similarity_start",
                        "similarity_end"}  # fmt: skip
    results = json.loads((run / "summary.json").read_text())["results"]
    assert results["blocks"].keys() == {"cluster_sizes", "agreement", "scoring"}
    assert results["initial"]["scoring"].keys() == {"acc", "nmi", "ari"}
    assert results["generated"]["diversity"] > 0
    guide = results["initial"]["assignment"]  # the initial clustering, which the untrained players know nothing of
    assert sum(guide["cluster_sizes"]) == N
    assert guide["scoring"].keys() == {"acc", "nmi", "ari"}
    assert "the prior takes all 3 clusters for about equally large" in said.text
    assert any(line.startswith("adversarial: epoch 2/2  loss ") for line in said.text.splitlines())
    assert "adversarial: initial clustering of the embeddings' nearest neighbors" in said.text
    assert "cluster: k-means of the clusterer's outputs, 20 restarts" in said.text
    assert "0/0" not in said.text  # of a phase without epochs


def test_predict_gives_the_training_images_their_labels_again(finished):
    folder, _ = finished
    said = command(f"--predict={folder / 'images.npz'}", f"--workdir={folder / 'run'}")
    assert said.code == 0, said.text
    found = folder / "run" / "predictions" / "images"
    for name in ("labels", "blocks", "confidence"):
        np.testing.assert_array_equal(np.load(found / f"{name}.npy"), np.load(folder / "run" / f"{name}.npy"))


def test_the_seed_decides_and_an_autoencoder_can_be_taken_over(finished, tmp_path):
    folder, _ = finished
    data = f"--config.data.path={folder / 'images.npz'}"
    again = command(config_of("digits"), *SHORT, *NARROW, *PAIR, data, f"--workdir={tmp_path / 'again'}",
                    f"--config.init_from={folder / 'run'}", "--nopictures")  # fmt: skip
    assert again.code == 0, again.text
    np.testing.assert_array_equal(
        np.load(tmp_path / "again" / "embedding.npy"), np.load(folder / "run" / "embedding.npy")
    )


def test_each_variant_has_a_workdir_of_its_own(finished, tmp_path, monkeypatch):
    """A workdir that cannot be made shows in the refusal which one it would have been."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").write_text("")
    data = f"--config.data.path={finished[0] / 'images.npz'}"
    said = refused(f"{config_of('usps_balanced')}:no_gan", *SHORT, data)
    assert "--workdir runs/clustergan_usps_balanced-no_gan-seed0 cannot be written" in said


@pytest.mark.parametrize(
    ("name", "shape", "message"),
    [
        (
            "cifar10",
            (8, 9, 1),
            "config.network does not fit the data: the family 'cifar' needs sides that are multiples",
        ),
        ("mnist", (5,), "config.network does not fit the data: sample_shape must be (h, w, c) for the family 'mnist'"),
    ],
)
def test_images_that_the_players_cannot_take_are_refused(name, shape, message, tmp_path):
    data = arrays(tmp_path, shape)
    assert message in refused(config_of(name), *SHORT, data, f"--workdir={tmp_path / 'run'}")
    assert not (tmp_path / "run").exists()


def test_an_unknown_variant_is_refused():
    message = refused(f"{config_of('usps_balanced')}:papers")
    assert "the variant must be one of printed, paper, rates, codes, scores, views, recipe, no_gan" in message
