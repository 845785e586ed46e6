"""What finance is shown and takes out: figures of `queries` put together into whole reports."""
