"""`python -m jaxcluster` is the command `jaxcluster`."""

from jaxcluster.main import run

run()
