"""Errors of devboot's own are noted once for each place, however many places there are."""

from devboot.daemon import crashes, leases


def raised_at(number):
    """An error that comes from a place of its own."""
    try:
        exec(compile("1 / 0", f"place-{number}", "exec"))
    except ZeroDivisionError as error:
        return error
    raise AssertionError


def test_each_place_is_noted_once_beyond_those_that_are_written_down(tmp_path):
    (tmp_path / "run").mkdir()
    noted = []
    report = crashes.Crashes(str(tmp_path), noted.append)
    places = crashes._MOST + 5

    for number in [*range(places), *range(places)]:
        report(raised_at(number), None)

    assert len(noted) == places
    with open(leases.crash_path(str(tmp_path))) as file:
        assert file.read().count("ZeroDivisionError in devboot") == crashes._MOST
