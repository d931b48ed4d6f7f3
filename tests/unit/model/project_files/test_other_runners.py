"""What honcho, foreman and overmind read differently is found as they would read it."""

import pytest
from honcho.environ import parse_procfile as as_honcho

from devboot.model.project_files.other_runners import read_otherwise
from devboot.model.project_files.procfile import parse_procfile


def told(data):
    return list(read_otherwise(data, parse_procfile(data, "Procfile", is_lenient=True)))


def test_a_plain_file_is_read_alike():
    assert [] == told(b"# all\nweb: flask run -p $PORT\r\nworker:  celery -A shop worker\n\nweb_2: sleep 1 # x\n")


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (b"web.admin: x", "Procfile:1: honcho, foreman and overmind leave out `web.admin`"),
        (b"my-worker: x", "Procfile:1: foreman leaves out `my-worker`"),
        (b"web:x", "Procfile:1: overmind leaves out `web`"),
        (b"  web: x", "Procfile:1: honcho, foreman and overmind leave out `web`"),
        (b"\xef\xbb\xbfweb: x", "Procfile:1: honcho, foreman and overmind leave out `web`"),
        (b"web:\n  x --y", "Procfile:1: honcho, foreman and overmind leave out `web`"),
        ("web: x".encode("utf-16"), "Procfile:1: honcho, foreman and overmind leave out `web`"),
        (b"release: x\nweb: y", "Procfile:1: other runners start `release` as a process"),
    ],
)
def test_what_others_leave_out_or_start_is_named_with_its_line(line, sentence):
    assert [sentence] == told(line)


@pytest.mark.parametrize(
    "line", ["web.admin: x", "my-worker: x", "web:x", "  web: x", "\ufeffweb: x", "web: x y", "w_1: z"]
)
def test_of_honcho_that_is_what_honcho_itself_reads(line):
    left_out = any("honcho" in each for each in told(line.encode()))
    assert left_out == (not as_honcho(line).processes)
