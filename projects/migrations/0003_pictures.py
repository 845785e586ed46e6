import django.core.validators
from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from projects.words import searchable


def fill_search_text(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    images = apps.get_model("projects", "Image")
    for image in images.objects.all():
        image.search_text = searchable(f"{image.alt} {image.credit}")
        image.save(update_fields=["search_text"])


class Migration(migrations.Migration):
    dependencies = [("projects", "0002_initial")]

    operations = [
        migrations.AddField(
            model_name="image",
            name="focus_x",
            field=models.PositiveSmallIntegerField(
                default=50,
                help_text="Procent av bredden: 0 är vänsterkanten, 100 är högerkanten.",
                validators=[django.core.validators.MaxValueValidator(100)],
                verbose_name="fokus från vänster",
            ),
        ),
        migrations.AddField(
            model_name="image",
            name="focus_y",
            field=models.PositiveSmallIntegerField(
                default=50,
                help_text="Procent av höjden: 0 är överkanten, 100 är underkanten.",
                validators=[django.core.validators.MaxValueValidator(100)],
                verbose_name="fokus uppifrån",
            ),
        ),
        migrations.AddField(
            model_name="image",
            name="search_text",
            field=models.TextField(default="", editable=False),
        ),
        migrations.AddConstraint(
            model_name="image",
            constraint=models.CheckConstraint(
                condition=models.Q(focus_x__lte=100, focus_y__lte=100),
                name="image_focus_inside",
                violation_error_message="Fokus ska ligga i bilden: 0 till 100 procent.",
            ),
        ),
        migrations.RunPython(fill_search_text, migrations.RunPython.noop),
    ]
