"""The tabs of the page, one file each; they share no widgets and meet in the registry and the jobs."""
