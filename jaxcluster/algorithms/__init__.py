"""The algorithms, one folder each and blind to each other; `jaxcluster.protocol` says what each must offer."""
