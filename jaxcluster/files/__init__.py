"""What lies on disk or in a bucket: whole files, checkpoints, the folder of a run."""
