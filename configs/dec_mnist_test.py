"""DEC on the 10,000 test images of MNIST (published: ACC .856, NMI .830 without augmentation).

python -m jaxcluster.data.prepare mnist     # once; needs `pip install "jaxcluster[prepare]"`
launch/seeds.sh configs/dec_mnist_test.py 0,1,2
launch/seeds.sh configs/dec_mnist_test.py:da 0,1,2     # with augmented images
"""

from jaxcluster.algorithms import dec


def get_config(variant="paper"):
    config = dec.DEC.defaults()
    config.data.name = "mnist"
    config.data.split = "test"
    config.finetune.target_epochs = 4  # the published 140 steps
    if variant != "paper":
        config.pretrain.epochs = 500  # as ASPC-DA's
    return dec.apply_variant(config, variant)
