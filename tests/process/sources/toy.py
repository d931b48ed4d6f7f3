"""The file that transfers are tried with, and what is said of it."""

import hashlib

from devboot.sources.transfers.transfer import Download

BODY = bytes(range(256)) * 3000  # 768 kB: several pieces
SIZE = len(BODY)
SHA256 = hashlib.sha256(BODY).hexdigest()


def wanted(url, *, sha256=SHA256, size=SIZE, **more):
    """A transfer of the toy."""
    return Download(url, sha256, size, "toy 1.0.0", "toy", "recipes/toy/recipe.toml", **more)


def said(caught):
    """An error as lines, its address made equal on every run."""
    error = caught.value
    lines = [error.slug, error.what, *error.details, *error.causes, *error.help, *error.kept]
    return [line.replace(SHA256, "SHA256") for line in lines]
