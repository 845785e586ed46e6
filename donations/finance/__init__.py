"""The pages of finance, under /ekonomi/."""
