"""DEC on the 1,797 digits of 8x8 pixels that come with scikit-learn; not a data set of the papers.

    python -m jaxcluster.main --config=configs/dec_digits.py
    python -m jaxcluster.main --config=configs/dec_digits.py:da      # with augmented images

Widths and batches are those of `aspc_digits`, so that a run takes a minute or two.
"""

from jaxcluster.algorithms import dec


def get_config(variant="paper"):
    config = dec.DEC.defaults()
    config.data.name = "digits"
    config.network.hidden = (128, 128, 512)
    config.pretrain.batch_size = config.finetune.batch_size = 64
    return dec.apply_variant(config, variant)
