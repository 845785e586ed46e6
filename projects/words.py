"""Text as it is searched."""

import unicodedata


def searchable(text: str) -> str:
    """The text as it is searched: case folded, without soft hyphens, every white space a blank."""
    plain = unicodedata.normalize("NFC", text.replace("\N{SOFT HYPHEN}", ""))
    return " ".join(plain.casefold().split())
