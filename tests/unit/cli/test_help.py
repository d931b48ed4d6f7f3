"""Help: every command, at every width, without Unicode."""

import re
from itertools import pairwise

import pytest

from devboot.app.command_table import BY_NAME, COMMANDS, GLOBAL
from devboot.cli.commands.topics import environment, exit_codes
from devboot.cli.help import brief, command_help, overview, usage

PAGES = [*((command.name, lambda width, command=command: command_help(command, width)) for command in COMMANDS)]
PAGES.append(("overview", overview))
TOPICS = [("exit-codes", lambda _: exit_codes()), ("environment", lambda _: environment({}))]


@pytest.mark.parametrize("width", [1, 20, 40, 80, 200])
@pytest.mark.parametrize(("name", "page"), PAGES, ids=[name for name, _ in PAGES])
def test_no_flag_is_ever_cut_and_all_is_ascii(name, page, width):
    text = page(width)
    flags = [*GLOBAL, *(BY_NAME[name].flags if name in BY_NAME else ())]
    shown = [spelling for flag in flags for spelling in flag.names if name not in BY_NAME or spelling != "--version"]
    assert all(spelling in text for spelling in shown)
    assert text.isascii()


@pytest.mark.parametrize("width", [40, 80, 200])
@pytest.mark.parametrize(("name", "page"), PAGES, ids=[name for name, _ in PAGES])
def test_lines_fit_the_terminal_but_for_what_would_be_pasted(name, page, width):
    pasted = {example for command in COMMANDS for example, _ in command.examples}
    for line in page(width).split("\n"):
        assert len(line) <= width or line.strip() in pasted or "`" in line or " " not in line.strip()


def paragraphs(page):
    """Return the lines of each paragraph of prose, which stand before the first list of a page."""
    prose = re.split(r"^[a-z ,]+:$", page, maxsplit=1, flags=re.MULTILINE)[0]
    return [each.split("\n") for each in prose.strip("\n").split("\n\n")]


def first_word(line):
    """Return the beginning of a line that isn't broken: a word, or a passage between backticks."""
    return re.match(r"(?:[^\s`]*`[^`]*`[^\s`]*)+|\S+", line.strip())[0]


@pytest.mark.parametrize("width", [44, 80, 120])
@pytest.mark.parametrize(("name", "page"), PAGES, ids=[name for name, _ in PAGES])
def test_a_line_of_a_paragraph_ends_only_where_the_next_word_would_not_fit(name, page, width):
    for lines in paragraphs(page(width)):
        for line, then in pairwise(lines):
            assert len(f"{line} {first_word(then)}") > width


@pytest.mark.parametrize("width", [44, 80, 120])
@pytest.mark.parametrize(("name", "page"), [*PAGES, *TOPICS], ids=[name for name, _ in [*PAGES, *TOPICS]])
def test_no_two_blank_lines_follow_each_other_and_a_paragraph_is_whole_sentences(name, page, width):
    text = page(width)
    assert "\n\n\n" not in text
    if (name, page) in PAGES[:-1]:
        assert all(lines[-1][-1] in ".:" for lines in paragraphs(text)[1:])


def test_the_help_of_a_command_says_usage_sentence_examples_flags():
    assert command_help(BY_NAME["logs"]) == (
        """\
usage: devboot logs [FLAGS] [NAME...]

Show the output of processes, also of those that have ended.

examples:
  devboot logs -f                   follow all of them
  devboot logs -n 100 web           the last 100 lines of web
  devboot logs --grep Error 'web*'  lines that contain a word, of several

arguments:
  NAME  processes or services; `*` and `?` match

flags:
  -f, --follow       keep printing new lines
  -n, --lines COUNT  how many lines from the end of each (default 100)
  --since TIME       show lines from TIME on: 10m, 09:41, 2026-05-12T09:41
  --grep PATTERN     show only lines that match a regular expression
  --json             machine-readable output

more flags:
  --until TIME  show lines up to TIME
  --no-prefix   don't show time and name
  --timestamps  show date and milliseconds

with every command:
  -C DIR         work as if started in the folder DIR
  -q, --quiet    print errors only
  -v, --verbose  print more: commands and probes in ps, versions in doctor
  --plain        one line per event, no redrawing; also for screen readers
  --no-color     no colours
  --no-input     never ask; fail, naming the flag that answers
  --no-pager     don't use a pager for long output
  --no-wait      don't wait for another devboot, or until processes are up
  -h, --help     show this help
"""
    )


def test_on_a_narrow_terminal_explanations_stand_below():
    assert """\
  -n, --lines COUNT
      how many lines from the end of
      each (default 100)
""" in command_help(BY_NAME["logs"], 40)


def test_usage_tells_required_from_optional():
    assert usage(BY_NAME["restart"]) == "usage: devboot restart [FLAGS] NAME..."
    assert usage(BY_NAME["run"]) == "usage: devboot run [FLAGS] [TASK] [[--] ARGS...]"


def test_devboot_alone_says_eight_lines():
    assert brief("shop is not running (devboot.toml)") == (
        """\
shop is not running (devboot.toml)

  devboot up        start everything; what is missing is installed
  devboot ps        show what runs
  devboot logs -f   follow the output
  devboot down      stop everything

`devboot help` lists all commands, `devboot help up` explains one
"""
    )
