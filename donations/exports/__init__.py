"""Reports as files to take away."""
