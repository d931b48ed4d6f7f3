from django.http import HttpResponse

from .models import Entry
from .tasks import shout


def index(request):
    return HttpResponse("guestbook\n" + "\n".join(entry.shouted for entry in Entry.objects.all()))


def sign(request):
    entry = Entry.objects.create(text=request.GET["text"])
    shout.delay(entry.pk)
    return HttpResponse("signed")
