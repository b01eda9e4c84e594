"""Speed as ratios: our loop and the usual ways of writing the same training, in turns in one run on one machine."""
