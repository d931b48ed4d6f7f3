"""One page: it adds a book and says how many there are, and where."""

from django.db import connection
from django.http import HttpResponse
from django.urls import path

from library.models import Book


def page(request):
    """Add, count."""
    Book.objects.create(title="Sea", authors=["A", "B"])
    settings = connection.settings_dict
    return HttpResponse(f"{Book.objects.count()} in {settings['NAME']} of {settings['USER']}")


urlpatterns = [path("", page)]
