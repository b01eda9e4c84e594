"""Pretrained pipelines: a table of models, bringing them here, keeping them loaded, and running them.  Nothing here needs torch."""
