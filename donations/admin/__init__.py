"""The pages of the admin where finance works."""

from donations.admin import accounts, funds, registers, transfers

__all__ = ["accounts", "funds", "registers", "transfers"]
