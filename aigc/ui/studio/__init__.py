"""What Explore shows, without a page: models opened, samples, paths and planes made, all of it data for the browser to draw."""
