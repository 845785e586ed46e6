"""The pages of the admin where editors work, and the website's details."""

from projects.admin import desk, library, pages, settings

__all__ = ["desk", "library", "pages", "settings"]
