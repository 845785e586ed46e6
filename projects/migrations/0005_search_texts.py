from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from projects.words import searchable

SEARCHED = {"Consent": ("subject",), "Contact": ("name", "role"), "Page": ("title", "slug")}


def fill_search_text(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for name, fields in SEARCHED.items():
        rows = apps.get_model("projects", name).objects
        for pk, *values in rows.values_list("pk", *fields):
            rows.filter(pk=pk).update(search_text=searchable(" ".join(values)))


class Migration(migrations.Migration):
    dependencies = [("projects", "0004_preview_links_and_reviews")]

    operations = [
        *(
            migrations.AddField(
                model_name=name.lower(),
                name="search_text",
                field=models.TextField(default="", editable=False),
            )
            for name in SEARCHED
        ),
        migrations.RunPython(fill_search_text, migrations.RunPython.noop),
    ]
