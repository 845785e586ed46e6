"""A page of an account's transfers, newest day first, is read by an index of its own."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("donations", "0004_bank_files"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="transfer",
            name="transfer_debit",
        ),
        migrations.RemoveIndex(
            model_name="transfer",
            name="transfer_credit",
        ),
        migrations.AddIndex(
            model_name="transfer",
            index=models.Index(fields=["debit", "booked_on", "id"], name="transfer_debit_day"),
        ),
        migrations.AddIndex(
            model_name="transfer",
            index=models.Index(fields=["credit", "booked_on", "id"], name="transfer_credit_day"),
        ),
        migrations.AddIndex(
            model_name="transfer",
            index=models.Index(
                condition=models.Q(("kind", "gift"), _negated=True),
                fields=["debit", "kind", "booked_on", "id"],
                name="transfer_debit_kind",
            ),
        ),
        migrations.AddIndex(
            model_name="transfer",
            index=models.Index(
                condition=models.Q(("kind", "gift"), _negated=True),
                fields=["credit", "kind", "booked_on", "id"],
                name="transfer_credit_kind",
            ),
        ),
    ]
