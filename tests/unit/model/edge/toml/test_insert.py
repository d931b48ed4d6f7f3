"""What is added to a TOML text, and that nothing else of it changes."""

import tomllib
from textwrap import dedent

import pytest
from hypothesis import given, strategies as st

from devboot.model.edge.toml.insert import FormError, insert_tables


def text(given):
    return dedent(given).lstrip("\n")


def test_keys_come_behind_the_last_of_their_table_and_tables_behind_those_of_their_kind():
    before = text("""
        # ours
        [env]   # variables
        A = "1"  # first
        # B = "2"

        # the web
        [processes.web]
        command = "x"
        watch = [
            "a", # all
        ]
        [ui]
        detach-keys = "ctrl-p ctrl-q"
    """)
    tables = [
        ["[env]", 'C = "3"  # app.py:1'],
        ["[processes.worker]", 'command = "y"'],
        ["[services.redis]"],
        ["[packages]", 'node = "24"'],
        ["[processes.beat]", 'command = "z"'],
    ]
    assert insert_tables(before, tables, ["services", "env", "packages", "processes", "ui"]) == text("""
        # ours
        [env]   # variables
        A = "1"  # first
        # B = "2"
        C = "3"  # app.py:1

        [packages]
        node = "24"

        # the web
        [processes.web]
        command = "x"
        watch = [
            "a", # all
        ]

        [processes.worker]
        command = "y"

        [processes.beat]
        command = "z"

        [ui]
        detach-keys = "ctrl-p ctrl-q"

        [services.redis]
    """)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "[env]\nA = 1\n"),
        ("# mine", "# mine\n\n[env]\nA = 1\n"),
        ("# mine\n\n", "# mine\n\n[env]\nA = 1\n"),
        ("[env]", "[env]\nA = 1\n"),
        ("[env]\r\nB = 2\r\n", "[env]\r\nB = 2\r\nA = 1\r\n"),
        ("[env]\nB = 2\n# of ui\n[ui]\n", "[env]\nB = 2\nA = 1\n# of ui\n[ui]\n"),
        ("env.B = 2\n", None),
        ('env = { B = "2" }\n', None),
    ],
)
def test_a_text_is_added_to_in_its_own_form_or_refused(before, after):
    table = ["[env]", "A = 1"]
    if after is None:
        with pytest.raises(FormError) as caught:
            insert_tables(before, [table])
        assert caught.value.name == "env"
    else:
        assert insert_tables(before, [table]) == after


NAMES = st.sampled_from(["a", "b", '"c d"', "env", "services"])
VALUES = st.sampled_from(["1", '"x # y"', "[1,\n  2] # two", '"""\n[env]\n"""', "{ a = 1 }"])
ROWS = st.one_of(
    st.sampled_from(["", "# text", "  # [env]"]),
    st.tuples(NAMES, VALUES).map(" = ".join),
    st.lists(NAMES, min_size=1, max_size=3).map(lambda names: f"[{'.'.join(names)}]  # here"),
)


def is_toml(lines):
    try:
        tomllib.loads("\n".join(lines))
    except tomllib.TOMLDecodeError:
        return False
    return True


@given(st.lists(ROWS, max_size=8).filter(is_toml), st.lists(st.tuples(NAMES, NAMES), min_size=1, max_size=3))
def test_whatever_the_text_its_characters_stay_and_its_values_are_joined_by_the_new_ones(lines, new):
    before = "\n".join(lines)
    tables = [[f"[{kind}.{name}]", "new = 1"] for kind, name in dict.fromkeys(new)]
    try:
        after = insert_tables(before, tables)
    except FormError:
        return
    rest = iter(after)
    assert all(letter in rest for letter in before)
    values = tomllib.loads(after)
    for kind, name in new:
        assert "new" in values[kind.strip('"')][name.strip('"')]
