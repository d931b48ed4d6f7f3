"""What short commands may not import: it would cost more than they do."""

import subprocess
import sys

import pytest

EXPENSIVE = ("asyncio", "httpx", "pydantic", "rich", "tomlkit", "typer", "packaging", "honcho")


def loaded(code):
    """The expensive packages that are loaded after running `code` in a fresh interpreter."""
    script = f"import sys, os\n{code}\nsys.stderr.write(' '.join(n for n in {EXPENSIVE!r} if n in sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    return done.stderr.split()


def test_the_typer_application_loads_nothing_of_the_long_way():
    # Typer itself loads rich in some versions.
    assert set(loaded("import devboot.cli.application")) <= {"typer", "rich"}


@pytest.mark.parametrize("argv", [["--version"], ["-h"], ["logs", "-h"], [], ["completions", "names", "process"]])
def test_what_needs_no_typer_does_not_load_it(argv):
    assert loaded(f"from devboot.cli.main import main\nmain({argv!r})") == []


def test_an_error_is_shown_without_rich():
    code = "import io\nkept, sys.stderr = sys.stderr, io.StringIO()\nfrom devboot.cli.main import main\n"
    assert loaded(f"{code}main(['statu'])\nsys.stderr = kept") == []
