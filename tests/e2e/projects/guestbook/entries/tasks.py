from celery import shared_task


@shared_task
def shout(entry_id):
    from .models import Entry

    entry = Entry.objects.get(pk=entry_id)
    entry.shouted = entry.text.upper()
    entry.save()
