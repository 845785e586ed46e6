"""Reports as files to take away: what comes out is what the page shows."""
