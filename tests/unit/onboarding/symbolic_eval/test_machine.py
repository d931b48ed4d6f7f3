"""Following code without running it: values, variables, branches, exceptions."""

import pytest

from devboot.onboarding.symbolic_eval.values import LONGEST, plain, size


def value(machine, name):
    return plain(machine.modules["app"].names[name])


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1 + 2 * 3", 7),
        ("'a' + 'b'", "ab"),
        ("f'{1}-{\"x\"}'", "1-x"),
        ("'%s/%s' % ('a', 'b')", "a/b"),
        ("'{}:{}'.format('a', 1)", "a:1"),
        ("'a,b'.split(',')", ["a", "b"]),
        ("[x.strip() for x in ' a , b '.split(',') if x]", ["a", "b"]),
        ("{'a': 1}['a']", 1),
        ("{**{'a': 1}, 'b': 2}", {"a": 1, "b": 2}),
        ("not None", True),
        ("1 if '' else 2", 2),
        ("[*('a', 'b'), 'c'][1:]", ["b", "c"]),
        ("int('5') + 1", 6),
        ("any([False, True])", True),
        ("(lambda x: x + 1)(1)", 2),
        ("-3", -3),
        ("'x' in {'x': 1}", True),
        ("dict(a=1)", {"a": 1}),
    ],
)
def test_constants_are_folded(follow, expression, expected):
    assert value(follow(f"X = {expression}\n"), "X") == expected


@pytest.mark.parametrize(
    "made",
    [
        "X = 'ab'\n" + "X = X + X\n" * 18,
        "X = 'ab'\n" + "X += X\n" * 18,
        "X = 'ab'\n" + "X = f'{X}{X}'\n" * 18,
        "X = 'ab'\n" + "X = '%s%s' % (X, X)\n" * 18,
        "X = 'ab'\n" + "X = '%(x)s%(x)s' % {'x': X}\n" * 18,
        "X = 'ab'\n" + "X = '{0}{0}'.format(X)\n" * 18,
        "X = 'ab'\n" + "X = ''.join([X, X])\n" * 18,
        "X = 'ab'\n" + "X = X.replace('a', 'aa')\nX = X.replace('b', 'bb')\n" * 18,
        "X = 'ab'\n" + "X = os.path.join(X, X)\n" * 18,
        "X = '%'\n" + "X = quote(X + X)\n" * 18,
        "X = ['a']\ndef f(*a): return a\n" + "X = f(*X, *X)\n" * 18,
        "X = Path('ab')\n" + "X = X / X\n" * 18,
        "X = Path('ab')\n" + "X = X.joinpath(X)\n" * 18,
        "X = ['a']\n" + "X = X + X\n" * 18,
        "X = ['a']\n" + "X = [*X, *X]\n" * 18,
        "X = ['a']\n" + "X.extend(X)\n" * 18,
        "X = 7\n" + "X = X * X\n" * 16,
        "X = 'ab' * 100000",
        "X = 100000 * ['a']",
        "X = 'a'.ljust(100000)",
        "X = ('\\t' * 1000).expandtabs(100)",
        "X = '%100000d' % 1",
        "X = '%*d' % (100000, 1)",
        "X = '{:100000}'.format(1)",
        "X = '{:{}}'.format(1, 100000)",
    ],
    ids=lambda text: text.splitlines()[-1],
)
def test_what_gets_too_long_is_unknown(follow, made):
    found = follow(f"import os\nfrom pathlib import Path\nfrom urllib.parse import quote\n{made}\nY = f'{{X}}'\n")

    assert size(found.modules["app"].names["X"].data) <= LONGEST


@pytest.mark.parametrize(
    "expression",
    [
        "os.path.join(os.path.dirname(os.path.abspath(__file__)), 'x.db')",
        "str(Path(__file__).resolve().parent / 'x.db')",
        "str(Path(__file__).parents[0].joinpath('x.db'))",
        "os.path.join(os.getcwd(), 'x.db')",
        "str(environ.Path(__file__) - 1) + '/x.db'",
    ],
)
def test_paths_are_folded(follow, tmp_path, expression):
    machine = follow(f"import os, environ\nfrom pathlib import Path\nX = {expression}\n")
    assert value(machine, "X") == str(tmp_path / "x.db")


@pytest.mark.parametrize(
    "read",
    [
        "os.environ['KEY']",
        "environ_lib('KEY')",
        "environ_lib.list('KEY')",
        "decouple.config('KEY')",
        "environs_lib.str('KEY')",
        "starlette_config('KEY')",
        "os.environ.get('KEY').split(',')",
        "int(os.getenv('KEY'))",
        "'prefix' + os.getenv('KEY')",
        "create_engine(os.environ.get('KEY'))",
        "os.getenv('KEY')[0]",
        "helper('KEY')",
    ],
)
def test_a_read_that_breaks_the_import_is_a_need(follow, read):
    machine = follow(
        f"""
        import os, decouple, environ, environs
        from sqlalchemy import create_engine
        from starlette.config import Config
        environ_lib = environ.Env()
        environs_lib = environs.Env()
        starlette_config = Config()
        def helper(name):
            try:
                return os.environ[name]
            except KeyError:
                raise RuntimeError(name)
        X = {read}
        """
    )
    assert list(machine.found.needs) == ["KEY"]
    assert machine.found.needs["KEY"].place.line == 12


@pytest.mark.parametrize(
    "text",
    [
        "X = os.environ.get('KEY')",
        "X = os.environ.get('KEY', '').split(',')",
        "X = env('KEY', default='x')",
        "X = env.bool('KEY', False)",
        "X = decouple.config('KEY', 'x')",
        "if os.environ.get('USE_S3'):\n    X = os.environ['KEY']",
        "if unknown():\n    X = os.environ['KEY']",
        "def view():\n    return os.environ['KEY']",
        "try:\n    X = os.environ['KEY']\nexcept KeyError:\n    X = ''",
        "if 'KEY' in os.environ:\n    X = os.environ['KEY']",
        "with contextlib.suppress(KeyError):\n    X = os.environ['KEY']",
        "for x in unknown():\n    Y = os.environ['KEY']",
        "if __name__ == '__main__':\n    X = os.environ['KEY']",
        "X = Env(KEY=(str, 'x'))('KEY')",
        "import environs\nlib = environs.Env()\ntry:\n    X = lib('KEY')\nexcept environs.EnvError:\n    X = ''",
    ],
)
def test_a_read_that_the_import_survives_is_none(follow, text):
    head = "import contextlib, os, decouple\nfrom environ import Env\nfrom lib import unknown\nenv = Env()\n"
    assert list(follow(head + text + "\n").found.needs) == []


def test_a_class_body_runs_at_import(follow):
    machine = follow("import os\nclass Production:\n    NAME = os.environ['SERVER_NAME']\n")
    assert list(machine.found.needs) == ["SERVER_NAME"]


def test_a_check_that_raises_makes_each_of_its_variables_needed(follow):
    machine = follow(
        """
        import os, sys
        A = os.getenv("A")
        if not A:
            raise ValueError("A")
        B = os.getenv("B")
        if B is None:
            sys.exit(1)
        """
    )
    assert list(machine.found.needs) == ["A", "B"]


def test_of_either_or_one_is_enough(follow):
    machine = follow(
        "import os\nA = os.getenv('A')\nB = os.getenv('B')\nif not A and not B:\n    raise ValueError\n",
    )
    assert list(machine.found.needs) == ["A"]


def test_a_lookup_that_may_have_succeeded_needs_nothing(follow):
    machine = follow(
        """
        import os
        from lib import things
        def find(value):
            for thing in things():
                if thing == value:
                    return thing
            raise ValueError(value)
        X = find(os.environ.get("KIND", "plain"))
        """
    )
    assert list(machine.found.needs) == []


def test_members_of_an_enumeration_are_known(follow):
    machine = follow(
        """
        import os
        from enum import Enum
        class Kind(Enum):
            PLAIN = "plain"
        def find(value):
            for kind in Kind:
                if kind.value == value:
                    return kind
            raise ValueError(value)
        X = find(os.environ.get("KIND", "plain"))
        """
    )
    assert (value(machine, "X"), list(machine.found.needs)) == ("plain", [])


def test_star_imports_and_overrides_are_followed(follow):
    machine = follow("from base import *\nB = 2\n", {"base.py": "A = 1\nB = 1\n"})
    assert (value(machine, "A"), value(machine, "B")) == (1, 2)


def test_a_local_module_that_is_caught_is_optional_and_else_it_is_absent(follow):
    machine = follow(
        """
        try:
            from pack.local import *
        except ImportError:
            pass
        from pack.missing import thing
        """,
        {"pack/__init__.py": ""},
    )
    assert [name for name, _ in machine.found.absent] == ["pack.missing"]


def test_pydantic_fields_without_default_are_variables(follow):
    machine = follow(
        """
        from pydantic import BaseModel, Field
        from pydantic_settings import BaseSettings, SettingsConfigDict
        class Database(BaseModel):
            host: str
            port: int = 5432
        class Settings(BaseSettings):
            model_config = SettingsConfigDict(env_prefix="APP_", env_nested_delimiter="__", env_file="dev.env")
            name: str
            size: int = 3
            note: str | None = None
            key: str = Field(..., validation_alias="OTHER_KEY")
            database: Database
        settings = Settings()
        X = settings.size
        """
    )
    assert list(machine.found.needs) == ["APP_NAME", "OTHER_KEY", "APP_DATABASE__HOST"]
    assert [loaded.path for loaded in machine.found.loaded] == ["dev.env"]
    assert value(machine, "X") == 3


def test_computed_fields_are_worked_out(follow):
    machine = follow(
        """
        from pydantic import computed_field
        from pydantic_core import MultiHostUrl
        from pydantic_settings import BaseSettings
        class Settings(BaseSettings):
            HOST: str = "cache"
            PORT: int = 6379
            @computed_field
            @property
            def url(self):
                return MultiHostUrl.build(scheme="redis", host=self.HOST, port=self.PORT, path="2")
        X = str(Settings().url)
        """
    )
    assert value(machine, "X") == "redis://cache:6379/2"
    assert machine.modules["app"].names["X"].reads == {"HOST", "PORT"}


def test_endless_code_is_given_up(follow):
    machine = follow("def f(n):\n    return f(n + 1)\nX = f(0)\nwhile True:\n    X = 1\nY = 2\n")
    assert value(machine, "Y") == 2


def test_what_another_python_would_parse_is_passed_over(follow):
    machine = follow("from broken import thing\nX = 1\n", {"broken.py": "print 'SECRET_KEY'\n"})
    assert value(machine, "X") == 1


DATACLASS = """from dataclasses import dataclass, field
import os

def read(name, default):
    return lambda: os.getenv(name, default)

@dataclass
class Store:
    name: str
    url: str = field(default_factory=read('SHOP_URL', 'redis://localhost'))
    size: int = 3

    def __post_init__(self):
        self.name = self.name.upper()

@dataclass
class Settings:
    store: Store = field(default_factory=lambda: Store('main'))
"""


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("Store('a').url", "redis://localhost"),
        ("Store('a').name", "A"),
        ("Store('a', 'x').url", "x"),
        ("Store('a', size=4).size", 4),
        ("Settings().store.url", "redis://localhost"),
    ],
)
def test_dataclasses_are_made(follow, expression, expected):
    machine = follow(f"{DATACLASS}X = {expression}\n")
    assert value(machine, "X") == expected


def test_what_litestar_calls_on_its_plugins_is_followed(follow):
    machine = follow(
        "import os\nfrom litestar import Litestar\n\nclass Core:\n    def on_app_init(self, config):\n"
        "        return os.environ['SHOP_URL']\n\ndef init(config):\n    os.environ['SHOP_KEY']\n\n"
        "app = Litestar([], plugins=[Core()], on_app_init=[init])\n"
    )
    assert {"SHOP_URL", "SHOP_KEY"} <= machine.found.reads.keys()
