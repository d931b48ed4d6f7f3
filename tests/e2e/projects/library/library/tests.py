"""Django makes a database of its own for these, which takes the right to."""

from django.test import TestCase

from library.models import Book


class BookTest(TestCase):
    """Books."""

    def test_authors_keep_their_order(self):
        """An array is a list."""
        Book.objects.create(title="Sky", authors=["B", "A"])
        assert ["B", "A"] == Book.objects.get().authors
