"""ASPC-DA on the 10,000 test images of MNIST (Guo et al., TKDE 2019, Table 3: ACC .973 ± .003, NMI .936 ± .003).

    python -m jaxcluster.data.prepare mnist     # once; needs `pip install "jaxcluster[prepare]"`
    launch/seeds.sh configs/aspc_mnist_test.py 0,1,2

Measured figures, seeds, time and hardware: README's table, from the records in configs/records.
"""

from jaxcluster.algorithms import aspc


def get_config(variant="paper"):
    config = aspc.get_config()
    config.data.name = "mnist"
    config.data.split = "test"
    return aspc.apply_variant(config, variant)
