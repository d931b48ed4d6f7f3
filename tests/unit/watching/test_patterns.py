"""Globs as a person writes them under `watch`."""

from __future__ import annotations

import pytest

from devboot.watching.patterns import base_of, compile_patterns


@pytest.mark.parametrize(
    ("glob", "path", "fits"),
    [
        ("**/*.py", "a.py", True),
        ("**/*.py", "shop/tasks.py", True),
        ("**/*.py", "shop/a/b/tasks.py", True),
        ("**/*.py", "shop/tasks.pyc", False),
        ("**/*.py", "shop/.#tasks.py", False),
        ("**/*.py", ".hidden/tasks.py", False),
        ("*.py", "a.py", True),
        ("*.py", "shop/a.py", False),
        ("shop/*.py", "shop/a.py", True),
        ("shop/*.py", "shop/a/b.py", False),
        ("shop/**", "shop/a/b.txt", True),
        ("shop", "shop/a/b.txt", True),
        ("shop/", "shop/a.txt", True),
        (".env", ".env", True),
        (".env", "a.env", False),
        ("a?c.[ch]", "abc.h", True),
        ("a?c.[ch]", "abc.o", False),
        ("[!a]b", "cb", True),
        ("[!a]b", "ab", False),
        ("[", "[", True),
        ("a.b", "axb", False),
        ("config/**/x.yaml", "config/x.yaml", True),
        ("config/**/x.yaml", "config/a/b/x.yaml", True),
    ],
)
def test_what_a_glob_means(glob, path, fits):
    assert fits == bool(compile_patterns([glob]).match(path))


@pytest.mark.parametrize(
    ("glob", "base"),
    [("**/*.py", ""), ("shop/*.py", "shop"), ("shop/a/**/x", "shop/a"), (".env", ""), ("shop/a.py", "shop")],
)
def test_where_to_look_for_it(glob, base):
    assert base == base_of(glob)


def test_no_globs_mean_nothing():
    assert compile_patterns([]).match("") is None
