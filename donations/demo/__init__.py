"""The demo organisation: its content beside this file, loaded into an empty database and removed whole."""
