"""What the pages of the export to the general ledger show."""

from django import template

from donations.exports import sie_vouchers

register = template.Library()


@register.filter
def right_number(number: str) -> str:
    """An organisation's number as the file will have it, "" for one that is not right."""
    return sie_vouchers.right_number(number)
