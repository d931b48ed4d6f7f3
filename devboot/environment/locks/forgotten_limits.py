"""Upper limits that packages forgot to declare: versions that resolve together and don't work together.

A list that pins a package of years ago and leaves what that needs open gets a dependency of today. The rows say up to
which version a package is known to fail with what its metadata admits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import NamedTuple

from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from devboot.environment.locks.pins import Pin, Pins
from devboot.errors import WorkError

_ROUNDS = 4  # what is held back can ask for more to be held back
_ALWAYS = "9999"
# package, the first version that is fine, what goes with those before it
_LIMITS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("flask", "1", ("werkzeug<1",)),
    ("flask", "2", ("werkzeug<2.1", "jinja2<3.1", "itsdangerous<2.1")),
    ("flask", "2.3", ("werkzeug<3",)),
    ("jinja2", "3", ("markupsafe<2.1",)),
    ("flask-script", _ALWAYS, ("flask<2",)),
    ("flask-login", "0.6", ("werkzeug<2.1",)),
    ("flask-login", "0.6.3", ("werkzeug<3",)),
    ("flask-wtf", "1.1", ("werkzeug<3",)),
    ("flask-uploads", "0.3", ("werkzeug<1",)),
    ("flask-sqlalchemy", "3", ("sqlalchemy<2",)),
    ("flask-socketio", "5", ("python-socketio<5", "python-engineio<4")),
    ("flask-restplus", _ALWAYS, ("werkzeug<1", "flask<2")),
    ("flask-restx", "0.5", ("werkzeug<2.1",)),
    ("flask-restx", "1.2", ("werkzeug<3", "flask<3")),
    ("dash", "2.3.1", ("werkzeug<2.1", "flask<2.1")),
    ("dash", "2.10", ("flask<2.3",)),
    ("django", "3.1", ("psycopg2<2.9", "psycopg2-binary<2.9")),
    ("sqlalchemy-utils", "0.40", ("sqlalchemy<2",)),
    ("alembic", "1.7", ("sqlalchemy<2",)),
    ("pandas", "2", ("sqlalchemy<2",)),
    # Since 2.1 `postgresql://` means psycopg, so that an address without a driver doesn't reach psycopg2
    ("psycopg2", _ALWAYS, ("sqlalchemy<2.1",)),
    ("psycopg2-binary", _ALWAYS, ("sqlalchemy<2.1",)),
    ("pandas", "2.2.2", ("numpy<2",)),
    ("scikit-learn", "1.4.2", ("numpy<2",)),
    ("opencv-python", "4.10", ("numpy<2",)),
    ("opencv-python-headless", "4.10", ("numpy<2",)),
    ("torch", "2.3", ("numpy<2",)),
    ("statsmodels", "0.14.2", ("numpy<2",)),
    ("scikit-image", "0.23", ("numpy<2",)),
    ("gensim", "4.3.3", ("scipy<1.13", "numpy<2")),
    ("pyarrow", "16", ("numpy<2",)),
    ("bokeh", "3.4", ("numpy<2",)),
    ("streamlit", "1.12", ("protobuf<3.21",)),
    ("streamlit", "1.23", ("altair<5",)),
    ("gradio", "5", ("pydantic<2.11", "huggingface-hub<1")),
    # They import lxml.html.clean, which lxml 5.2 no longer has
    ("newspaper3k", _ALWAYS, ("lxml<5.2",)),
    ("requests-html", _ALWAYS, ("lxml<5.2",)),
    ("tortoise-orm", "0.25", ("pydantic<2.11",)),
    ("openai", "1.55.3", ("httpx<0.28",)),
    ("groq", "0.13", ("httpx<0.28",)),
    ("passlib", "1.7.5", ("bcrypt<5",)),
    ("typer", "0.15.4", ("click<8.2",)),
    ("environs", "12", ("marshmallow<4",)),
    ("marshmallow-sqlalchemy", "1.4.2", ("marshmallow<4",)),
    ("webargs", "8.7", ("marshmallow<4",)),
    ("requests-toolbelt", "0.10.1", ("urllib3<2",)),
    ("docker", "7.1", ("requests<2.32",)),
    ("eventlet", "0.31", ("dnspython<2",)),
    ("gunicorn", "20.1", ("eventlet<0.30.3",)),
    ("mongoengine", "0.24", ("pymongo<4",)),
    ("djongo", _ALWAYS, ("pymongo<4",)),
    # They import pkg_resources, which setuptools 82 no longer has
    ("gunicorn", "21", ("setuptools<82",)),
    ("apscheduler", "3.10.1", ("setuptools<82",)),
    ("supervisor", "4.3", ("setuptools<82",)),
    ("opentelemetry-instrumentation", "0.49b0", ("setuptools<82",)),
    ("tensorboard", "2.20.1", ("setuptools<82",)),
    ("fs", "2.4.17", ("setuptools<82",)),
    ("razorpay", "2", ("setuptools<82",)),
    ("drf-yasg", "1.21.8", ("setuptools<82",)),
    ("djangorestframework-simplejwt", "5.3.1", ("setuptools<82",)),
    ("django-silk", "5.1", ("setuptools<82",)),
)
# What lifts the limit of a package, where it is installed, too
_LIFTED_BY = {"psycopg2": "psycopg", "psycopg2-binary": "psycopg"}


class Limit(NamedTuple):
    """A constraint that the metadata lacks, and for whose sake."""

    constraint: str
    package: str


def forgotten_limits(pins: Iterable[Pin]) -> tuple[Limit, ...]:
    """Give the limits that these pins break, each once."""
    versions: dict[str, list[Version]] = {}
    for pin in pins:
        try:
            versions.setdefault(pin.name, []).append(Version(pin.version))
        except InvalidVersion:
            continue
    found: dict[str, Limit] = {}
    for package, fine, constraints in _LIMITS:
        if _LIFTED_BY.get(package) in versions:
            continue
        older = [version for version in versions.get(package, ()) if version < Version(fine)]
        for constraint in constraints if older else ():
            name, _, bound = constraint.partition("<")
            limit = SpecifierSet(f"<{bound}", prereleases=True)
            if any(version not in limit for version in versions.get(name, ())):
                found.setdefault(constraint, Limit(constraint, f"{package} {max(older)}"))
    return tuple(found.values())


def within_limits(found: Pins, locked: Callable[[str], Pins]) -> Pins:
    """Resolve again where versions don't work together although they say so, as far as the project allows.

    Args:
        found: what was resolved; with a note for each version that is held back, it is the result.
        locked: resolves with further constraint lines; raises WorkError where that can't be.

    """
    held: tuple[Limit, ...] = ()
    for _ in range(_ROUNDS):
        broken = tuple(limit for limit in forgotten_limits(found.pins) if limit not in held)
        before = held
        # Where the project insists on one version, the other limits still count
        for more in [broken, *([limit] for limit in broken)] if broken else ():
            try:
                found = locked("".join(f"{each.constraint}\n" for each in (*held, *more)))
            except WorkError:
                continue
            held = (*held, *more)
            if tuple(more) == broken:
                break
        if held == before:
            break
    return replace(found, notes=(*found.notes, *(_note(limit, found) for limit in held)))


def _note(limit: Limit, found: Pins) -> str:
    name = limit.constraint.partition("<")[0]
    versions = ", ".join(pin.version for pin in found.pins if pin.name == name)
    return f"{name} {versions}: {limit.package} doesn't work with a newer one, although it says so"
