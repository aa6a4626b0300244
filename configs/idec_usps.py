"""IDEC on USPS, 9,298 digits of 16x16 pixels (published: ACC .761, NMI .785 without augmentation).

    python -m jaxcluster.data.usps --train zip.train.gz --test zip.test.gz --out usps.npz     # once; see README
    launch/seeds.sh configs/idec_usps.py 0,1,2
    launch/seeds.sh configs/idec_usps.py:da 0,1,2       # with augmented images

Fine-tuned by SGD, as published for this set: the printed rate of 0.1 belongs to a loss that is a tenth of the one
here. With augmentation the autoencoder is trained for 500 epochs, as ASPC-DA's is.
"""

from jaxcluster.algorithms import dec


def get_config(variant="paper"):
    config = dec.IDEC.defaults()
    config.data.path = "usps.npz"
    config.finetune.optimizer, config.finetune.learning_rate, config.finetune.momentum = "sgd", 0.01, 0.99
    if variant != "paper":
        config.pretrain.epochs = 500
    return dec.apply_variant(config, variant)
