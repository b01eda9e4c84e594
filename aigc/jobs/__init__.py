"""Training runs as processes: queue, supervisor, worker, run folders."""
