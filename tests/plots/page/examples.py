"""Pages to test with: a small one of images and one of feature vectors, and a reader of what they hold."""

import html.parser
import itertools

import numpy as np

from jaxcluster.plots import page

VOID = {"meta", "link", "img", "br", "wbr", "hr", "input"}
ADDRESSES = {"src", "href", "srcset", "action", "data", "poster", "xlink:href", "background"}


def contents(n: int = 60, k: int = 3, *, shape=(6, 6, 1), seed: int = 0, **given) -> page.Contents:
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % k
    centers = 5 * rng.normal(size=(k, 4))
    fields = {
        "title": "a run",
        "samples": rng.random((n, *shape)).astype(np.float32),
        "labels": labels,
        "confidence": rng.random(n),
        "embedding": centers[labels] + rng.normal(size=(n, 4)),
        "centers": centers,
    }
    return page.Contents(**(fields | given))


HISTORY = [
    {"phase": phase, "epoch": epoch, "loss": 1 / (epoch + 1), "change": 0.5 / (epoch + 1), "acc": 0.1 * epoch}
    for phase in ("pretrain", "finetune")
    for epoch in range(4)
]


class Read(html.parser.HTMLParser):
    """The elements of a page as (tag, attributes), its text, ids and links; AssertionError where tags do not match."""

    def __init__(self, text: str):
        super().__init__()
        self.elements, self.text, self.open, self.in_style = [], [], [], False
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        assert "svg" in self.open, f"<{tag}/> is no void element in HTML"
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open
        assert self.open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data):
        if "style" not in self.open:
            self.text.append(data)

    def all(self, tag: str) -> list[dict]:
        return [attributes for name, attributes in self.elements if name == tag]

    def words(self) -> str:
        return " ".join(" ".join(self.text).split())


def read(text: str) -> Read:
    """Parse a page and hold it to what every page must be."""
    assert text.startswith("<!DOCTYPE html>")
    text.encode("utf-8")
    assert len(text.encode()) < 10_000_000
    found = Read(text)
    tags = {tag for tag, _ in found.elements}
    assert not tags & {"script", "iframe", "object", "embed", "form", "base", "foreignobject"}
    ids = [attributes["id"] for _, attributes in found.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for tag, attributes in found.elements:
        for name, value in attributes.items():
            assert not name.startswith("on"), f"{tag} {name}"
            assert name not in ADDRESSES or value.startswith(("data:", "#")), f"{tag} {name}={value}"
            if name == "href" and value.startswith("#"):
                assert value[1:] in ids
        if tag == "img":
            assert attributes["alt"].strip()
            assert attributes["src"].startswith("data:image/")
        if tag == "svg":
            assert attributes["role"] == "img"
            assert attributes["aria-label"].strip()
    style = text[text.index("<style>") : text.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style
    headings = [int(tag[1]) for tag in (name for name, _ in found.elements) if tag in {"h1", "h2", "h3", "h4"}]
    assert headings[0] == 1
    assert headings.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(headings)), "a level is left out"
    assert tables_have_captions(found)
    return found


def tables_have_captions(found: Read) -> bool:
    return len(found.all("table")) == len(found.all("caption"))
