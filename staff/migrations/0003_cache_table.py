from django.core.management import call_command
from django.db import migrations

TABLE = "staff_cache"


def make_table(apps, schema_editor):
    """The table of the cache that counts attempts to sign in."""
    alias = schema_editor.connection.alias
    call_command("createcachetable", TABLE, database=alias, verbosity=0)


class Migration(migrations.Migration):
    dependencies = [("staff", "0002_emails")]

    operations = [
        migrations.RunPython(
            make_table, lambda apps, editor: editor.execute(f"DROP TABLE {TABLE}")
        ),
    ]
