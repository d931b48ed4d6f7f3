"""The first migration, which makes an extension, as many do."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.operations import CITextExtension
from django.db import migrations, models


class Migration(migrations.Migration):
    """Books."""

    initial = True
    operations = (
        CITextExtension(),
        migrations.CreateModel(
            "Book",
            [
                ("id", models.BigAutoField(primary_key=True)),
                ("title", models.TextField()),
                ("authors", ArrayField(models.TextField())),
            ],
        ),
    )
