"""What pyproject.toml cannot say: the top-level folder configs/ is the package jaxcluster.configs of the wheel."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["jaxcluster*"]), "jaxcluster.configs"],
    package_dir={"jaxcluster": "jaxcluster", "jaxcluster.configs": "configs"},
)
