from django.contrib.admin.apps import AdminConfig

OURS = {"donations", "projects", "staff"}


class DeskConfig(AdminConfig):
    """Django's admin with our own site. In a module of its own, read before any model is."""

    default_site = "staff.site.DeskSite"

    def ready(self) -> None:
        """Leave out what libraries register for themselves: groups, addresses, keys, sessions."""
        from django.contrib import admin

        super().ready()
        for model in list(admin.site._registry):
            if model._meta.app_label not in OURS:
                admin.site.unregister(model)
