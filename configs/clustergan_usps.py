"""ClusterGAN on USPS, 9,298 digits of 16x16 pixels, with fully connected players for a CPU.

    python -m jaxcluster.data.usps --train zip.train.gz --test zip.test.gz --out usps.npz     # once; see README
    launch/seeds.sh configs/clustergan_usps.py 0,1,2,3,4 --config.prior.proportions=estimated

The paper's USPS (Table 2: ACC .970, NMI .931) is another set, of 1,100 images a class. On the public one, whose classes
hold 708 to 1,553, the paper's uniform prior, which is the default, bounds ACC by .896; hence the option above. An
equal subset comes from `python -m jaxcluster.data.balanced`, see README. Measured: README's table.
"""

from jaxcluster.algorithms import clustergan


def get_config():
    config = clustergan.get_config()
    config.data.path = "usps.npz"
    return config
