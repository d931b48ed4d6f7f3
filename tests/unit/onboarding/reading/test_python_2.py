"""Code for Python 2 is recognised by its statements, in the module that would run."""

import pytest

from devboot.app.preparation.project.load import load_project
from devboot.app.preparation.project.unrecognised import refuse_python_2
from devboot.environment.python.versions import PYTHON_2
from devboot.errors import MachineError
from tests.fakes.folders import home_beside

FLASK = "from flask import Flask\napp = Flask(__name__)\n"


STATEMENTS = [
    "print app",
    "print 'open until %d' % 8",
    "exec 'x = 1'",
    "raise ValueError, 'closed'",
    "def told(self, (host, port)): pass",
    "def closed():\n  try: close()\n  except ValueError, e: pass",
    "def closed():\n  try: close()\n  except (ValueError, KeyError), e: pass",
]


def load(root, files):
    """Load a clone with these files."""
    for name, text in files.items():
        (root / name).write_text(text)
    return load_project(str(root), home_beside(root))


@pytest.mark.parametrize("statement", STATEMENTS)
@pytest.mark.parametrize("head", [FLASK, "import socket\nsocket.socket()\n"])
def test_a_program_for_python_2_is_refused_with_its_line(tmp_path, head, statement):
    files = {"requirements.txt": "flask==0.10.1\n", "server.py": f"{head}{statement}\n"}
    with pytest.raises(MachineError) as refused:
        refuse_python_2(load(tmp_path, files))

    number = 2 + len(statement.splitlines())
    assert refused.value.slug == "python/not-found"
    assert refused.value.causes == (f"`{statement.splitlines()[-1].strip()}` in server.py:{number}",)


@pytest.mark.parametrize(
    "files",
    [
        {"server.py": FLASK, "old.py": "print app\n"},
        {"main.py": "print(1)\n", "other.py": "x = 1\n", "old.py": "print app\n"},
        {"server.py": FLASK + 'text = """\nprint app\n"""\n'},
        {"server.py": FLASK + "print (app\n"},
        {"a.py": "print app\n", "b.py": "while True:\n  pass\n", "Procfile": "b: python b.py\n"},
    ],
)
def test_an_old_script_beside_or_another_mistake_refuses_nothing(tmp_path, files):
    loaded = load(tmp_path, {"requirements.txt": "flask\n", **files})
    refuse_python_2(loaded)

    assert PYTHON_2 not in loaded.program_kind
