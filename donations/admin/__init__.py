"""The pages of the admin where finance works."""

from donations.admin import accounts, funds, registers, sie, transfers

__all__ = ["accounts", "funds", "registers", "sie", "transfers"]
