"""The pages of the admin where editors work, and the website's details."""

from projects.admin import library, pages, settings

__all__ = ["library", "pages", "settings"]
