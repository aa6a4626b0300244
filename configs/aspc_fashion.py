"""ASPC-DA on Fashion-MNIST, 70,000 images (Guo et al., TKDE 2019, Table 3: ACC .591 ± .022, NMI .654 ± .021).

    python -m jaxcluster.data.prepare fashion_mnist     # once; needs `pip install "jaxcluster[prepare]"`
    python -m jaxcluster.main --config=configs/aspc_fashion.py

The authors' later program trains 10 epochs of fine-tuning on this set alone; the paper says 100 for all, and so does
this config (`--config.finetune.epochs=10` for the other). What was measured is in the tables of
jaxcluster/algorithms/aspc/README.md.
"""

from jaxcluster.algorithms import aspc


def get_config(variant="paper"):
    config = aspc.get_config()
    config.data.name = "fashion_mnist"
    return aspc.apply_variant(config, variant)
