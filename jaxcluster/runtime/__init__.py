"""What carries any algorithm through its phases: devices, batches, checkpoints, progress, results.

This room knows an algorithm only as `jaxcluster.protocol.Algorithm`.
"""
