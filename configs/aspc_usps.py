"""ASPC-DA on USPS, 9,298 digits of 16x16 pixels (Guo et al., TKDE 2019, Table 3: ACC .982 ± .001, NMI .951 ± .002).

    python -m jaxcluster.data.usps --train zip.train.gz --test zip.test.gz --out usps.npz     # once; see README
    launch/seeds.sh configs/aspc_usps.py 0,1,2

Measured figures, seeds, time and hardware: README's table, from the records in configs/records.
"""

from jaxcluster.algorithms import aspc


def get_config(variant="paper"):
    config = aspc.get_config()
    config.data.path = "usps.npz"
    return aspc.apply_variant(config, variant)
