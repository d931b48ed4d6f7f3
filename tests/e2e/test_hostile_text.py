"""A project whose every name, value, path and version is hostile: no command lets any of it reach the terminal raw."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.hostile_text import CLIPBOARD, HOSTILE, ONE_LINE, unprintable
from tests.fakes.terminal import Terminal

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.timeout(400), pytest.mark.faults(183, 184), pytest.mark.own_ports]

ODD = ONE_LINE.replace("/", "").replace("\r", "")  # for names of files, which hold any byte but this one
PRINTED = ONE_LINE.replace("\r", "")  # which would take back what stands before it
PRINTS = f"printf '%s\\n' '{PRINTED}'"
TOML = json.dumps(HOSTILE)  # a string of JSON is one of TOML
MANIFEST = f"""
[project]
name = {TOML}

[env]
ODD = {TOML}
SECRET = {{ generate = "token", description = {TOML} }}

[databases.default]
path = {json.dumps(f"{ODD}.sqlite3")}
pragmas = {{ journal_mode = "wal" }}

[tasks.prints]
run = {json.dumps(PRINTS)}

[tasks.fails]
run = {json.dumps(f"{PRINTS} >&2; exit 3")}

[processes.web]
command = {json.dumps(f"{PRINTS}; exec sleep 1000 # {ONE_LINE}")}
cwd = {json.dumps(ODD)}
ready = {{ log = "evil" }}

[processes.crashes]
command = {json.dumps(f"{PRINTS} >&2; exit 7 # {ONE_LINE}")}
restart = "never"
"""
LOOKING = (
    (),
    ("ps",),
    ("ps", "-v"),
    ("ps", "-a"),
    ("ps", "--json"),
    ("ps", "-v", "--json"),
    ("env",),
    ("env", "--json"),
    ("env", "--direnv"),
    ("logs",),
    ("logs", "--json"),
    ("logs", "--timestamps", "web"),
    ("doctor",),
    ("doctor", "-v"),
    ("doctor", "--json"),
    ("lock", "--check"),
    ("lock", "diff"),
    ("sync", "--check"),
    ("up", "--dry-run"),
    ("up", "--dry-run", "--json"),
    ("generations",),
    ("diff", "1", "2"),
    ("diff", "1", "2", "--json"),
    ("completions", "names", "process"),
    ("run", ODD),
    ("start", ODD),
    ("logs", ODD),
    ("store", "path", ODD),
    ("explain", ODD),
    ("help", ODD),
    (ODD,),
    ("-C", ODD, "ps"),
    ("-C", f"{ODD}/none", "ps"),
    ("up", f"--{ODD}"),
)
ON_TERMINAL = (
    (),
    ("ps", "-v"),
    ("env",),
    ("env", "--direnv"),
    ("logs",),
    ("doctor", "-v"),
    ("up", "--dry-run"),
    ("diff", "1", "2"),
)
# Mistakes in each kind of file, so that messages quote them.
MISTAKES = {
    "devboot.toml": (
        f"[project]\nname = 1\n{TOML} = 2\n",
        f"[env]\n{TOML} = {TOML}\n",
        f"[services.{TOML}]\n",
        f"[services.redis]\nversion = {TOML}\n",
        f"[services.redis]\nsource = {TOML}\n",
        f"[services.redis]\nsettings = {{ {TOML} = {TOML} }}\n",
        f"[packages]\n{TOML} = {TOML}\n",
        f"[python]\nversion = {TOML}\n",
        f"[python]\nrequirements = [{TOML}]\n",
        f"[python]\nvenv = {TOML}\n",
        f"[tasks.a]\nrun = 'true'\ndepends_on = [{TOML}]\n",
        f"[processes.{TOML}]\ncommand = {TOML}\n",
        f"[processes.a]\ncommand = 'true'\nready = {{ {TOML} = {TOML} }}\n",
        f"[env]\nA = '${{{ONE_LINE}}}'\n",
        f"[env-files]\nread = [{TOML}]\n",
        f"[procfile]\npath = {TOML}\n",
        f"name = '{HOSTILE}'\n",
    ),
    "devboot.lock": (
        f"format = 1\n{TOML} = 1\n",
        f"format = {TOML}\n",
        f"format = 1\n[[package]]\nname = {TOML}\nversion = {TOML}\nsource = {TOML}\n",
        HOSTILE,
    ),
    "Procfile": (f"{ONE_LINE}: true\n", f"a {ONE_LINE}\n", f"web: true\nweb: {ONE_LINE}\n"),
    ".env": (f"{ONE_LINE}=1\n", f"A='{ONE_LINE}\n", f"A=1 {ONE_LINE}\n"),
    "requirements.txt": (
        f"{ONE_LINE}\n",
        f"-r {ONE_LINE}\n",
        f"--{ONE_LINE}\n",
        f"a=={ONE_LINE}\n",
        f"--index-url https://{ONE_LINE}.invalid/\na==1\n",
        f"./{ONE_LINE}\n",
    ),
    "pyproject.toml": (f"[project]\nname = {TOML}\ndependencies = [{TOML}]\n", HOSTILE),
    "poetry.lock": (f"[[package]]\nname = {TOML}\nversion = {TOML}\n", HOSTILE),
    "Pipfile.lock": (json.dumps({"default": {HOSTILE: {"version": HOSTILE}}}), HOSTILE),
    "pylock.toml": (f"lock-version = {TOML}\npackages = [{{ name = {TOML}, version = {TOML} }}]\n", HOSTILE),
    "uv.lock": (f"version = 1\n[[package]]\nname = {TOML}\nversion = {TOML}\n", HOSTILE),
    ".python-version": (HOSTILE,),
    "recipes/odd/recipe.toml": (f"[package]\nname = 'odd'\ndescription = {TOML}\n{TOML} = 1\n", HOSTILE),
    "docker-compose.yml": (f"services:\n  {TOML}:\n    image: {TOML}\n",),
}


@pytest.fixture
def odd(machine, tmp_path):
    folder = tmp_path / f"parent/{ODD}"
    (folder / ODD).mkdir(parents=True)
    (folder / "devboot.toml").write_text(MANIFEST)
    (folder / "wait.sh").touch()
    return machine(folder)


def typed(here, *words: str) -> str:
    """What a command writes in pipes."""
    done = here.devboot(*words, code=None)
    said = (done.stdout + done.stderr).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    assert done.returncode != 70, said
    return said


def seen(here, *words: str) -> str:
    """What a command shows on a terminal, with colours."""
    environ = {name: value for name, value in here.environ.items() if name != "NO_COLOR"}
    variables = {"TERM": "xterm-256color", "LANG": "C.UTF-8", "PAGER": "cat"}
    window = Terminal(here.command(*words), {**environ, **variables}, str(here.root))
    try:
        assert window.wait() != 70
        while window.read(0.2) and b"" != window.text and window.fd >= 0 and _has_more(window):
            pass
        return window.text.decode("utf-8", "replace")
    finally:
        window.close()


def _has_more(window: Terminal) -> bool:
    before = len(window.text)
    window.read(0.2)
    return len(window.text) > before


def of_processes(text: str) -> str:
    """Text in which output of processes stands, which may have tabs and any colour, and marks of any language."""
    text = re.sub(r"\x1b\[[0-9;:]*m", "", text)
    return re.sub("[\t\u200f\u202e\u2066\u2028\u2029\ufeff]", "", text)


def test_no_command_lets_hostile_values_through(odd):
    wrong = {}

    def check(words, text, *, is_live=False):
        if left := unprintable(of_processes(text) if "logs" in words else text, is_live=is_live):
            wrong[words, is_live] = (left, text)

    check(("sync",), typed(odd, "sync"))
    (odd.root / "devboot.toml").write_text(MANIFEST.replace("[env]", "[env]\nLATER = 'x'"))
    check(("sync", 2), typed(odd, "sync"))
    check(("up", "-d", "logs"), typed(odd, "up", "-d"))
    for words in (*LOOKING, ("restart", "web"), ("scale", "web=2"), ("up", "-d"), ("down",)):
        if words and words[0] in ("restart", "up", "scale", "down") and "-n" not in words:
            check((*words, "logs"), typed(odd, *words))
            continue
        if words not in (("env",), ("env", "--direnv")):  # which are for a shell there, that needs the very value
            check(words, typed(odd, *words))
        if words in ON_TERMINAL:
            check(words, seen(odd, *words), is_live=True)

    assert not wrong, "\n\n".join(f"{words}: {left}\n{text!r}" for words, (left, text) in wrong.items())


# Carries out command lines one after the other in one process; what they write goes to a file each.
DRIVER = """
import json, os, sys
from pathlib import Path
from devboot.cli.main import main
for number, (files, words) in enumerate(json.load(sys.stdin)):
    for name, text in files.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text)
    saved = os.dup(1), os.dup(2)
    target = os.open(f"../said-{number}", os.O_WRONLY | os.O_CREAT)
    os.dup2(target, 1), os.dup2(target, 2)
    code = main(words)
    sys.stdout.flush(), sys.stderr.flush()
    os.dup2(saved[0], 1), os.dup2(saved[1], 2)
    assert code != 70, (files, words, Path(f"../said-{number}").read_text())
"""


@pytest.mark.parametrize("file", MISTAKES)
def test_no_message_about_a_mistake_quotes_it_raw(file, machine, tmp_path):
    folder = tmp_path / "wrong/project"
    folder.mkdir(parents=True)
    here = machine(folder)
    files = {"devboot.toml": "[services.odd]\n" if "recipe" in file else "[python]\n", "Procfile": "web: true\n"}
    if file in ("Procfile", "docker-compose.yml"):
        del files["Procfile"]
    if file == "docker-compose.yml":
        del files["devboot.toml"]
    looks = (["up", "--dry-run"], ["doctor"], ["lock", "--check"], ["lock", "--check", "--json"], ["init"])
    tried = [({**files, file: text}, words) for text in MISTAKES[file] for words in looks]
    done = subprocess.run(
        [sys.executable, "-P", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{DRIVER}"],
        cwd=here.root,
        env={**here.environ, "DEVBOOT_OFFLINE": "1"},
        input=json.dumps(tried),
        capture_output=True,
        text=True,
        errors="replace",
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    wrong = {}
    for number, (changed, words) in enumerate(tried):
        said = (here.root.parent / f"said-{number}").read_bytes().decode("utf-8", "replace")
        if left := unprintable(said):
            wrong[words[0], changed[file]] = (left, said)

    assert not wrong, "\n\n".join(f"{words}: {left}\n{text!r}" for words, (left, text) in wrong.items())


@pytest.mark.parametrize("words", [("up",), ("up", "--plain")])
def test_a_person_who_watches_gets_lines_and_colours_alone(odd, words):
    environ = {name: value for name, value in odd.environ.items() if name != "NO_COLOR"}
    window = Terminal(odd.command(*words), {**environ, "TERM": "xterm-256color", "LANG": "C.UTF-8"}, str(odd.root))
    odd.children.append(window)
    window.expect("crashes")
    window.expect("exit 7|7")
    window.type("\x03")
    window.wait()
    text = window.text.decode("utf-8", "replace")
    assert CLIPBOARD not in text
    assert unprintable(of_processes(text), is_live=True) == [], text
