"""ASPC-DA on MNIST, all 70,000 images (Guo et al., TKDE 2019, Table 3: ACC .988 ± .001, NMI .966 ± .002).

    python -m jaxcluster.data.prepare mnist     # once; needs `pip install "jaxcluster[prepare]"`
    python -m jaxcluster.main --config=configs/aspc_mnist.py

600 epochs of seven times the work of `aspc_mnist_test` are a matter for an accelerator. What was measured is in the
table of jaxcluster/algorithms/aspc/README.md.
"""

from jaxcluster.algorithms import aspc


def get_config(variant="paper"):
    config = aspc.get_config()
    config.data.name = "mnist"
    return aspc.apply_variant(config, variant)
