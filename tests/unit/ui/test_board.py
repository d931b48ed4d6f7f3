"""Progress as lines: pure layout, time by argument."""

import pytest

from devboot.events import DONE, FAILED, FETCH, NOTE, PROGRESS, RETRY, START, UNCHANGED, WARNING, Event
from devboot.text.columns import cells
from devboot.text.symbols import ASCII, UNICODE
from devboot.ui.board import Board, active_lines, bar, cut, finished_lines


def board(*timed):
    made = Board()
    final = []
    for now, event in timed:
        final += made.take(event, now)
    return made, final


def lines(made, now, *, width=80, height=24, symbols=UNICODE, frame=0):
    return active_lines(made, now, symbols, width=width, height=height, frame=frame)


def shown(final, width=80, symbols=UNICODE):
    return [line for one in final for line in finished_lines(one, width, symbols)]


DOWNLOADING = [
    (0.0, Event(FETCH, "python", "3.12.4", done=0, total=28_100_000, unit="bytes")),
    (0.0, Event(START, "venv", waits_for="python")),
    (1.0, Event(PROGRESS, "python", "3.12.4", done=6_300_000, total=28_100_000, unit="bytes")),
    (2.0, Event(PROGRESS, "python", "3.12.4", done=12_600_000, total=28_100_000, unit="bytes")),
    (3.0, Event(PROGRESS, "python", "3.12.4", done=18_900_000, total=28_100_000, unit="bytes")),
]


def test_a_transfer_shows_bar_bytes_rate_and_time_left_and_what_waits_stands_below():
    made, _ = board(*DOWNLOADING)
    assert lines(made, 3.0) == [
        "  ◐ python     3.12.4  ━━━━━━━━━━━━━╸──────  18.9 of 28.1 MB  6.3 MB/s  1 s",
        "  ○ venv       waits for python",
    ]


def test_a_stall_is_named():
    made, _ = board(*DOWNLOADING)
    assert lines(made, 15.0)[0].startswith("  ◐ python     3.12.4  no data for 12 s ")


def test_a_retry_is_told_until_data_comes():
    retry = Event(RETRY, "python", "no data for 12 s, trying again at 30 s")
    made, _ = board(*DOWNLOADING, (15.0, retry))
    assert "no data for 12 s, trying again at 30 s" in lines(made, 16.0)[0]
    made.take(Event(PROGRESS, "python", done=19_000_000, total=28_100_000, unit="bytes"), 31.0)
    assert "trying again" not in lines(made, 31.0)[0]


def test_an_unknown_total_shows_bytes_and_rate_but_no_bar():
    made, _ = board(
        (0.0, Event(FETCH, "node", "24", done=0, unit="bytes")),
        (1.0, Event(PROGRESS, "node", done=2_000_000, unit="bytes")),
    )
    assert lines(made, 1.0) == ["  ◐ node       24  2.0 MB  2.0 MB/s"]


def test_packages_are_counted_with_seconds():
    made, _ = board((0.0, Event(PROGRESS, "venv", "installing", done=12, total=61, unit="packages")))
    assert lines(made, 4.0) == ["  ◐ venv       installing  12 of 61 packages                               4 s"]


WHEEL = "some_package_with_a_long_name-12.4.5-cp313-cp313-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"


@pytest.mark.parametrize(
    ("width", "symbols", "expected"),
    [
        (80, UNICODE, "  ◐ packages   some_package_with_a_long_name-12.4.5-cp313-cp313-manylin…  12 s"),
        (80, ASCII, "   ~ packages   some_package_with_a_long_name-12.4.5-cp313-cp313-many...  12 s"),
        (200, UNICODE, f"  ◐ packages   {WHEEL}  12 s"),
        (20, UNICODE, "  ◐ packages   some"),
    ],
    ids=["usual", "ascii", "wide", "narrow"],
)
def test_a_long_text_leaves_room_for_the_seconds(width, symbols, expected):
    made, _ = board((0.0, Event(PROGRESS, "packages", WHEEL)))
    assert lines(made, 12.0, width=width, symbols=symbols) == [expected]


def test_a_long_text_leaves_room_for_a_stall_and_for_what_is_transferred():
    made, _ = board((0.0, Event(FETCH, "kit", WHEEL, done=1_000_000, total=2_000_000, unit="bytes")))
    assert lines(made, 1.0)[0].endswith("…  ━━━━━━━━━━╸─────────  1.0 of 2.0 MB")
    assert "…  no data for 15 s  15 s" in lines(made, 15.0)[0]


def test_waiting_for_a_lock_names_the_holder():
    note = Event(NOTE, "venv", "waits for `devboot up` (pid 4711), for 12 s", waits_for="`devboot up` (pid 4711)")
    made, _ = board((0.0, Event(START, "venv")), (12.0, note))
    assert "waits for `devboot up` (pid 4711), for 12 s" in lines(made, 12.0)[0]


def test_a_note_stays_beside_the_step_that_goes_on():
    made, final = board((0.0, Event(START, "sqlite", "db.sqlite3")), (0.1, Event(NOTE, "sqlite", "copy kept")))
    assert shown(final) == ["    sqlite     copy kept"]
    assert lines(made, 0.1) == ["  ◐ sqlite     db.sqlite3"]


def test_the_spinner_turns():
    made, _ = board((0.0, Event(START, "venv", "making it")))
    assert [lines(made, 0.0, frame=frame)[0][2] for frame in range(4)] == list("◐◓◑◒")


@pytest.mark.parametrize("height", [1, 2, 5, 24])
@pytest.mark.parametrize("width", [1, 10, 40, 80, 200])
def test_fifty_steps_never_take_more_than_the_terminal_has(width, height):
    made, _ = board(*((0.0, Event(START, f"artifact-{number}", "fetching " * 9)) for number in range(50)))
    drawn = lines(made, 2.0, width=width, height=height)
    assert len(drawn) == height
    assert all(cells(line) < max(width, 2) for line in drawn)
    if height > 1 and width >= 40:
        assert drawn[-1] == f"    and {51 - height} more"


def test_what_is_done_says_how_long_it_took_at_the_edge():
    _, final = board((0.0, Event(START, "redis")), (1.1, Event(DONE, "redis", "7.4.2, 2.4 MB, digest ok")))
    assert shown(final) == ["  ✓ redis      7.4.2, 2.4 MB, digest ok                                  1.1 s"]
    assert cells(shown(final)[0]) == 78


def test_details_stand_below():
    _, final = board((0.0, Event(DONE, "venv", "1 added", lines=("+ stripe 11.1.0", "~ django 5.1.2 -> 5.1.3"))))
    assert shown(final)[1:] == ["               + stripe 11.1.0", "               ~ django 5.1.2 -> 5.1.3"]


def test_when_nothing_had_to_be_done_one_line_says_so():
    made, final = board(*((0.01 * n, Event(UNCHANGED, step)) for n, step in enumerate(["lock", "redis", "venv"])))
    assert final == []
    assert shown(made.settle(0.038)) == [
        "  ✓ nothing to install, 3 checks                                         38 ms"
    ]


def test_a_step_that_was_broken_off_may_have_had_something_to_install():
    made, _ = board((0.0, Event(UNCHANGED, "python", "3.13.5")), (0.1, Event(START, "lock", "choosing versions")))

    assert shown(made.settle(0.2)) == ["  ✓ python     3.13.5                                                     0 ms"]


def test_unchanged_steps_are_gathered_before_the_one_that_changed():
    _, final = board(
        (0.0, Event(UNCHANGED, "python")),
        (0.0, Event(UNCHANGED, "redis")),
        (0.0, Event(PROGRESS, "venv", done=1, total=2, unit="packages")),
        (0.9, Event(DONE, "venv", "1 added, 1 changed")),
    )
    assert shown(final)[0] == "  ✓ python, redis in place already"


def test_one_unchanged_step_among_others_keeps_its_own_words():
    _, final = board(
        (0.0, Event(UNCHANGED, "lock", "devboot.lock matches devboot.toml")),
        (0.0, Event(PROGRESS, "venv", done=1, total=2, unit="packages")),
        (0.9, Event(DONE, "venv", "61 packages")),
    )
    assert shown(final)[0].startswith("  ✓ lock       devboot.lock matches devboot.toml ")


def test_a_failed_step_and_a_warning_stay_visible():
    _, final = board(
        (0.0, Event(WARNING, "python", "3.11.9 is nowhere, 3.11.13 stands in", slug="python/patch-version")),
        (0.1, Event(FAILED, "venv", "could not be made")),
    )
    assert shown(final)[0] == "  ! warning[python/patch-version]: 3.11.9 is nowhere, 3.11.13 stands in"
    assert shown(final)[1].startswith("  ✗ venv       could not be made ")


def test_ascii_symbols_keep_texts_in_one_column():
    made, final = board((0.0, Event(DONE, "redis", "7.4.2")), (0.0, Event(START, "venv", waits_for="python")))
    assert [line.find("re") for line in shown(final, symbols=ASCII)] == [5]
    assert lines(made, 0.0, symbols=ASCII) == ["   . venv       waits for python"]


def test_an_interruption_knows_how_much_of_a_transfer_is_there():
    made, _ = board(*DOWNLOADING)
    assert made.kept() == ["python (67 %, will resume)"]


@pytest.mark.parametrize(
    ("done", "drawn"), [(0, ">-------------------"), (50, "==========>---------"), (100, "=" * 20)]
)
def test_the_bar_is_full_only_when_all_is_there(done, drawn):
    assert bar(done, 100, ASCII) == drawn


def test_cutting_counts_cells():
    assert cut("日本語", 5) == "日本"
