from projects.models.content import Achievement, ContentRow, KeyFigure, Plan, Section, Story, Update
from projects.models.editing import PreviewLink, Review
from projects.models.pages import Address, FocusArea, Organisation, Page, Project
from projects.models.people import Consent, Contact
from projects.models.pictures import Image
from projects.models.site import SiteSettings
from projects.models.versions import CallOff, Publication, Version

__all__ = [
    "Achievement",
    "Address",
    "CallOff",
    "Consent",
    "Contact",
    "ContentRow",
    "FocusArea",
    "Image",
    "KeyFigure",
    "Organisation",
    "Page",
    "Plan",
    "PreviewLink",
    "Project",
    "Publication",
    "Review",
    "Section",
    "SiteSettings",
    "Story",
    "Update",
    "Version",
]
