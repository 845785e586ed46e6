"""The pages of the admin where finance works."""

from donations.admin import funds, registers, transfers

__all__ = ["funds", "registers", "transfers"]
