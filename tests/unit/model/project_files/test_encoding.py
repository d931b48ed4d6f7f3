"""Encodings of text files that people write by hand."""

import pytest

from devboot.environment.locks.requirements import load_requirements
from devboot.errors import ManifestError, Problems
from devboot.model.project_files.dotenv import parse_dotenv
from devboot.model.project_files.encoding import EncodingError, NotUtf8Error, decode
from devboot.model.project_files.procfile import parse_procfile

TEXT = "web: sleep 1\nwörker: sleep 2\n"
PLAIN = "web: sleep 1\nworker: sleep 2\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_text_that_editors_and_shells_write_is_decoded(encoding):
    assert TEXT == decode(TEXT.encode(encoding), takes_utf_16=True)


UNMARKED = "file is UTF-16 without a byte order mark, expected UTF-8"
CUT = "the UTF-16 text ends in the middle of a character"


@pytest.mark.parametrize(
    ("data", "what", "place"),
    [
        (TEXT.encode("utf-16")[:-1], CUT, (2, 16)),
        (b"\xff\xfe" + "a\nb".encode("utf-16-le") + b"\x3d\xd8", CUT, (2, 2)),
        (b"\xff\xfe" + "a\nb".encode("utf-16-le") + b"\x00\xdcx\x00", "a character is not UTF-16", (2, 2)),
        (PLAIN.encode("utf-16-le"), UNMARKED, (1, 1)),
        (PLAIN.encode("utf-16-be"), UNMARKED, (1, 1)),
        (PLAIN.encode("utf-16-le")[:-1], UNMARKED, (1, 1)),
        (PLAIN.encode("utf-32"), "file is UTF-32, expected UTF-8", (1, 1)),
        ("a\r\nb\rwör".encode("latin-1"), "byte 0xf6 is not UTF-8", (3, 2)),
    ],
)
def test_what_cannot_be_decoded_is_named_with_its_place(data, what, place):
    with pytest.raises(EncodingError) as caught:
        decode(data, takes_utf_16=True)

    assert (what, place) == (caught.value.what, (caught.value.line, caught.value.column))
    assert isinstance(caught.value, NotUtf8Error) == what.startswith("byte")


def parse_requirements(data, file):
    return load_requirements(f"/{file}", "/", lambda _path: data, {})


PARSERS = [(parse_procfile, "Procfile"), (parse_dotenv, ".env"), (parse_requirements, "requirements.txt")]


@pytest.mark.parametrize(("parse", "file"), PARSERS)
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_each_file_says_in_its_error_what_is_wrong_and_where(parse, file, encoding):
    with pytest.raises((Problems, ManifestError)) as caught:
        parse("A=b\n# c\n".encode(encoding)[:-1], file)

    assert (file, True) == (caught.value.place.file, caught.value.place.line > 0)
    assert "UTF-" in caught.value.what


def test_requirements_in_a_legacy_encoding_are_read_all_the_same():
    assert ["six"] == [each.name for each in parse_requirements("six  # für\n".encode("latin-1"), "r.txt").lines]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_procfile_may_have_the_line_ends_of_any_system(end):
    lines = parse_procfile(PLAIN.replace("\n", end).encode(), "Procfile").lines

    assert [("web", "sleep 1", 1), ("worker", "sleep 2", 2)] == [tuple(each) for each in lines]


def test_a_nul_character_in_a_procfile_is_an_error_with_its_place():
    with pytest.raises(Problems) as caught:
        parse_procfile(b"web: a\nx: b\0c\n", "Procfile")

    place = caught.value.place
    assert ("procfile/bad-line", 2, 5) == (caught.value.slug, place.line, place.column)
