from django.db import migrations, models
from django.db.models import F
from django.db.models.functions import Lower


def give_everybody_an_address(apps, schema_editor):
    """People sign in with their address from now on: one each, in lower case."""
    user_model = apps.get_model("staff", "User")
    users = user_model.objects.using(schema_editor.connection.alias)
    users.update(email=Lower("email"))
    taken = set()
    for user in users.order_by("id"):
        if not user.email or user.email in taken:
            # Nobody is reached at example.org (RFC 2606): the account keeps its name, and waits.
            user.email = f"{user.username.replace('@', '.')}@example.org".lower()
            if user.email in taken:
                user.email = f"{user.pk}.{user.email}"
            user.save(update_fields=["email"])
        taken.add(user.email)


def take_what_no_role_gives(apps, schema_editor):
    """Permissions of one's own, and groups that are no roles, end here: roles are given anew, by somebody."""
    alias = schema_editor.connection.alias
    user_model = apps.get_model("staff", "User")
    user_model.user_permissions.through.objects.using(alias).all().delete()
    user_model.groups.through.objects.using(alias).all().delete()
    apps.get_model("auth", "Group").objects.using(alias).all().delete()


def name_everybody_by_address(apps, schema_editor):
    """Backwards: the address is the user name."""
    users = apps.get_model("staff", "User").objects.using(schema_editor.connection.alias)
    users.filter(username=None).update(username=F("email"))


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("staff", "0001_initial"),
    ]

    operations = [
        # Without names while the column is being removed, or made again.
        migrations.AlterField(
            "User", "username", models.CharField(max_length=150, null=True, unique=True)
        ),
        migrations.RunPython(give_everybody_an_address, name_everybody_by_address),
        migrations.RunPython(take_what_no_role_gives, migrations.RunPython.noop),
    ]
