"""Two sets of images that no setting of the view graph was tuned on, for one confirmation.

    python -m configs.records.unseen --mnist=mnist.npz --out=.
    launch/seeds.sh configs/viewgraph_mnist_test.py 0,1,2 --config.data.name= --config.data.path=unseen_train.npz
    launch/seeds.sh configs/viewgraph_mnist_test.py 0,1,2 --config.data.name= --config.data.path=unseen_turned.npz
        --config.n_clusters=20

unseen_train.npz: 10,000 of the 60,000 training images of MNIST (their test images come last in mnist.npz), drawn at
random. unseen_turned.npz: the same, a random half of them turned by 90 degrees, which makes twenty classes. Records:
unseen_*-seed*.json.
"""

import argparse
import pathlib

import numpy as np

TRAINING, DRAWN = 60_000, 10_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mnist", required=True, help="an .npz file with x [70000, 28, 28, 1] and y")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder of the new files")
    given = parser.parse_args()
    with np.load(given.mnist) as file:
        images, labels = file["x"][:TRAINING], file["y"][:TRAINING].astype(np.int64)
    rng = np.random.default_rng(0)
    drawn = np.sort(rng.permutation(TRAINING)[:DRAWN])
    images, labels = images[drawn], labels[drawn]
    np.savez(given.out / "unseen_train.npz", x=images, y=labels)
    turned = rng.permutation(DRAWN)[: DRAWN // 2]
    images[turned], labels[turned] = np.rot90(images[turned], axes=(1, 2)), labels[turned] + 10
    np.savez(given.out / "unseen_turned.npz", x=images, y=labels)


if __name__ == "__main__":
    main()
