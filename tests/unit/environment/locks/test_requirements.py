"""Requirements files as pip reads them."""

import subprocess

import pytest

from devboot.environment.locks.direct_references import render_direct
from devboot.environment.locks.pins import EDITABLE, FOLDER, GIT, URL, IndexLine, Pin
from devboot.environment.locks.requirements import load_requirements, logical_lines, pins_of_locked
from devboot.errors import ManifestError

A = "sha256:" + "a" * 64
B = "sha256:" + "b" * 64


def load(tmp_path, text, environ=None, **others):
    for name, content in {"requirements.txt": text, **others}.items():
        path = tmp_path / name.replace("__", "/").replace("_txt", ".txt")
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())

    def read(path):
        with open(path, "rb") as file:
            return file.read()

    return load_requirements(str(tmp_path / "requirements.txt"), str(tmp_path), read, environ or {})


def test_comments_blank_lines_and_continuations_are_read_as_pip_does(tmp_path):
    text = "# first\n\ndjango>=5 \\\n  ,<6 # why\n  celery[redis]==5.4 ; python_version >= '3.11'\nflask"

    found = load(tmp_path, text)

    assert [("django>=5 ,<6", 3), ("celery[redis]==5.4 ; python_version >= '3.11'", 5), ("flask", 6)] == [
        (line.text, line.line) for line in found.lines
    ]


def test_included_files_are_read_once_relative_to_their_own_folder(tmp_path):
    found = load(
        tmp_path,
        "-r requirements/base.txt\n-rrequirements/base.txt\n",
        requirements__base_txt="-r more.txt\na\n",
        requirements__more_txt="--requirement=base.txt\nb\n",
    )

    assert ["b", "a"] == [line.name for line in found.lines]
    assert ["requirements/more.txt", "requirements/base.txt"] == [line.file for line in found.lines]


def test_constraints_are_kept_apart(tmp_path):
    found = load(tmp_path, "-c limits.txt\na\n", limits_txt="a<2\nb==1\n")

    assert (["a"], ["a<2", "b==1"]) == ([line.text for line in found.lines], [line.text for line in found.constraints])


def test_a_file_with_pins_and_hashes_is_a_lock(tmp_path):
    text = (
        f"A_b[x]==1.0 ; sys_platform == 'linux' \\\n    --hash={A} \\\n    --hash={B}\n    # via c\nc==2 --hash={A}\n"
    )

    found = load(tmp_path, text)

    assert found.is_locked
    assert (
        Pin("a-b", "1.0", 'sys_platform == "linux"', ("x",), (A, B)),
        Pin("c", "2", "", (), (A,)),
    ) == pins_of_locked(found, "requirements.txt").pins


@pytest.mark.parametrize(
    "text", ["a==1\n", f"a==1 --hash={A}\nb==1\n", f"a>=1 --hash={A}\n", f"a==1.* --hash={A}\n", ""]
)
def test_a_file_that_lacks_a_pin_or_a_hash_is_none(tmp_path, text):
    assert not load(tmp_path, text).is_locked


def test_index_lines_carry_their_place_and_variables_are_filled_in(tmp_path):
    text = "-i https://${USER_NAME}@one.example.test/simple\n--extra-index-url=https://two.example.test\n"
    text += "-f wheels/\n--no-index\n"

    found = load(tmp_path, text, environ={"USER_NAME": "ann"})

    assert [
        IndexLine("default", "https://ann@one.example.test/simple", "requirements.txt", 1),
        IndexLine("extra", "https://two.example.test", "requirements.txt", 2),
        IndexLine("find-links", "wheels/", "requirements.txt", 3),
        IndexLine("no-index", "", "requirements.txt", 4),
    ] == found.indexes


@pytest.mark.faults(110)
def test_a_folder_of_wheels_beside_the_file_is_given_as_an_address(tmp_path):
    """Options of uv and pip end at a blank or a comma, and addresses at `#`."""
    root = tmp_path / "it's C#, 100% ours"
    (root / "my wheels").mkdir(parents=True)

    (line,) = load(root, "-f my wheels\n").indexes

    assert f"{tmp_path.as_uri()}/it%27s%20C%23%2C%20100%25%20ours/my%20wheels" == line.url


def test_options_for_building_are_passed_on_and_those_about_pip_are_not(tmp_path):
    found = load(tmp_path, "--no-binary lxml,numpy\n--only-binary=:all:\n--pre\n--prefer-binary\na\n")

    assert [
        *("--no-binary", "lxml", "--no-binary", "numpy"),
        *("--only-binary", ":all:", "--prerelease", "allow"),
    ] == found.options


def test_direct_references_of_all_kinds_are_told_apart(tmp_path):
    (tmp_path / "lib").mkdir()
    commit = "0123456789abcdef0123456789abcdef01234567"
    text = (
        "-e .\n-e ./lib[x]\n./lib\n"
        f"git+https://git.example.test/a/b.git@{commit}#egg=B_c&subdirectory=sub\n"
        "name @ https://files.example.test/name-1.0-py3-none-any.whl ; python_version >= '3.9'\n"
        "-e git+ssh://git@git.example.test/x.git@main#egg=x\n"
    )

    found = load(tmp_path, text)

    assert [EDITABLE, EDITABLE, FOLDER, GIT, URL, GIT] == [direct.kind for direct in found.directs]
    assert [
        "-e ./.",
        "-e ./lib[x]",
        "./lib",
        f"b-c @ git+https://git.example.test/a/b.git@{commit}#subdirectory=sub",
        "name @ https://files.example.test/name-1.0-py3-none-any.whl ; python_version >= '3.9'",
        "x @ git+ssh://git@git.example.test/x.git@main",
    ] == [render_direct(direct, str(tmp_path)) for direct in found.directs]


def test_a_file_written_by_powershell_is_read(tmp_path):
    found = load(tmp_path, "django==5.2\r\ncelery\r\n".encode("utf-16"))

    assert ["django", "celery"] == [line.name for line in found.lines]


def test_a_missing_include_is_blamed_where_it_is_named(tmp_path):
    with pytest.raises(ManifestError) as caught:
        load(tmp_path, "a\n-r gone.txt\n")

    error = caught.value
    assert ("python/no-requirements", "`gone.txt` can't be read", ("no such file or directory",)) == (
        error.slug,
        error.what,
        error.causes,
    )
    assert ("requirements.txt", 2, "-r gone.txt") == (error.place.file, error.place.line, error.place.source)


def test_a_line_that_is_no_requirement_is_blamed(tmp_path):
    with pytest.raises(ManifestError) as caught:
        load(tmp_path, "a\n== 1.0\n")

    assert ("python/requirement", "can't read `== 1.0` as a requirement", 2) == (
        caught.value.slug,
        caught.value.what,
        caught.value.place.line,
    )


def test_a_remark_as_in_other_languages_is_an_error_with_the_command_that_makes_it_one(tmp_path):
    with pytest.raises(ManifestError) as caught:
        load(tmp_path, "flask\n\n// update 2021-11-24 17:15:42\n")

    assert (caught.value.slug, caught.value.place.line) == ("python/requirement", 3)
    subprocess.run(["/bin/sh", "-c", caught.value.help[0]], cwd=tmp_path, check=True)
    assert (tmp_path / "requirements.txt").read_text() == "flask\n\n# // update 2021-11-24 17:15:42\n"


@pytest.mark.parametrize(
    "path",
    [
        "/home/conda/feedstock_root/build_artifacts/jedi_1696326831580/work",
        "/tmp/build/80754af9/jedi_1644297102865/work",
        "/Users/me/demo/conda-bld/jedi_1640109853801/work",
        "/C:/b/abs_f1b7c8/croot/jedi_1721058359741/work",
        "/C:/ci_310/jedi_1640794286123/work",
    ],
)
def test_a_package_that_conda_built_is_taken_by_its_name(tmp_path, path):
    found = load(tmp_path, f"jedi[a] @ file://{path} ; python_version > '3'\n")

    assert (["jedi[a] ; python_version > '3'"], []) == ([line.text for line in found.lines], found.directs)


@pytest.mark.parametrize(
    ("file", "version"), [("Toy_Box-3.1.7-cp312-cp312-win_amd64.whl", "3.1.7"), ("toy-box-2.0.tar.gz", "2.0")]
)
def test_a_file_of_another_machine_is_an_error_with_the_command_that_takes_its_version(tmp_path, file, version):
    text = f"flask\ntoy-box @ file:///C:/Users/me/Desktop/{file} ; python_version > '3'\n"
    with pytest.raises(ManifestError) as caught:
        load(tmp_path, text)

    assert "python/requirement" == caught.value.slug
    subprocess.run(caught.value.help[0], shell=True, cwd=tmp_path, check=True)
    assert (tmp_path / "requirements.txt").read_text() == f"flask\ntoy-box=={version}; python_version > '3'\n"


def test_a_file_that_is_there_stays_an_address(tmp_path):
    (tmp_path / "toy-1.0.zip").touch()

    assert [] == load(tmp_path, f"toy @ file://{tmp_path}/toy-1.0.zip\n").lines


def test_an_older_form_of_versions_is_left_to_uv(tmp_path):
    found = load(tmp_path, "a>=5.0.*\n")

    assert ("a", "a>=5.0.*", False) == (found.lines[0].name, found.lines[0].text, found.lines[0].is_understood)


def test_a_comment_ends_a_continued_line_as_in_pip():
    assert [(1, "a==1"), (3, "b")] == list(logical_lines("a==1 \\\n# between\nb\n"))
