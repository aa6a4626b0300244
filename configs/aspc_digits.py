"""ASPC-DA on the 1,797 digits of 8x8 pixels that come with scikit-learn: the first minute with jaxcluster.

    python -m jaxcluster.main --config=configs/aspc_digits.py

Not a data set of the paper, and the one config with settings of its own: a quarter of the width and of the batch, so
that so few and small images get as many steps as the paper's smallest set in well under two minutes on two cores.
And the initial clustering is the likeliest partition of the embeddings' neighbor graph: k-means of so few images merges
or splits digits with most seeds, which fine-tuning keeps. The table of jaxcluster/algorithms/aspc/README.md has the
figures, and says how these settings came about.
"""

from jaxcluster.algorithms import aspc


def get_config(variant="paper"):
    config = aspc.get_config()
    config.data.name = "digits"
    config.network.hidden = (128, 128, 512)
    config.pretrain.batch_size = 64
    config.finetune.batch_size = 64
    config.initial.method = "block_model"
    return aspc.apply_variant(config, variant)
