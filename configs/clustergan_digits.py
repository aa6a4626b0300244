"""ClusterGAN on the 1,797 digits of 8x8 pixels that come with scikit-learn: the first minutes with it.

    python -m jaxcluster.main --config=configs/clustergan_digits.py

Not a data set of the paper. Fully connected networks; batches of 50, so that so few images get more steps. Measured:
README's table.
"""

from jaxcluster.algorithms import clustergan


def get_config(variant="recipe"):
    config = clustergan.get_config()
    config.data.name = "digits"
    config.adversarial.batch_size = 50
    config.initial.hidden = (128, 128, 512)
    return clustergan.apply_variant(config, variant)
