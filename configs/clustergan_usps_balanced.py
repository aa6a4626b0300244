"""ClusterGAN on an equal subset of USPS, 700 digits a class, with fully connected players for a CPU; and its arms.

    python -m jaxcluster.data.balanced --data usps.npz --per-class 700 --out usps_balanced.npz
    launch/seeds.sh configs/clustergan_usps_balanced.py 0,1,2,3,4
    python -m jaxcluster.main --config=configs/clustergan_usps_balanced.py:paper --workdir=runs/paper

README says how usps.npz is made. The paper's USPS (CVPR 2019, Table 2: ACC .970, NMI .931) has 1,100 digits a class and
is not public; the labels draw this subset of the public one and nothing else. After the colon: an arm, see
jaxcluster/algorithms/clustergan/variants.py. Measured: README's tables.
"""

from jaxcluster.algorithms import clustergan


def get_config(variant="recipe"):
    config = clustergan.get_config()
    config.data.path = "usps_balanced.npz"
    config.initial.confident = "surest"  # as when the figures were recorded, before there were other ways
    return clustergan.apply_variant(config, variant)
