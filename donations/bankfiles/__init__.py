"""Files from banks, bytes → `records`: one module for each format, without Django."""
