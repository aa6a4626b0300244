"""A prepared TFDS dataset, written without TensorFlow: two JSON files and one record file per split.

A record is a serialized tf.train.Example, whose few protobuf fields are spelled out here byte by byte.
"""

import io
import json
import pathlib

from array_record.python.array_record_module import ArrayRecordWriter
from PIL import Image


def _varint(n: int) -> bytes:
    n &= (1 << 64) - 1  # negative numbers as protobuf's int64 has them
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    return bytes(out) + bytes([n])


def _field(number: int, data: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _example(image, label) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).save(file, "PNG")
    entries = {"image": _field(1, _field(1, file.getvalue()))}
    if label is not None:
        entries["label"] = _field(3, _field(1, _varint(label)))
    pairs = (_field(1, name.encode()) + _field(2, value) for name, value in entries.items())
    return _field(1, b"".join(_field(1, pair) for pair in pairs))


def write(folder: pathlib.Path, name: str, splits: dict, *, sizes=("5", "4"), file_format="array_record"):
    """Write `{split: [(image [h, w, c] uint8, label or None)]}` as version 1.0.0 of a dataset."""
    place = folder / name / "1.0.0"
    place.mkdir(parents=True)
    classes = "tensorflow_datasets.core.features."
    labeled = all(label is not None for samples in splits.values() for _, label in samples)
    channels = str(next(iter(splits.values()))[0][0].shape[-1])
    features = {
        "image": {
            "image": {"dtype": "uint8", "shape": {"dimensions": [*sizes, channels]}},
            "pythonClassName": classes + "image_feature.Image",
        }
    }
    if labeled:
        features["label"] = {
            "classLabel": {"numClasses": "3"},
            "pythonClassName": classes + "class_label_feature.ClassLabel",
        }
        (place / "label.labels.txt").write_text("cat\ndog\nfox\n")
    described = {
        "featuresDict": {"features": features},
        "pythonClassName": classes + "features_dict.FeaturesDict",
    }
    (place / "features.json").write_text(json.dumps(described))
    infos = []
    for split, samples in splits.items():
        file = place / f"{name}-{split}.{file_format}-00000-of-00001"
        writer = ArrayRecordWriter(str(file), "group_size:1")
        for image, label in samples:
            writer.write(_example(image, label))
        writer.close()
        infos.append(
            {
                "filepathTemplate": "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}",
                "name": split,
                "numBytes": str(file.stat().st_size),
                "shardLengths": [str(len(samples))],
            }
        )
    info = {"fileFormat": file_format, "name": name, "splits": infos, "version": "1.0.0"}
    if labeled:
        info["supervisedKeys"] = {"tuple": {"items": [{"featureKey": "image"}, {"featureKey": "label"}]}}
    (place / "dataset_info.json").write_text(json.dumps(info))
