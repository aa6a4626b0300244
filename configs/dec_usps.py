"""DEC on USPS, 9,298 digits of 16x16 pixels (published: ACC .762, NMI .767 without augmentation).

    python -m jaxcluster.data.usps --train zip.train.gz --test zip.test.gz --out usps.npz     # once; see README
    launch/seeds.sh configs/dec_usps.py 0,1,2
    launch/seeds.sh configs/dec_usps.py:da 0,1,2        # with augmented images

The autoencoder is pretrained by Adam for 50 epochs, as in the code that the published figures come from; with
augmentation it is trained for 500 epochs by SGD, as ASPC-DA's is.
"""

from jaxcluster.algorithms import dec


def get_config(variant="paper"):
    config = dec.DEC.defaults()
    config.data.path = "usps.npz"
    if variant == "paper":
        config.pretrain.epochs, config.pretrain.optimizer, config.pretrain.learning_rate = 50, "adam", 1e-3
    else:
        config.pretrain.epochs = 500
    return dec.apply_variant(config, variant)
