import subprocess
import sys

import numpy as np
import pytest

from jaxcluster import data
from tests.data import prepared


def images(n, h=5, w=4, c=3, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, h, w, c), np.uint8)


@pytest.fixture
def fauna(tmp_path):
    pictures, labels = images(9), [0, 1, 2, 2, 1, 0, 0, 1, 2]
    samples = list(zip(pictures, labels))
    prepared.write(tmp_path, "fauna", {"train": samples[:6], "test": samples[6:]})
    return tmp_path, pictures, labels


def load(folder, name="fauna", **options):
    return data.load(name=name, data_dir=str(folder), progress=False, **options)


def test_digits_are_those_of_scikit_learn():
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    found = data.load(name="digits")
    assert found.images.dtype == np.uint8
    assert found.images.shape == (1797, 8, 8, 1)
    np.testing.assert_array_equal((found.images * found.scale).reshape(1797, 64), x / 16)
    np.testing.assert_array_equal(found.labels, y)
    assert found.label_names == tuple("0123456789")


def test_digits_have_no_splits():
    with pytest.raises(data.DataError, match=r"^data.split='test': 'digits' has no splits; expected"):
        data.load(name="digits", split="test")


@pytest.mark.parametrize(
    ("split", "rows"), [("train+test", slice(9)), ("test", slice(6, 9)), ("train[2:4]", slice(2, 4))]
)
def test_a_prepared_dataset_comes_back_as_written(fauna, split, rows):
    folder, pictures, labels = fauna
    found = load(folder, split=split)
    np.testing.assert_array_equal(found.images, pictures[rows])
    np.testing.assert_array_equal(found.labels, labels[rows])
    assert found.labels.dtype == np.int32
    assert found.label_names == ("cat", "dog", "fox")
    assert (found.offset, found.scale) == (0, 1 / 255)


def test_several_chunks_keep_their_order(tmp_path):
    pictures = images(1300, 3, 2, 1)
    samples = [(picture, i % 3) for i, picture in enumerate(pictures)]
    prepared.write(tmp_path, "many", {"train": samples}, sizes=("3", "2"))
    found = load(tmp_path, "many", split="train")
    np.testing.assert_array_equal(found.images, pictures)
    np.testing.assert_array_equal(found.labels, np.arange(1300) % 3)


def test_the_folder_may_come_from_the_environment(fauna, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(fauna[0]))
    assert len(data.load(name="fauna", progress=False).images) == 9


def test_reading_takes_neither_tensorflow_nor_jax(fauna):
    code = (
        "import sys; from jaxcluster import data; "
        "before = {'tensorflow_datasets', 'sklearn', 'PIL', 'rich'} & set(sys.modules); "
        f"data.load(name='fauna', data_dir={str(fauna[0])!r}); "
        "print(before, 'tensorflow' in sys.modules, 'jax' in sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "set() False False"
    assert out.stderr == ""  # TFDS's own warnings are of no concern to the user


def test_labels_are_optional(tmp_path):
    prepared.write(tmp_path, "plain", {"train": [(p, None) for p in images(3)]})
    found = load(tmp_path, "plain", split="train")
    assert found.images.shape == (3, 5, 4, 3)
    assert found.labels is None
    assert found.label_names is None


def test_unknown_labels_are_left_out_and_it_is_said(tmp_path):
    prepared.write(tmp_path, "partly", {"train": list(zip(images(3), [0, -1, 1]))})
    said = []
    assert load(tmp_path, "partly", split="train", report=said.append).labels is None
    assert said == ["data.name='partly': 1 of 3 labels are unknown, so labels are left out"]


def test_an_unknown_name_is_said_with_near_ones(tmp_path):
    with pytest.raises(data.DataError, match=r"data.name='mnsit' is unknown \(near: mnist, .*expected 'digits'"):
        load(tmp_path, "mnsit")


@pytest.mark.parametrize("name", ["mnist:9.9.9", "../mnist", "cifar10/none"])
def test_a_name_that_tfds_cannot_take(tmp_path, name):
    with pytest.raises(data.DataError, match=f"data.name='{name}': TensorFlow Datasets refuses it"):
        load(tmp_path, name)


def test_not_prepared_gives_the_command(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    command = r"pip install 'jaxcluster\[prepare\]' && python -m jaxcluster.data.prepare cifar10"
    message = f"^data.name='cifar10' is not prepared in {tmp_path} .*: {command} --data_dir={tmp_path}$"
    with pytest.raises(data.DataError, match=message):
        load(tmp_path, "cifar10")


def test_prepared_in_a_form_that_needs_tensorflow(tmp_path):
    prepared.write(tmp_path, "old", {"train": [(images(1)[0], 0)]}, file_format="tfrecord")
    with pytest.raises(data.DataError, match=r"data.name='old' is prepared in .*, but not as array_record"):
        load(tmp_path, "old", split="train")


@pytest.mark.parametrize("split", ["trian", "train[", "", "train[:0]"])
def test_a_split_that_does_not_exist(fauna, split):
    with pytest.raises(data.DataError, match=r"^data.split='.*': 'fauna' has the splits (train|test), t"):
        load(fauna[0], split=split)


def test_images_of_different_sizes(tmp_path):
    samples = [(images(1)[0], 0), (images(1, h=7)[0], 1)]
    prepared.write(tmp_path, "uneven", {"train": samples}, sizes=("-1", "-1"))
    with pytest.raises(data.DataError, match=r"sample 0 is \(5, 4, 3\) and sample 1 is \(7, 4, 3\)"):
        load(tmp_path, "uneven", split="train")


def test_a_truncated_record_file(fauna):
    (file,) = (fauna[0] / "fauna" / "1.0.0").glob("*train*")
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(data.DataError, match=r"data.name='fauna': the prepared files cannot be read"):
        load(fauna[0])


def test_labels_path_does_not_go_with_a_name():
    with pytest.raises(data.DataError, match=r"^data.labels_path='y.npy': goes with data.path; 'digits'"):
        data.load(name="digits", labels_path="y.npy")


def test_a_missing_record_file(fauna):
    (file,) = (fauna[0] / "fauna" / "1.0.0").glob("*test*")
    file.unlink()
    with pytest.raises(data.DataError, match=r"data.name='fauna'"):
        load(fauna[0])
