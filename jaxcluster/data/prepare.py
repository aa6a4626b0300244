"""Download and prepare a dataset of TensorFlow Datasets in the form that is read without TensorFlow.

    pip install 'jaxcluster[prepare]' && python -m jaxcluster.data.prepare mnist

This is the only step that needs TensorFlow, and `data` never takes it by itself. (`tfds build` would do the
same, but its command line also needs apache-beam.)
"""

import argparse
import importlib.util
import os
import sys

__all__ = ["main", "prepare"]


def prepare(name: str, data_dir: str = "") -> str:
    """Download a dataset and write it as `array_record`.

    Args:
        name: as TFDS writes it: `mnist`, `mnist:3.0.1`, `name/config`.
        data_dir: folder of prepared datasets; empty: the variable TFDS_DATA_DIR, else TFDS's own default.

    Returns:
        The folder of the prepared dataset.
    """
    import tensorflow_datasets as tfds

    folder = os.path.expanduser(data_dir or os.environ.get("TFDS_DATA_DIR", "")) or None
    builder = tfds.builder(name, data_dir=folder, file_format="array_record")
    builder.download_and_prepare()
    return str(builder.data_path)


def main(argv: list[str] | None = None) -> int:
    """Prepare the dataset that the command line names; returns the exit status."""
    summary = __doc__.splitlines()[0]
    parser = argparse.ArgumentParser(prog="python -m jaxcluster.data.prepare", description=summary)
    parser.add_argument("name", help="mnist, fashion_mnist, cifar10, ...")
    parser.add_argument("--data_dir", default="", help="where to (TFDS_DATA_DIR, else ~/tensorflow_datasets)")
    options = parser.parse_args(argv)
    if importlib.util.find_spec("tensorflow") is None:
        print("error: preparing needs TensorFlow: pip install 'jaxcluster[prepare]'", file=sys.stderr)
        return 1
    try:
        folder = prepare(options.name, options.data_dir)
    except Exception as error:  # TFDS, TensorFlow and the network raise what they like
        print(f"error: '{options.name}' was not prepared ({type(error).__name__}: {error})", file=sys.stderr)
        return 1
    print(f"{options.name}: prepared in {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
