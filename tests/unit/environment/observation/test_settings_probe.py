"""An import finds the addresses in a project's settings with their lines, and touches nothing."""

import os
import subprocess
import sys
import textwrap

import pytest

from devboot.environment.observation import settings_probe
from devboot.model.observation import FAILED, SETTING, read_observations
from tests.fakes.processes import AS_LONG_AS_NEEDED

LIMIT = 30.0  # seconds, for a loaded machine


class Project:
    """A project whose entry is imported by the interpreter of the tests."""

    def __init__(self, folder):
        self.folder = folder
        self.root = folder / "shop"
        self.root.mkdir()

    def add(self, name, code):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(code).lstrip("\n"))

    def probe(self, entry, *, seconds=LIMIT, **environ):
        """What was found, by kind."""
        record = self.folder / "record"
        record.unlink(missing_ok=True)
        words = [settings_probe.__file__, record, self.root, "/nowhere", str(seconds), entry]
        done = subprocess.run(
            [sys.executable, *map(str, words)],
            cwd=self.root,
            env={"PATH": os.defpath, **environ},
            stdin=subprocess.PIPE,
            capture_output=True,
            check=False,
            timeout=4 * LIMIT,
        )
        assert (b"", b"", 0) == (done.stdout, done.stderr, done.returncode)
        found = read_observations(str(record))
        self.failed = [(each.name, each.place) for each in found if each.kind == FAILED]
        return [(each.name, each.how, each.place) for each in found if each.kind == SETTING]

    def files(self):
        return sorted(str(path.relative_to(self.root)) for path in self.root.rglob("*"))


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path)


def test_settings_of_django_are_found_with_the_line_of_each_part(project):
    project.add("manage.py", 'import os\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings.dev")\n')
    project.add("shop/__init__.py", "")
    project.add("shop/settings/__init__.py", "")
    project.add(
        "shop/settings/base.py",
        """
        CACHES = {
            "default": {
                "BACKEND": "django.core.cache.backends.redis.RedisCache",
                "LOCATION": "redis://:s3cret@localhost:6380/1",
            },
            "pages": {"BACKEND": "django.core.cache.backends.memcached.PyMemcacheCache", "LOCATION": "127.0.0.1:11212"},
        }
        DATABASES = {
            "default": {"ENGINE": "django.db.backends.postgresql", "HOST": "db", "PORT": 5433, "PASSWORD": "s3cret"},
            "old": {"ENGINE": "django.db.backends.sqlite3",
                    "NAME": "old.sqlite3"},
        }
        CHANNEL_LAYERS = {"default": {"CONFIG": {"hosts": [("queue", 6379)]}}}
        EMAIL_HOST = "localhost"
        EMAIL_PORT = 1025
        SITE = "https://shop.test/"
        """,
    )
    project.add("shop/settings/dev.py", "from .base import *\nBROKER_URL = 'amqp://guest:s3cret@localhost//'\n")

    assert [
        ("redis://localhost:6380", "CACHES.default.LOCATION", "shop/settings/base.py:4"),
        ("memcached://127.0.0.1:11212", "CACHES.pages.LOCATION", "shop/settings/base.py:6"),
        ("postgresql://db:5433", "DATABASES.default.HOST", "shop/settings/base.py:9"),
        ("sqlite:old.sqlite3", "DATABASES.old.NAME", "shop/settings/base.py:11"),
        ("redis://queue:6379", "CHANNEL_LAYERS.default.CONFIG.hosts", "shop/settings/base.py:13"),
        ("smtp://localhost:1025", "EMAIL_HOST", "shop/settings/base.py:14"),
        ("amqp://localhost", "BROKER_URL", "shop/settings/dev.py:2"),
    ] == sorted(project.probe("manage.py"), key=lambda each: (each[2].split(":")[0], int(each[2].split(":")[1])))
    assert [] == project.failed


def test_settings_of_an_application_and_of_objects_are_found(project):
    project.add(
        "config.py",
        'import os\nclass Settings:\n    def __init__(self):\n        self.redis_url = os.environ["CACHE"]\n',
    )
    project.add("flaskish.py", "class Flask:\n    def __init__(self):\n        self.config = {}\n")
    project.add(
        "main.py",
        """
        from config import Settings
        from flaskish import Flask
        settings = Settings()
        app = Flask()
        app.config["DATABASE_URL"] = "postgresql+psycopg://ada:s3cret@localhost:5433/shop"
        class Config:
            MONGO_HOST = "mongo"
        if __name__ == "__main__":
            raise SystemExit("it isn't run")
        """,
    )

    assert [
        ("mongodb://mongo", "MONGO_HOST", "main.py:7"),
        ("postgresql://localhost:5433", "DATABASE_URL", "main.py:5"),
        ("redis://localhost:6380", "redis_url CACHE", "config.py:4"),
    ] == sorted(project.probe("main.py", CACHE="redis://u:s3cret@localhost:6380"))
    assert "main.py:7" == min(project.probe("main", CACHE="redis://u:s3cret@localhost:6380"))[2]


def test_settings_of_a_worker_are_found_in_the_module_of_celery(project):
    project.add(
        "celery/__init__.py",
        "class Celery:\n    def __init__(self, broker):\n        self.conf = self\n        self.broker_url = broker\n",
    )
    project.add("shop/__init__.py", "")
    project.add("shop/celery.py", 'from celery import Celery\napp = Celery(\n    broker="redis://localhost:6380")\n')

    assert [("redis://localhost:6380", "broker_url", "shop/celery.py:3")] == project.probe("shop")


HOSTILE = {
    "prints": "import sys\nprint('x' * 100_000)\nsys.stderr.write('y' * 100_000)\n",
    "reads": "input()\n",
    "ends": "import sys\nsys.exit(3)\n",
    "leaves a thread": "import threading, time\nthreading.Thread(target=time.sleep, args=(600,)).start()\n",
    "never ends": "while True:\n    pass\n",
    "catches everything once": "try:\n    while True:\n        pass\nexcept BaseException:\n    pass\n",
    "writes": "open('new.txt', 'w')\n",
    "writes in its own words": "import os\nos.mkdir('new')\n",
    "renames": "import os\nos.rename('app.py', 'other.py')\n",
    "removes": "import os\nos.unlink('app.py')\n",
    "makes a database": "import sqlite3\nsqlite3.connect('new.db').execute('create table a (b)')\n",
    "connects": "import socket\nsocket.create_connection(('127.0.0.1', 1))\n",
    "looks up": "import socket\nsocket.getaddrinfo('db.shop.test', 5432)\n",
    "serves": "import socket\nsocket.create_server(('127.0.0.1', 0)).accept()\n",
    "raises": "raise ValueError('redis://:s3cret@localhost')\n",
    "has odd names": "globals()[1] = 2\n",
    "has odd objects": "class A:\n    def __getattribute__(self, name):\n        raise ValueError\nA_B = a = A()\n",
}


@pytest.mark.parametrize("code", HOSTILE.values(), ids=HOSTILE)
def test_whatever_an_import_does_the_settings_before_it_are_found_and_no_file_is_touched(code, project):
    project.add("app.py", 'REDIS_URL = "redis://localhost:6380"\n' + code)
    before = project.files()

    for seconds in AS_LONG_AS_NEEDED:  # code that never ends is interrupted
        if found := project.probe("app", seconds=seconds):
            break

    assert [("redis://localhost:6380", "REDIS_URL", "app.py:1")] == found
    assert before == project.files()


@pytest.mark.parametrize("entry", ["nothing", "nothing.py", "manage.py", "shop.nothing"])
def test_an_entry_that_is_not_there_is_a_fact(entry, project):
    assert [] == project.probe(entry)
    assert len(project.failed) == 1


def test_a_failure_is_found_by_its_line_without_its_text(project):
    project.add("app.py", "import inner\n")
    project.add("inner.py", "x = 1\nraise ValueError('redis://:s3cret@localhost')\n")

    assert [] == project.probe("app")
    assert [("ValueError", "inner.py:2")] == project.failed
    assert "s3cret" not in (project.folder / "record").read_text()
