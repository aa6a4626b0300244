import contextlib
import os
import time

import numpy as np
import pytest
from PIL import Image

from jaxcluster import data
from jaxcluster.data import folder as folder_room

RNG = np.random.default_rng(3)


def gray(h=5, w=4):
    return RNG.integers(0, 256, (h, w), np.uint8)


def color(h=5, w=4):
    return RNG.integers(0, 256, (h, w, 3), np.uint8)


def save(folder, name, pixels, **options):
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(file, **options)
    return pixels


def load(folder, **options):
    return data.load(path=str(folder), progress=False, **options)


@pytest.fixture(params=[1, 4], ids=["one thread", "four threads"])
def workers(request, monkeypatch):
    monkeypatch.setattr(folder_room, "_workers", lambda seconds: request.param)


@pytest.mark.parametrize("extension", ["png", "bmp", "tif", "TIFF", "PNG", "pgm", "gif"])
def test_gray_images_of_lossless_formats(tmp_path, extension):
    kept = [save(tmp_path, f"{i}.{extension}", gray()) for i in range(3)]
    found = load(tmp_path)
    assert found.images.dtype == np.uint8
    if extension == "gif":  # a GIF is a palette
        assert found.images.shape == (3, 5, 4, 3)
    np.testing.assert_array_equal(found.images[..., 0], kept)
    assert (found.offset, found.scale) == (0, 1 / 255)
    assert found.name == tmp_path.name


def test_color_and_lossy_formats(tmp_path):
    kept = save(tmp_path, "a.png", color())
    save(tmp_path, "b.webp", kept, lossless=True)
    save(tmp_path, "c.jpeg", np.full((5, 4, 3), 200, np.uint8))
    images = load(tmp_path).images
    np.testing.assert_array_equal(images[0], kept)
    np.testing.assert_array_equal(images[1], kept)
    np.testing.assert_allclose(images[2], 200, atol=2)


def test_many_files_in_a_fixed_order_with_folders_as_labels(tmp_path, workers):
    kept = {}
    for i in range(300):
        name = f"{'cba'[i % 3]}/deep{i % 2}/{(i * 7919) % 1000:03d}.png"
        kept[name] = save(tmp_path, name, gray())
    found = load(tmp_path)
    assert found.files == tuple(sorted(kept))
    np.testing.assert_array_equal(found.images[..., 0], [kept[file] for file in sorted(kept)])
    assert found.label_names == ("a", "b", "c")
    np.testing.assert_array_equal(found.labels, np.repeat([0, 1, 2], 100))


def test_folders_are_no_labels_if_an_image_lies_outside_or_there_is_one_only(tmp_path):
    save(tmp_path, "all/a.png", gray())
    save(tmp_path, "all/b.png", gray())
    assert load(tmp_path).labels is None
    save(tmp_path, "c.png", gray())
    save(tmp_path, "more/d.png", gray())
    found = load(tmp_path)
    assert found.labels is None
    assert found.files == ("all/a.png", "all/b.png", "c.png", "more/d.png")


def test_labels_of_a_folder_may_come_from_a_file(tmp_path):
    for name in "cab":
        save(tmp_path, f"images/{name}.png", gray())
    (tmp_path / "y.txt").write_text("ant\nbee\nant\n")
    found = load(tmp_path / "images", labels_path=str(tmp_path / "y.txt"))
    assert found.files == ("a.png", "b.png", "c.png")
    np.testing.assert_array_equal(found.labels, [0, 1, 0])
    assert found.label_names == ("ant", "bee")


def test_hidden_and_other_files_are_left_out(tmp_path):
    kept = save(tmp_path, "a.png", gray())
    save(tmp_path, ".b.png", gray())
    save(tmp_path, ".thumbs/c.png", gray())
    (tmp_path / "notes.txt").touch()
    said = []
    found = load(tmp_path, report=said.append)
    np.testing.assert_array_equal(found.images[..., 0], [kept])
    assert said == [f"data.path='{tmp_path}': 1 files that are no images were left out"]


def test_links_to_folders_are_followed_and_circles_end(tmp_path):
    save(tmp_path, "elsewhere/a.png", gray())
    save(tmp_path, "images/dogs/b.png", gray())
    os.symlink(tmp_path / "elsewhere", tmp_path / "images" / "cats")
    os.symlink(tmp_path / "images", tmp_path / "images" / "dogs" / "again")
    assert load(tmp_path / "images").files == ("cats/a.png", "dogs/b.png")


def test_one_image_file(tmp_path):
    save(tmp_path, "other.png", gray(9, 9))
    kept = save(tmp_path, "a.png", gray())
    found = load(tmp_path / "a.png")
    np.testing.assert_array_equal(found.images[0, ..., 0], kept)
    assert found.files == ("a.png",)
    assert found.name == "a"


def test_bits_are_black_and_white(tmp_path):
    plain = gray()
    save(tmp_path, "a.png", Image.fromarray(plain > 127))
    np.testing.assert_array_equal(load(tmp_path).images[0, ..., 0], np.where(plain > 127, 255, 0))


def test_a_palette_counts_as_color(tmp_path):
    indices = Image.fromarray(np.array([[0, 1], [2, 1]], np.uint8)).convert("L")
    indices.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90])
    save(tmp_path, "a.png", indices)
    expected = [[[10, 20, 30], [40, 50, 60]], [[70, 80, 90], [40, 50, 60]]]
    np.testing.assert_array_equal(load(tmp_path).images[0], expected)


def test_deep_gray_stays_exact_and_is_stretched(tmp_path):
    deep = np.array([[[1000, 5000], [40000, 65535]], [[2000, 3000], [4000, 5000]]], np.uint16)
    for i in range(2):
        save(tmp_path, f"{i}.png", deep[i])
    found = load(tmp_path, report=lambda sentence: None)
    assert found.images.dtype == np.float32
    np.testing.assert_array_equal(found.images[..., 0], deep)
    assert (found.offset, found.scale) == (1000, 1 / 64535)


@pytest.mark.parametrize("color_at", [0, 1, 150, 199])
def test_mixed_gray_and_color_become_color(tmp_path, workers, color_at):
    kept = [save(tmp_path, f"{i:03d}.png", color() if i == color_at else gray()) for i in range(200)]
    images = load(tmp_path).images
    assert images.shape == (200, 5, 4, 3)
    for image, pixels in zip(images, kept):
        np.testing.assert_array_equal(image, pixels if pixels.ndim == 3 else np.dstack([pixels] * 3))


def test_gray_images_for_a_model_of_color_and_the_reverse(tmp_path):
    save(tmp_path, "color/a.png", color())
    kept = save(tmp_path, "gray/a.png", gray())
    fitted = load(tmp_path / "color")
    np.testing.assert_array_equal(load(tmp_path / "gray", like=fitted).images[0, ..., 2], kept)
    with pytest.raises(data.DataError, match=r"a sample has shape \(5, 4, 3\), but .* fitted on \(5, 4, 1\)"):
        load(tmp_path / "color", like=load(tmp_path / "gray"))


def test_empty_folder(tmp_path):
    with pytest.raises(data.DataError, match=r"no images in the folder \(0 files of other kinds\); expected .png"):
        load(tmp_path)
    (tmp_path / "a.txt").touch()
    with pytest.raises(data.DataError, match=r"no images in the folder \(1 files of other kinds\)"):
        load(tmp_path)


@pytest.mark.parametrize("broken", [0, 150])
@pytest.mark.parametrize("damage", ["cut", "noise", "empty"])
def test_an_unreadable_image_is_skipped_and_listed_or_refused(tmp_path, workers, broken, damage):
    kept = [save(tmp_path, f"{i:03d}.png", gray(20, 20)) for i in range(160)]
    file = tmp_path / f"{broken:03d}.png"
    content = file.read_bytes()
    file.write_bytes({"cut": content[: len(content) // 2], "noise": b"no image", "empty": b""}[damage])
    said = []
    found = load(tmp_path, report=said.append)
    np.testing.assert_array_equal(found.images[..., 0], kept[:broken] + kept[broken + 1 :])
    assert [name for name, reason in found.skipped] == [file.name]
    assert file.name not in found.files
    assert len(found.files) == 159
    assert "1 of 160 images cannot be read and are skipped" in said[0]
    with pytest.raises(data.DataError, match=f"^data.path='{tmp_path}': cannot read image '{file.name}' "):
        load(tmp_path, strict=True)


def test_a_folder_with_more_than_a_tenth_of_unreadable_images_is_refused(tmp_path):
    for i in range(20):
        save(tmp_path, f"{i:02d}.png", gray())
    for i in (4, 9):
        (tmp_path / f"{i:02d}.png").write_bytes(b"")
    assert len(load(tmp_path, report=lambda sentence: None).skipped) == 2
    (tmp_path / "11.png").write_bytes(b"")
    with pytest.raises(
        data.DataError, match=r"3 of 20 images cannot be read, more than 10% \(first: '04.png', the file"
    ):
        load(tmp_path)
    with pytest.raises(data.DataError, match=r"cannot read image '11.png' \(the file is empty"):
        load(tmp_path / "11.png")


@pytest.mark.parametrize("at", [1, 150])
def test_images_of_different_sizes_are_both_named(tmp_path, workers, at):
    for i in range(160):
        save(tmp_path, f"{i:03d}.png", gray(6, 4) if i == at else gray(5, 4))
    message = rf"images of different sizes: '000.png' is 4x5 and '{at:03d}.png' is 4x6 \(width x height\)"
    with pytest.raises(data.DataError, match=message):
        load(tmp_path)


def test_threads_are_for_images_that_take_their_time():
    assert folder_room._workers(50e-6) == 1
    assert folder_room._workers(5e-3) > 1


def test_a_folder_that_cannot_be_read(tmp_path, monkeypatch):
    save(tmp_path, "a/a.png", gray())
    scandir = os.scandir

    def guarded(path):
        if str(path).endswith("a"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", guarded)  # a superuser, as containers have it, may read everything
    with pytest.raises(data.DataError, match=rf"cannot read folder '{tmp_path / 'a'}' \(Permission denied\)"):
        load(tmp_path)


def test_an_interrupt_ends_the_threads(tmp_path, monkeypatch):
    monkeypatch.setattr(folder_room, "_workers", lambda seconds: 2)
    for i in range(1000):
        save(tmp_path, f"{i:04d}.png", gray())
    decoded = []
    decode = folder_room.decode

    def counted(path, plan):
        decoded.append(path)
        time.sleep(1e-3)
        return decode(path, plan)

    @contextlib.contextmanager
    def interrupted(description, total, shown):
        def advance(n):
            if n == folder_room.CHUNK:
                raise KeyboardInterrupt

        yield advance

    monkeypatch.setattr(folder_room, "decode", counted)
    monkeypatch.setattr(folder_room, "bar", interrupted)
    with pytest.raises(KeyboardInterrupt):
        load(tmp_path)
    assert len(decoded) < 900


def test_folders_are_no_labels_where_images_lie_outside_of_them(tmp_path):
    for shade, name in enumerate(("a/1.png", "b/2.png", "3.png")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("L", (2, 2), 50 * shade).save(tmp_path / name)
    said = []
    assert data.load(path=str(tmp_path), report=said.append).labels is None
    assert any("1 of 3 images lie outside sub-folders (first: '3.png')" in sentence for sentence in said)
