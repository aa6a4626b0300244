"""What becomes of one picture: its orientation, transparency, depth and size; and what is never opened."""

import os
import socket
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from jaxcluster import data
from jaxcluster.data import discovery, shaping

RNG = np.random.default_rng(5)


def gray(h=5, w=4):
    return RNG.integers(0, 256, (h, w), np.uint8)


def save(folder, name, pixels, **options):
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(file, **options)


def load(folder, **options):
    said = options.pop("said", [])
    return data.load(path=str(folder), progress=False, report=said.append, **options)


# EXIF's orientations, as the standard draws them: which array a viewer shows for the stored one.
SHOWN = {
    1: lambda x: x,
    2: np.fliplr,
    3: lambda x: np.rot90(x, 2),
    4: np.flipud,
    5: lambda x: x.T,
    6: lambda x: np.rot90(x, -1),
    7: lambda x: np.rot90(x, 2).T,
    8: np.rot90,
}


@pytest.mark.parametrize("orientation", SHOWN)
@pytest.mark.parametrize("extension", ["png", "tif"])
def test_orientation_is_applied(tmp_path, orientation, extension):
    stored = gray()
    exif = Image.Exif()
    exif[274] = orientation
    save(tmp_path, f"a.{extension}", stored, exif=exif)
    np.testing.assert_array_equal(load(tmp_path).images[0, ..., 0], SHOWN[orientation](stored))


@pytest.mark.parametrize(("brightness", "ground"), [(10, 255), (240, 0)])
def test_transparent_drawings_show_on_their_ground(tmp_path, brightness, ground):
    shapes = RNG.integers(0, 256, (6, 5, 4), np.uint8)
    for i, alpha in enumerate(shapes):
        save(tmp_path, f"{i}.png", np.dstack([np.full_like(alpha, brightness)] * 3 + [alpha]))
    said = []
    found = load(tmp_path, said=said)
    share = shapes[..., None] / 255
    np.testing.assert_allclose(found.images, np.repeat(share * brightness + (1 - share) * ground, 3, -1), atol=0.5)
    assert len(said) == 1
    assert f"6 images have transparent pixels; shown on {'black' if ground == 0 else 'white'}" in said[0]
    other = load(tmp_path, ground="black" if ground else "white")
    assert (other.images != found.images).any()
    # New pictures lie on the ground of the fitted ones, whatever their own brightness.
    save(tmp_path, "new/a.png", np.dstack([np.full_like(shapes[0], 255 - brightness), shapes[0]]))
    new = load(tmp_path / "new", like=found)
    np.testing.assert_allclose(
        new.images[0], share[0] * (255 - brightness) + (1 - share[0]) * ground + np.zeros(3), atol=0.5
    )


def test_what_lies_under_transparent_pixels_does_not_count(tmp_path):
    for i in range(3):
        picture = np.zeros((4, 4, 4), np.uint8)
        picture[..., :3] = RNG.integers(0, 256, 3)
        picture[1:3, 1:3] = (200, 60, 30, 255)
        save(tmp_path, f"{i}.png", picture)
    found = load(tmp_path)
    assert (found.images == found.images[0]).all()


def test_opaque_alpha_asks_for_no_ground_and_a_palette_may_be_transparent(tmp_path):
    save(tmp_path, "opaque/a.png", np.dstack([gray(), np.full((5, 4), 255, np.uint8)]))
    said = []
    assert load(tmp_path / "opaque", said=said).images.shape == (1, 5, 4, 1)
    assert said == []
    indices = Image.fromarray(np.array([[0, 1], [1, 0]], np.uint8)).convert("L")
    indices.putpalette([0, 0, 0, 40, 50, 60])
    save(tmp_path, "palette/a.png", indices, transparency=0)
    found = load(tmp_path / "palette")
    np.testing.assert_array_equal(found.images[0], [[[255] * 3, [40, 50, 60]], [[40, 50, 60], [255] * 3]])


def test_depths_are_brought_together(tmp_path):
    eight = gray()
    save(tmp_path, "all/a.png", eight)
    save(tmp_path, "all/b.png", eight.astype(np.uint16) * 257)
    save(tmp_path, "all/c.tif", (eight / 255).astype(np.float32))
    said = []
    found = load(tmp_path / "all", said=said)
    assert found.images.dtype == np.float32
    np.testing.assert_allclose(found.images, np.broadcast_to(eight[..., None] / 255, (3, 5, 4, 1)), rtol=1e-6)
    assert (found.offset, found.scale) == (0, 1)
    assert "different bit depths" in said[0]
    # and to the depth of the data that a model was fitted on
    save(tmp_path, "fitted/a.png", eight)
    for name in "abc":
        file = next((tmp_path / "all").glob(f"{name}.*"))
        new = load(file, like=load(tmp_path / "fitted"))
        np.testing.assert_allclose(new.images[0, ..., 0], eight, rtol=1e-5)


@pytest.mark.parametrize("kind", [np.uint8, np.float32])
@pytest.mark.parametrize("channels", [1, 2, 3])
def test_sizes_keep_the_aspect(kind, channels):
    drawing = np.zeros((20, 40, channels), kind)
    drawing[5:15, 10:30] = 200
    padded = shaping.to_size(drawing, (10, 10), "pad")
    assert padded.shape == (10, 10, channels)
    assert padded.dtype == kind
    assert (padded[:2] == 0).all()
    assert (padded[8:] == 0).all()
    # 40x20 becomes 10x5, and 20x10 in its middle 5x2.5: the mean of what is drawn stays
    assert padded[2:7].mean() == pytest.approx(50, rel=0.03)
    cropped = shaping.to_size(drawing, (10, 10), "crop")
    assert cropped.mean() == pytest.approx(100, rel=0.03)
    assert cropped[:, [0, -1]].mean() == pytest.approx(100, rel=0.06)


def test_shrinking_averages(tmp_path):
    stripes = np.zeros((64, 64, 1), np.uint8)
    stripes[::2] = 255
    small = shaping.to_size(stripes, (8, 8), "pad")
    assert np.abs(small[1:-1].astype(float) - 127.5).max() < 4  # taking every eighth row would give 0 or 255


def test_padding_takes_the_color_of_the_border():
    paper = np.full((10, 4, 3), (250, 240, 230), np.uint8)
    paper[4:6, 1:3] = 0
    padded = shaping.to_size(paper, (10, 10), "pad")
    np.testing.assert_array_equal(padded[:, 0], np.broadcast_to((250, 240, 230), (10, 3)))


def test_mixed_sizes_are_read_with_a_size_and_new_pictures_take_it(tmp_path):
    for i, (h, w) in enumerate([(30, 30), (60, 30), (31, 100)]):
        save(tmp_path, f"{i}.png", gray(h, w))
    with pytest.raises(data.DataError, match=r"data.size brings them to one size, for example data.size=32"):
        load(tmp_path)
    found = load(tmp_path, size=16)
    assert found.images.shape == (3, 16, 16, 1)
    assert load(tmp_path, size="8,24").images.shape == (3, 8, 24, 1)
    new = load(tmp_path / "1.png", like=found)
    np.testing.assert_array_equal(new.images[0], found.images[1])


def test_images_of_arrays_take_a_size_too(tmp_path):
    np.save(tmp_path / "x.npy", np.repeat(np.repeat(gray(4, 4)[None], 8, 1), 8, 2))
    found = load(tmp_path / "x.npy", size=4)
    assert found.images.shape == (1, 4, 4, 1)
    whole = np.load(tmp_path / "x.npy").reshape(4, 8, 4, 8).mean((1, 3))
    assert np.corrcoef(found.images.ravel(), whole.ravel())[0, 1] > 0.97
    new = load(tmp_path / "x.npy", like=found.frame)
    np.testing.assert_array_equal(new.images, found.images)


@pytest.mark.parametrize("size", [-1, "a", (1, 2, 3), 0.5, True, 10**6, (3, None)])
def test_sizes_that_are_none(size):
    with pytest.raises(
        data.DataError, match=r"^data.size=.*: expected a number of pixels, or height and width, from 1"
    ):
        shaping.as_size(size)


def test_a_jpeg_is_decoded_small_but_shows_the_same(tmp_path):
    y, x = np.mgrid[:256, :256]
    picture = np.uint8(127 + 60 * np.sin(x / 40) + 60 * np.cos(y / 30))
    save(tmp_path, "a.jpg", picture, quality=95)
    expected = shaping.to_size(picture[..., None], (16, 16), "pad")
    np.testing.assert_allclose(load(tmp_path, size=16).images[0].astype(float), expected, atol=3)


def test_pipes_sockets_and_dead_links_are_not_opened(tmp_path):
    for i in range(40):
        save(tmp_path, f"{i:02d}.png", gray())
    os.mkfifo(tmp_path / "pipe.png")
    os.symlink("nowhere", tmp_path / "dead.png")
    plug = socket.socket(socket.AF_UNIX)
    plug.bind(os.path.relpath(tmp_path / "plug.png"))
    plug.close()
    found = load(tmp_path)
    assert dict(found.skipped) == {"pipe.png": "a named pipe", "dead.png": "a link to nothing", "plug.png": "a socket"}
    assert len(found.files) == 40
    with pytest.raises(data.DataError, match="a named pipe; expected a regular file"):
        load(tmp_path / "pipe.png")
    os.mkfifo(tmp_path / "x.npy")
    with pytest.raises(data.DataError, match="a named pipe; expected a regular file"):
        load(tmp_path / "x.npy")


def bomb(width, height):
    """The PNG header of a huge picture, and next to no pixels."""

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize(("width", "height"), [(9000, 9000), (12000, 12000), (60000, 60000)])
def test_huge_pictures_are_refused_by_their_header(tmp_path, width, height):
    (tmp_path / "a.png").write_bytes(bomb(width, height))
    with pytest.raises(data.DataError, match="at most 67,108,864 are read"):
        load(tmp_path / "a.png")


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        (
            "a.png",
            b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
            "a PostScript file under the name of a PNG file",
        ),
        ("a.jpg", bomb(3, 3), "a PNG file under the name of a JPEG file"),
        ("a.gif", b"hello", "no GIF file, or damaged"),
    ],
    ids=["PostScript", "PNG", "text"],
)
def test_a_file_does_not_choose_its_decoder(tmp_path, name, content, reason):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(data.DataError, match=reason):
        load(tmp_path / name)


def parts(tmp_path, *files):
    for file in files:
        save(tmp_path, file, gray())
    return tmp_path


def test_classes_below_parts(tmp_path):
    parts(tmp_path, "train/cat/a.png", "train/dog/b.png", "Test/cat/c.png")
    said = []
    found = load(tmp_path, said=said)
    assert found.label_names == ("cat", "dog")
    np.testing.assert_array_equal(found.labels, [0, 0, 1])
    assert found.files == ("Test/cat/c.png", "train/cat/a.png", "train/dog/b.png")
    assert "the folders Test, train are parts of the data; the folders in them are the classes" in said[0]
    assert load(tmp_path, split="train").files == ("train/cat/a.png", "train/dog/b.png")
    with pytest.raises(data.DataError, match=r"data.split='val': .* has the parts Test, train; expected these"):
        load(tmp_path, split="val")


def test_parts_without_classes_are_no_classes(tmp_path):
    said = []
    assert load(parts(tmp_path, "train/a.png", "test/b.png"), said=said).labels is None
    assert "so there are no labels" in said[0]
    assert discovery.folder_labels(("cat/train/a.png", "test/b.png"), "", said.append).tolist() == ["cat", "test"]
