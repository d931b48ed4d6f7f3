"""Pins as requirements text."""

from devboot.environment.locks.pins import IndexLine, Pin, Pins, join_pins, normalised, render_pins

A = "sha256:" + "a" * 64
B = "sha256:" + "b" * 64


def test_pins_are_written_sorted_with_marker_extras_and_hashes():
    pins = [Pin("zebra", "2", 'sys_platform == "linux"', (), (B, A)), Pin("ant", "1.0", "", ("x", "y"), (A,))]

    expected = (
        f'ant[x,y]==1.0 \\\n    --hash={A}\nzebra==2 ; sys_platform == "linux" \\\n    --hash={A} \\\n    --hash={B}\n'
    )
    assert expected == render_pins(pins)


def test_the_order_of_pins_does_not_count():
    pins = [Pin("b", "1"), Pin("a", "1"), Pin("a", "2", 'python_version < "3.12"')]

    assert render_pins(pins) == render_pins(reversed(pins))


def test_joined_pins_keep_the_first_of_equal_ones_and_every_index():
    one = Pins(
        ("a.txt",), (Pin("x", "1", hashes=(A,)),), indexes=(IndexLine("extra", "https://one.example.test", "a"),)
    )
    two = Pins(("b.txt",), (Pin("x", "1", hashes=(B,)), Pin("y", "1")), stale="b.txt is old")

    joined = join_pins([one, two])

    assert (Pin("x", "1", hashes=(A,)), Pin("y", "1")) == tuple(sorted(joined.pins, key=lambda pin: pin.name))
    assert (("a.txt", "b.txt"), 1, "b.txt is old") == (joined.inputs, len(joined.indexes), joined.stale)


def test_names_are_compared_in_their_normal_form():
    assert "ruamel-yaml-clib" == normalised("Ruamel.Yaml__clib")
