from django.http import HttpResponse

from .models import Picture
from .tasks import shrink


def index(request):
    return HttpResponse("thumbnails\n" + "\n".join(picture.small for picture in Picture.objects.all()))


def add(request, name):
    shrink(Picture.objects.create(name=name).pk)
    return HttpResponse("added")
