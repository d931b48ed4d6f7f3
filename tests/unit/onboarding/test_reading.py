"""Bounded reading, and the small parsers."""

import os

import pytest

from devboot import clone_reader
from devboot.onboarding import detect, render
from devboot.onboarding.proposal.render import HEAD
from devboot.onboarding.reading.dotenv import parse_variables
from devboot.onboarding.reading.procfile import parse_procfile
from devboot.onboarding.reading.tree import MAX_BYTES, Tree
from devboot.onboarding.reading.yaml import parse_yaml


def test_links_out_of_the_clone_and_endless_ones_are_not_followed(write, tmp_path):
    root = write({"in/app.py": "", "in/requirements.txt": ""}) / "in"
    (tmp_path / "secret.py").write_text("X = 1\n")
    os.symlink(tmp_path / "secret.py", root / "secret.py")
    os.symlink(root, root / "again")
    tree = Tree(root)
    assert tree.text("secret.py") is None
    assert tree.text("../secret.py") is None
    assert [name for name in tree.files() if "again" in name] == []


def test_big_binary_and_special_files_are_passed_over(write):
    root = write({"big.py": "#" * (MAX_BYTES + 1), "a.py": "X = 1\n"})
    (root / "binary.py").write_bytes(b"\0\1\2")
    os.mkfifo(root / "pipe.py")
    tree = Tree(root)
    assert [tree.text(name) for name in ("big.py", "binary.py", "pipe.py", "a.py")] == [None, None, None, "X = 1\n"]


def test_what_was_read_and_missed_is_noted(write, monkeypatch):
    root = write({"app.py": "from flask import Flask\napp = Flask(__name__)\n", "requirements.txt": "flask\n"})
    asked: set[str] = set()
    monkeypatch.setattr(clone_reader, "listeners", [lambda path, _what: asked.add(path)])
    assert root in detect(root, environ={}).globbed
    assert {str(root / name) for name in ("app.py", "requirements.txt", "Procfile", "uv.lock", ".env")} <= asked


def test_other_peoples_folders_are_not_searched(write):
    root = write(
        {"node_modules/x/manage.py": "execute_from_command_line", ".venv/manage.py": "execute_from_command_line"}
    )
    assert detect(root, environ={}).framework is None


def test_nothing_is_no_proposal(tmp_path):
    proposal = detect(tmp_path, environ={})
    assert (proposal.is_useful, render(proposal)) == (False, f"{HEAD}\n")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A=1\nexport B='two words'\nC=\"x # y\" # z\nD=a b # c\n# E=1\nF\nG=\n", {"A": "1", "B": "two words", "C": "x # y", "D": "a b", "G": ""}),  # noqa: E501
        ("source x\nA = 1\nA=2\n", {"A": "2"}),
        ("A=1\nB=\"${A}-${C}\"\nC=2\nD='${A}'\nE=${A}${C}\n", {"A": "1", "B": "1-${C}", "C": "2", "D": "${A}", "E": "12"}),  # noqa: E501
    ],
)  # fmt: skip
def test_env_files_are_read(text, expected):
    assert {name: variable.text for name, variable in parse_variables(text).items()} == expected


@pytest.mark.parametrize(
    "text",
    [
        "A0=12345678\n" + "".join(f"A{number + 1}=${{A{number}}}${{A{number}}}\n" for number in range(12)),
        f"A={'x' * 1000}\nB={'${A}' * 50}\n",
        f"A={'x' * 4000}\n" + "".join(f"B{number}=${{A}}.\n" for number in range(200)),
    ],
    ids=["doubling", "one line", "many lines"],
)
def test_references_of_an_env_file_add_a_bounded_amount_of_text(text):
    values = [variable.text for variable in parse_variables(text).values()]

    assert max(map(len, values)) <= 4096
    assert sum(map(len, values)) <= 300_000
    assert any("${A" in value for value in values)  # as it stands, where it would get too long


@pytest.mark.parametrize(
    "text", ["", "your-key", "changeme", "<secret>", "xxxx", "enter_db_host", "not-set", "...", "a${B}"]
)
def test_placeholders_are_no_values(text):
    assert parse_variables(f"A={text}\n")["A"].is_placeholder


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nb:\n  c: 'x'\n", {"a": "1", "b": {"c": "x"}}),
        ("a:\n  - x\n  - y: 1\n    z: 2\n", {"a": ["x", {"y": "1", "z": "2"}]}),
        ("a:\n- x\n- y\nb: z\n", {"a": ["x", "y"], "b": "z"}),
        ("a: [x, 'y z', {b: c}]\n", {"a": ["x", "y z", {"b": "c"}]}),
        ("a: >\n  one\n  two\nb: |\n  1\n  2\n", {"a": "one two\n", "b": "1\n2\n"}),
        ("x: &base\n  a: 1\n  b: 2\ny:\n  <<: *base\n  b: 3\n", {"x": {"a": "1", "b": "2"}, "y": {"a": "1", "b": "3"}}),
        ("a: x # note\n# b: y\n\nc: 'x # y'\n", {"a": "x", "c": "x # y"}),
        ('a: "one\n  two"\nb: http://x:1\n', {"a": "one two", "b": "http://x:1"}),
        ("a:\n  one\n  two\n", {"a": "one two"}),
        ("a: 1.10\nb: on\nc: ~\nd:\ne: 22:22\n", {"a": "1.10", "b": "on", "c": None, "d": None, "e": "22:22"}),
        ("a: !reset []\nb: !!python/name:os.system\n", {"a": [], "b": ""}),
        ("x: &a {b: 1}\ny: &c {d: 2}\nz:\n  <<: [*a, *c]\n", {"x": {"b": "1"}, "y": {"d": "2"}, "z": {"b": "1", "d": "2"}}),  # noqa: E501
        ("a: 1\n---\nb: 2\n", {"a": "1"}),
        ("", None),
    ],
)  # fmt: skip
def test_the_part_of_yaml_that_compose_uses_is_read(text, expected):
    assert parse_yaml(text) == expected


@pytest.mark.parametrize("text", ["?? : [\n", "a: {\n", "a: &\n", "\t\n", "a: 'x\n", ":\n", "@\n"])
def test_what_is_no_yaml_is_nothing(text):
    assert parse_yaml(text) is None


@pytest.mark.parametrize(
    ("text", "value"), [("- - -\n", [[[None]]]), ("- a:\n   b\n  c: d\n", [{"a": "b", "c": "d"}]), ("", None)]
)
def test_odd_yaml_is_what_it_says(text, value):
    assert value == parse_yaml(text)


LEVEL = "{0}: &{0} [" + ", ".join(["*{1}"] * 9) + "]\n"
BOMB = "a: &a [x, x]\n" + "".join(LEVEL.format(n, p) for p, n in zip("abcdefgh", "bcdefghi", strict=True))
MERGES = BOMB.replace("[x, x]", "{x: y}").replace("[*", "{<<: [*").replace("]\n", "]}\n")


@pytest.mark.parametrize(
    "text", [BOMB, MERGES, "a: &a {b: *a}\n", "a: &a [*a]\n", "[" * 100_000, "- " * 10_000 + "a\n"]
)
def test_a_document_that_only_fills_memory_is_none(text):
    assert parse_yaml(text) is None


@pytest.mark.parametrize(
    ("text", "expected", "line"),
    [
        ("a: 1\nb:\n\t- c\n", {"a": "1", "b": None}, 3),
        ("a: 1\nb: [x,\n  y\n", {"a": "1"}, 2),
        ("a: 1\nb: c: d\n", {"a": "1"}, 2),
    ],
)
def test_what_stands_before_a_line_that_is_no_yaml_counts(text, expected, line):
    wrong = []
    assert (parse_yaml(text, wrong), [each.line for each in wrong]) == (expected, [line])


def test_settings_that_manage_py_names_and_the_clone_lacks_are_named_with_their_template(propose):
    proposal = propose(
        {
            "manage.py": """
                import os, sys
                os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site_.conf.local")
                from django.core.management import execute_from_command_line
                execute_from_command_line(sys.argv)
                """,
            "site_/__init__.py": "",
            "site_/conf/__init__.py": "",
            "site_/conf/local.py.example": "DEBUG = True\n",
            "requirements.txt": "django\n",
        }
    )
    expected = "`site_/conf/local.py` is needed but not in the clone: make it from site_/conf/local.py.example"
    assert expected in [note.text for note in proposal.notes]


def test_a_command_of_a_procfile_that_is_too_long_keeps_its_name_and_is_not_looked_into():
    found = parse_procfile(f"web: {'uvicorn ' * 400}\nworker: celery\n")

    assert {name: entry.command for name, entry in found.items()} == {"web": "", "worker": "celery"}
