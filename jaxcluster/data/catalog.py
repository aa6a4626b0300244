"""Datasets by name: scikit-learn's bundled digits, and what TFDS has prepared, without TensorFlow."""

import contextlib
import difflib
import importlib.util
import logging
import os
from collections.abc import Callable, Iterator

import numpy as np

from jaxcluster.data.dataset import DataError, Source
from jaxcluster.data.progress import bar

__all__ = ["read_digits", "read_tfds"]

CHUNK = 512
WHOLE = "train+test"


def read_digits(split: str) -> Source:
    """Read the 1,797 handwritten digits of 8x8 pixels, values 0 to 16, that come with scikit-learn.

    Raises:
        DataError: if a split other than the whole is asked for; there is none.
    """
    if split != WHOLE:
        raise DataError(f"data.split='{split}': 'digits' has no splits; expected '{WHOLE}'")
    from sklearn.datasets import load_digits

    digits = load_digits()
    names = tuple(str(name) for name in digits.target_names)
    return Source(digits.images.astype(np.uint8), digits.target.astype(np.int32), names, white=16.0)


def read_tfds(name: str, split: str, data_dir: str, progress: bool, report: Callable[[str], None]) -> Source:
    """Read a dataset that TensorFlow Datasets has prepared as `array_record`; TensorFlow is not needed.

    Args:
        name: as TFDS writes it: `mnist`, `mnist:3.0.1`, `name/config`.
        split: as TFDS writes it: `train+test`, `test`, `train[:10%]`.
        data_dir: folder of prepared datasets; empty: the variable TFDS_DATA_DIR, else ~/tensorflow_datasets.
        progress: whether to show a bar on stderr.
        report: takes a sentence for the user.

    Returns:
        Pixels [n, h, w, c] as they are stored, labels [n] or None, and the names of the classes or None.

    Raises:
        DataError: if TFDS does not know the name, the data are not prepared, the split does not exist, or
            the samples are no arrays of one shape.
    """
    with _quiet():
        data = _open(name, split, data_dir or os.environ.get("TFDS_DATA_DIR", ""))
        features = data.dataset_info.features
        image_key, label_key = _keys(name, features, data.dataset_info.supervised_keys)
        try:
            columns = _read(data, image_key, label_key, name, progress)
        except (DataError, MemoryError):
            raise
        except Exception as error:  # the readers of records and of images raise what they like
            raise DataError(f"data.name='{name}': the prepared files cannot be read ({error})") from error
    return _with_labels(name, *columns, features[label_key] if label_key else None, report)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    # TFDS warns through absl's logger of what is no concern here: OpenCV, metadata of datasets not prepared.
    logger = logging.getLogger("absl")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _open(name: str, split: str, data_dir: str):
    import tensorflow_datasets as tfds

    try:
        builder = tfds.builder(name, data_dir=os.path.expanduser(data_dir) or None)
    except tfds.core.DatasetNotFoundError as error:
        near = difflib.get_close_matches(name, ["digits", *_known_names(tfds)], n=3)
        hint = f" (near: {', '.join(near)})" if near else ""
        raise DataError(
            f"data.name='{name}' is unknown{hint}; expected 'digits' or a name of TensorFlow Datasets such "
            "as mnist, fashion_mnist, cifar10; own data go to data.path"
        ) from error
    except (ValueError, AssertionError, ImportError, RuntimeError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise DataError(
            f"data.name='{name}': TensorFlow Datasets refuses it ({reason}); expected name, name:version or name/config"
        ) from error
    if not builder.is_prepared():
        raise _not_prepared(name, data_dir, builder)
    try:
        data = builder.as_data_source(split=split)
    except NotImplementedError as error:
        raise DataError(
            f"data.name='{name}' is prepared in {builder.data_path}, but not as array_record, the form "
            f"that is read without TensorFlow; prepare it in another folder: {_command(name, 'NEW_FOLDER')}"
        ) from error
    except (ValueError, KeyError, AssertionError) as error:
        splits = ", ".join(builder.info.splits)
        raise DataError(
            f"data.split='{split}': '{name}' has the splits {splits}; expected these, joined by '+', or "
            "slices such as train[:10%]"
        ) from error
    if not hasattr(data, "__getitems__"):  # several splits come back as a container of sources
        raise DataError(f"data.split='{split}': gives several datasets; expected one, such as '{WHOLE}'")
    if len(data) == 0:
        raise DataError(f"data.split='{split}': no samples in this part of '{name}'; expected at least one")
    return data


def _known_names(tfds) -> list[str]:
    try:
        return tfds.list_builders(with_community_datasets=False)
    except Exception:  # a hint is not worth an error of its own
        return []


def _command(name: str, data_dir: str) -> str:
    folder = f" --data_dir={data_dir}" if data_dir else ""
    build = f"python -m jaxcluster.data.prepare {name}{folder}"
    installed = importlib.util.find_spec("tensorflow") is not None
    return build if installed else f"pip install 'jaxcluster[prepare]' && {build}"


def _not_prepared(name: str, data_dir: str, builder) -> DataError:
    folder = data_dir or builder.data_path.parent.parent
    return DataError(
        f"data.name='{name}' is not prepared in {folder} (data.data_dir or TFDS_DATA_DIR says where); this "
        f"command downloads and prepares it: {_command(name, data_dir)}"
    )


def _keys(name: str, features, supervised) -> tuple[str, str | None]:
    keys = supervised if supervised and all(isinstance(key, str) for key in supervised) else ("image", "label")
    image_key = keys[0]
    if image_key not in features or len(features[image_key].shape) not in (1, 2, 3):
        raise DataError(
            f"data.name='{name}' has the features {', '.join(features)}; expected images or vectors under '{image_key}'"
        )
    label_key = keys[1] if len(keys) > 1 and keys[1] != image_key and keys[1] in features else None
    if label_key and features[label_key].shape != ():  # an image-to-image task, a box, a text
        label_key = None
    return image_key, label_key


def _read(data, image_key: str, label_key: str | None, name: str, progress: bool):
    # No pool of threads: the records are read in parallel below `__getitems__`, and decoding small images in
    # several threads takes longer than in one (70,000 MNIST images: 5.5 s in one thread, 7.6 s in four).
    n, first = len(data), np.asarray(data[0][image_key])
    pixels = np.empty((n, *first.shape), first.dtype)
    labels = []
    with bar(f"reading {name}", n, progress) as advance:
        for start in range(0, n, CHUNK):
            samples = data.__getitems__(range(start, min(start + CHUNK, n)))
            for i, sample in enumerate(samples, start):
                image = np.asarray(sample[image_key])
                if image.shape != first.shape:
                    raise DataError(
                        f"data.name='{name}': images of different sizes: sample 0 is {first.shape} and "
                        f"sample {i} is {image.shape}; expected one size"
                    )
                pixels[i] = image
                if label_key:
                    labels.append(sample[label_key])
            advance(len(samples))
    return pixels, np.array(labels) if label_key else None


def _with_labels(name: str, pixels, labels, feature, report: Callable[[str], None]) -> Source:
    if labels is None:
        return Source(pixels)
    names = getattr(feature, "names", None)
    if names is None:
        return Source(pixels, labels)
    unknown = int((labels < 0).sum())  # TFDS stores -1 where a ClassLabel is missing
    if unknown:
        report(f"data.name='{name}': {unknown} of {len(labels)} labels are unknown, so labels are left out")
        return Source(pixels)
    return Source(pixels, labels.astype(np.int32), tuple(names))
