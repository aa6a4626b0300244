"""The page: one file, balanced, without script and network, bounded in size, and true to what it is given."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from jaxcluster.plots import page
from jaxcluster.plots.page import layout
from tests.plots.page.examples import HISTORY, contents, read

HOSTILE = [
    '<script>alert("1")</script>',
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "{{ 7 * 7 }} {% raw %}",
    "</title></style><b>",
    "http://example.org/a.png",
    "\x00\x1b[31m\ud800 \u202egnp.exe",
    "<!-- --> & &amp; ]]>",
]


def full(**given) -> page.Contents:
    n = 60
    rng = np.random.default_rng(1)
    stream = io.BytesIO()
    Image.new("RGB", (5, 5)).save(stream, "png")
    fields = {
        "findings": ["Cluster 2 looks odd."],
        "probabilities": rng.dirichlet(np.ones(3), n),
        "initial_labels": np.arange(n) // 2 % 3,
        "classes": np.arange(n) % 4,
        "class_names": ["cat", "dog", "cow", "pig"],
        "names": [f"folder/{i}.png" for i in range(n)],
        "scores": {"final": {"acc": 0.5, "nmi": 0.25}, "initial": {"acc": 0.125}},
        "history": HISTORY,
        "figures": [page.Figure("a square", stream.getvalue(), "a black square")],
        "warnings": ["Mind the gap."],
        "settings": {"n_clusters": 3, "network": {"hidden": (5, 6)}},
        "command": "python -m jaxcluster.main --config=x.py",
        "versions": {"numpy": "2.0"},
        "device": {"platform": "cpu"},
        "seconds": {"pretrain": 1.25},
    }
    return contents(n, 3, **(fields | given))


def test_everything_that_is_given_is_on_the_page():
    found = read(page.render(full()))
    words = found.words()
    for text in (
        "60 samples in 3 clusters, 20 in each.",
        "What looks wrong Cluster 2 looks odd.",
        "Mind the gap.",
        "folder/0.png",
        "cow",
        "0.125",
        "Loss: pretrain",
        "Label change",
        "network.hidden (5, 6)",
        "python -m jaxcluster.main --config=x.py",
        "pretrain 1.25",
    ):
        assert text in words, text
    assert {"alt": "a black square"}.items() <= found.all("img")[-1].items()
    # Nothing about the given labels stands above the section that is marked so.
    before = words[: words.index("Scores against the given labels")]
    assert not any(name in before for name in ("cow", "ACC", "0.125"))
    assert "For scoring only" in words


def test_only_what_is_needed():
    words = read(page.render(contents())).words()
    assert "No check for empty, merged or split clusters was made." in words
    assert not any(text in words for text in ("scoring", "Training", "Names of", "How it was made"))
    assert "Nothing looks wrong" in read(page.render(contents(findings=[]))).words()


def test_hostile_names_are_shown_and_do_nothing():
    n = 60
    names = [HOSTILE[i % len(HOSTILE)] for i in range(n)]
    evil = full(
        title=HOSTILE[0],
        names=names,
        class_names=HOSTILE[:4],
        findings=HOSTILE,
        warnings=HOSTILE,
        settings=dict(zip(HOSTILE, HOSTILE, strict=True)),
        versions=dict(zip(HOSTILE, HOSTILE, strict=True)),
        seconds={HOSTILE[0]: 1.0},
        command=" ".join(HOSTILE),
        scores={HOSTILE[1]: {HOSTILE[2]: 1.0}},
        history=[{"phase": HOSTILE[4], "epoch": 0, f"loss{HOSTILE[0]}": 1.0, "loss": 2.0}],
        figures=[page.Figure(HOSTILE[0], b"", HOSTILE[1])],
    )
    text = page.render(evil)
    plain = read(page.render(full()))
    found = read(text)
    assert {tag for tag, _ in found.elements} <= {tag for tag, _ in plain.elements}
    assert {name for _, a in found.elements for name in a} <= {name for _, a in plain.elements for name in a}
    assert '<script>alert("1")</script>' in found.words()
    assert "{{ 7 * 7 }}" in found.words()
    assert not {"\x00", "\x1b", "\u202e"} & set(text)
    vectors = contents(shape=(4,), feature_names=HOSTILE[:4], samples=np.random.default_rng(0).random((60, 4)))
    assert "<script>" not in page.render(vectors)


def test_images_show_what_was_given():
    samples = np.zeros((4, 5, 7, 3), np.uint8)
    samples[2] = (10, 200, 30)
    found = read(page.render(contents(4, 2, shape=(5, 7, 3), samples=samples, names=list("abcd"))))
    uri = next(a["src"] for a in found.all("img") if a["alt"] == "c")
    with Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))) as picture:
        assert picture.size == (7, 5)
        assert picture.convert("RGB").getpixel((3, 3)) == (10, 200, 30)
        assert picture.format == "PNG"


@pytest.mark.parametrize("k", [10, 120])
def test_seventy_thousand_samples_stay_below_ten_megabytes(k):
    class Noise:  # nothing compresses worse
        shape = (70_000, 40, 40, 3)
        asked = 0

        def __getitem__(self, rows):
            Noise.asked += len(rows)
            return np.random.default_rng(len(rows)).integers(256, size=(len(rows), *self.shape[1:]), dtype=np.uint8)

    n = 70_000
    given = contents(n, k, shape=(1,), names=[f"{'long/' * 80}{i}.png" for i in range(n)], classes=np.arange(n) % 9)
    text = page.render(given._replace(samples=Noise()))
    read(text)
    assert Noise.asked < 4000  # only those that are shown
    assert "2,000 of 70,000 samples" in text
    assert ("The 100 largest clusters are shown with samples." in text) == (k > 100)


def test_more_clusters_than_a_table_holds():
    words = read(page.render(contents(1400, 700, shape=(3,)))).words()
    assert "(the 500 largest of 700)" in words
    assert "1,400 samples in 700 clusters" in words


def test_empty_clusters_left_out_samples_and_confidence_that_is_no_number():
    given = contents(60, 5)
    labels = np.where(given.labels == 2, 0, given.labels)
    labels[labels == 4] = -1
    confidence = given.confidence.copy()
    confidence[:10] = np.nan
    found = read(page.render(given._replace(labels=labels, confidence=confidence)))
    words = found.words()
    assert "60 samples in 5 clusters, 2 of them empty; sizes from 12 to 24." in words
    assert "12 samples (20.0 %) are left out of all clusters." in words
    assert "2 empty 0 %" in words
    assert "nan" not in words.lower()
    read(page.render(given._replace(labels=np.full(60, -1))))


@pytest.mark.parametrize("shape", [(6, 6, 1), (3,), (4, 4, 2)])
def test_one_cluster_and_one_sample(shape):
    words = read(page.render(contents(20, 1, shape=shape))).words()
    assert "20 samples in 1 cluster." in words
    assert "Between clusters" not in words
    assert "1 sample in 1 cluster." in read(page.render(contents(1, 1, shape=shape))).words()


def test_an_embedding_that_is_not_finite_has_no_map():
    given = contents()
    given.embedding[3, 1] = np.inf
    found = read(page.render(given))
    assert "There is no map" in found.words()
    assert found.all("svg") == []


def test_given_coordinates_make_the_map():
    coordinates = np.full((60, 2), np.nan)
    coordinates[:6] = np.arange(12).reshape(6, 2)
    found = read(page.render(contents(coordinates=coordinates)))
    assert "6 of 60 samples in the coordinates that were given" in found.words()
    assert sum(a["d"].count("M") for a in found.all("path") if "points" in a["class"]) == 6


def test_feature_vectors_have_a_table_instead_of_pictures():
    rng = np.random.default_rng(0)
    samples = rng.normal(size=(60, 12))
    samples[np.arange(60) % 3 == 1, 7] += 9
    names = [f"column_{j}" for j in range(12)]
    found = read(page.render(contents(samples=samples, feature_names=names, names=[f"row {i}" for i in range(60)])))
    assert found.all("img") == []
    words = found.words()
    table = words[words.index("Features that set cluster 1 apart") :]
    assert table.index("column_ 7") < min(table.index(f"column_ {j} ") for j in (1, 2))
    assert "row 4" in words


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": np.zeros(60)}, r"labels must be integers"),
        ({"labels": np.full(60, 3)}, r"labels must be -1 to 2"),
        ({"confidence": np.zeros(59)}, r"confidence must have 60 rows as labels have, got 59"),
        ({"samples": np.zeros(60)}, r"samples must have shape"),
        ({"classes": [1]}, r"classes must have 60 rows"),
    ],
)
def test_wrong_contents(change, message):
    with pytest.raises(ValueError, match=message):
        page.render(contents(**change))


def test_figures_beyond_the_bound_are_named():
    big = page.Figure("a wall", bytes(2_000_000), "a wall")
    words = read(page.render(full(figures=[big]))).words()
    assert "Too large for this page: a wall." in words


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0, "0.00"),
        (0.5, "0.50"),
        (0.99, "0.99"),
        (0.9961, "0.996"),
        (0.99964, "0.9996"),
        (1.0, "1.00"),
        (np.nan, "–"),
    ],
)
def test_confidences_near_one_are_told_apart(value, shown):
    assert layout._confidence(value) == shown
