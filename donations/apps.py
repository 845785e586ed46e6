from django.apps import AppConfig


class DonationsConfig(AppConfig):
    name = "donations"
    verbose_name = "Ekonomi"

    def ready(self) -> None:
        from donations import attention, totals
        from triggers.registry import triggers_restored

        attention.register()
        triggers_restored.connect(totals.rebuild_after_restore)
