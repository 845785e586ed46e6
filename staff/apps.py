from django.apps import AppConfig
from django.db.models.signals import post_migrate


class StaffConfig(AppConfig):
    name = "staff"
    verbose_name = "Medarbetare"

    def ready(self) -> None:
        from staff import checks, second_factor, signals  # noqa: F401

        post_migrate.connect(_sync_roles)


def _sync_roles(sender: AppConfig, **kwargs: object) -> None:
    """Keep the roles right after a migrate: once, when the last app has got its permissions."""
    from django.apps import apps

    from staff import roles

    if sender == [app for app in apps.get_app_configs() if app.models_module][-1]:
        roles.sync()
