from huey.contrib.djhuey import db_task

from .models import Picture


@db_task()
def shrink(number):
    picture = Picture.objects.get(pk=number)
    picture.small = f"small-{picture.name}"
    picture.save()
