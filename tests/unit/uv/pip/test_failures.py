"""uv's failures in devboot's words."""

import os

import pytest

from devboot.errors import Exit
from devboot.uv.failures import failure, is_offered_nowhere, masked, parse_failure

REFUSED = """Using Python 3.13.5 environment at: v
error: Request failed after 3 retries in 11.8s
  cause: Failed to fetch: https://ann:secret@mirror.example.test/simple/six/
  cause: error sending request for url (https://ann:secret@mirror.example.test/simple/six/)
  cause: client error (Connect)
  cause: tcp connect error
  cause: Connection refused (os error 111)"""
MISMATCH = """Resolved 1 package in 38ms
error: Failed to download `six==1.17.0`
  cause: Hash mismatch for `six==1.17.0`

         Expected:
           sha256:0000

         Computed:
           sha256:4721"""
LOGIN = """error: No solution found when resolving dependencies
  cause: Because six was not found in the package registry and you require six, we can conclude that it fails.

hint: An index URL (https://mirror.example.test/simple) could not be queried (401 Unauthorized)"""
GONE = """error: Failed to fetch: https://mirror.example.test/simple/six/
  cause: HTTP status client error (410 Gone) for url (https://mirror.example.test/simple/six/)"""
BROKEN_SERVER = """error: Request failed after 3 retries in 10.1s
  cause: Failed to fetch: https://mirror.example.test/simple/six/
  cause: HTTP status server error (500 Internal Server Error) for url (https://mirror.example.test/simple/six/)"""
NOT_CACHED = """error: No solution found when resolving dependencies
  cause: Because six was not found in the cache and you require six, we can conclude that it fails.

hint: Packages were unavailable because the network was disabled. When the network is disabled, …"""
CONTRADICTION = """error: No solution found when resolving dependencies
  cause: Because you require django==5.2 and django==4.2, we can conclude that your requirements are unsatisfiable."""
MISSPELLED = """error: No solution found when resolving dependencies
  cause: Because djagno was not found in the package registry and you require djagno, we can conclude that it fails."""
NO_VERSION = """error: No solution found when resolving dependencies
  cause: Because there is no version of six==99 and you require six==99, we can conclude that it fails."""
NO_SUCH_RANGE = """  \u00d7 No solution found when resolving dependencies:
  ╰─▶ Because only the following versions of six are available:
          six<0.2.0
          six>0.3.dev0
      and you require six>=0.2.0,<0.3.dev0, we can conclude that your requirements are unsatisfiable."""
OLDER_FORM = """  \u00d7 No solution found when resolving dependencies:
  ╰─▶ Because you require a==1 and a==2, we can conclude that your requirements are unsatisfiable."""
BUILD = """error: Failed to build `bad @ file:///project/bad`
  cause: The build backend returned an error
  cause: Call to `backend.get_requires_for_build_wheel` failed (exit status: 1)

         [stderr]
         RuntimeError: boom"""
LIBRARY = """error: Failed to build `python-ldap==3.4.4`
  cause: The build backend returned an error
  cause: This error likely indicates that you need to install a library that provides `lber.h` for `python-ldap@3.4.4`

         gcc -O3 -c Modules/LDAPObject.c
         Modules/common.h:15:10: fatal error: lber.h: No such file or directory"""
FULL = """error: Failed to install: django-5.2-py3-none-any.whl (django==5.2)
  cause: failed to copy file from a to b: No space left on device (os error 28)"""
READ_ONLY = """error: Failed to create directory `/project/.venv/lib`
  cause: Permission denied (os error 13)"""
NO_PYTHON = """error: No interpreter found for Python 3.12 in managed installations or search path

hint: A managed Python download is available for Python 3.12, but Python downloads are set to 'never'"""
TLS = """error: Request failed after 3 retries in 2.0s
  cause: Failed to fetch: https://mirror.example.test/simple/six/
  cause: invalid peer certificate: UnknownIssuer"""
UNREADABLE = """error: Couldn't parse requirement in `-` at position 0
  cause: Expected one of `@`, `(`, found `a`"""


TOO_OLD = """error: No solution found when resolving dependencies for split (markers: python_full_version == '3.9.*')
  cause: Because the requested Python version (>=3.9) does not satisfy Python>=3.10 and all of:
             ant>=5.0,<=5.0.4
             ant>=6.0
         depend on Python>=3.10, we can conclude that ant>=5.0 cannot be used.
         And because only the following versions of ant are available:
             ant<=5.0.4
             ant>=6.0
         and you require ant>=5, we can conclude that your requirements are unsatisfiable.

hint: The `requires-python` value (>=3.9) includes Python versions that your dependencies don't support (e.g., all of:
    ant>=5.0,<=5.0.4
    ant>=6.0
 only support Python>=3.10). Consider a more restrictive value."""


def translated(text, code=1):
    return failure(text.splitlines(), code, doing="install the packages")


@pytest.mark.parametrize(
    "why",
    [
        "there is no version of six==99 and you require six==99",
        "only flask<=3.1.3 is available and you require flask>=99",
        "only the following versions of ant are available:\n      ant==1\n      ant==2\n  and you require ant>5",
    ],
)
def test_what_no_index_has_no_other_python_brings(why):
    text = (
        f"error: No solution found when resolving dependencies\n  cause: Because {why}, we can conclude that it fails."
    )

    assert is_offered_nowhere(translated(text))
    assert is_offered_nowhere(translated(MISSPELLED))


@pytest.mark.parametrize(
    "why",
    [
        "the requested Python version (>=3.13) does not satisfy Python<3.12 and numba==0.58 depends on Python<3.12",
        "there is no version of bee>2 and ant==1 depends on bee>2, so ant fails. And you require ant==1",
        "there is no version of bee{python_full_version < '3.9'}>2 and you require bee>2",
    ],
    ids=["requires-python", "of-another", "for-some-pythons"],
)  # fmt: skip
def test_what_hangs_on_the_python_may_be_had_with_another(why):
    text = (
        f"error: No solution found when resolving dependencies\n  cause: Because {why}, we can conclude that it fails."
    )

    assert not is_offered_nowhere(translated(text))
    assert not is_offered_nowhere(translated(CONTRADICTION))


@pytest.mark.faults(1, 2, 3, 10, 11, 12, 17)
@pytest.mark.parametrize(
    ("text", "slug", "exit_code", "what"),
    [
        (
            REFUSED,
            "network/unreachable",
            Exit.NETWORK,
            "could not install the packages: mirror.example.test can't be reached",
        ),
        (
            BROKEN_SERVER,
            "network/http-500",
            Exit.NETWORK,
            "mirror.example.test answered 500 to a request",
        ),
        (MISMATCH, "integrity/hash-mismatch", Exit.INTEGRITY, "`six==1.17.0` is not the file that was locked"),
        (LOGIN, "network/http-401", Exit.NETWORK, "mirror.example.test answered 401 to a request"),
        (GONE, "network/http-410", Exit.NETWORK, "mirror.example.test answered 410 to a request"),
        (
            NOT_CACHED,
            "network/offline",
            Exit.NETWORK,
            "could not install the packages: a package is not in the cache and the network is off",
        ),
        (
            TLS,
            "network/tls",
            Exit.NETWORK,
            "could not install the packages: the certificate from mirror.example.test is not trusted",
        ),
        (
            CONTRADICTION,
            "python/resolution",
            Exit.FAILED,
            "could not install the packages: the requirements contradict",
        ),
        (MISSPELLED, "python/no-such-package", Exit.FAILED, "could not install the packages: no index has `djagno`"),
        (NO_VERSION, "python/resolution", Exit.FAILED, "could not install the packages: there is no `six==99`"),
        (
            NO_SUCH_RANGE,
            "python/resolution",
            Exit.FAILED,
            "could not install the packages: there is no `six>=0.2.0,<0.3.dev0`",
        ),
        (
            NO_VERSION.replace("there is no version of six==99", "only six<=1.17 is available"),
            "python/resolution",
            Exit.FAILED,
            "could not install the packages: there is no `six==99`",
        ),
        (OLDER_FORM, "python/resolution", Exit.FAILED, "could not install the packages: the requirements contradict"),
        (BUILD, "python/build-failed", Exit.FAILED, "`bad` could not be built"),
        (
            LIBRARY,
            "python/missing-library",
            Exit.FAILED,
            "`python-ldap==3.4.4` could not be built: the LDAP library is missing",
        ),
        (FULL, "machine/disk-full", Exit.MACHINE, "could not install the packages: the disk is full"),
        (READ_ONLY, "machine/not-writable", Exit.MACHINE, "could not install the packages: a folder is not writable"),
        (NO_PYTHON, "python/not-found", Exit.MACHINE, "could not install the packages: this Python isn't available"),
        (
            UNREADABLE,
            "python/requirement",
            Exit.FAILED,
            "could not install the packages: a requirement can't be parsed",
        ),
        ("thread panicked", "python/uv-failed", Exit.FAILED, "could not install the packages: uv ended with code 1"),
    ],
)
def test_each_kind_of_failure_has_its_slug_exit_code_and_sentence(text, slug, exit_code, what):
    error = translated(text)

    assert (slug, exit_code, what) == (error.slug, error.exit_code, error.what)
    assert len(error.what) <= 100


@pytest.mark.faults(4)
@pytest.mark.parametrize(
    ("cause", "slug", "what"),
    [
        (
            "Failed to download distribution due to network timeout",
            "network/stalled",
            "could not install the packages: mirror.example.test stopped sending `six==1.17.0`",
        ),
        (
            "error decoding response body\n  cause: end of file before message length reached",
            "network/short-body",
            "could not install the packages: mirror.example.test broke off the download of `six==1.17.0`",
        ),
    ],
)
def test_a_download_that_ends_while_it_is_unpacked_is_no_damaged_file(cause, slug, what):
    error = translated(
        "error: Failed to download `six==1.17.0`\n"
        "  cause: Failed to extract archive: six-1.17.0-py2.py3-none-any.whl\n"
        f"  cause: I/O operation failed: https://mirror.example.test/six.whl\n  cause: {cause}"
    )

    assert (error.slug, error.what, error.exit_code) == (slug, what, Exit.NETWORK)
    assert "damaged" not in " ".join((*error.causes, *error.help))


def test_a_version_that_another_python_would_get_is_not_said_to_be_missing():
    error = translated(TOO_OLD)

    assert error.what == "could not install the packages: there is no `ant>=5` for Python >=3.9"
    assert error.help[0] == '`version = ">=3.10"` in `[python]` of devboot.toml: a Python that fits'
    assert error.causes[-1].endswith(
        "(e.g., all of: ant>=5.0,<=5.0.4 ant>=6.0 only support Python>=3.10). Consider a more restrictive value."
    )
    assert error.causes[-2].endswith("your requirements are unsatisfiable.")


def test_uvs_own_causes_are_kept_without_logins():
    assert (
        "Request failed after 3 retries in 11.8s",
        "Failed to fetch: https://***@mirror.example.test/simple/six/",
        "Connection refused (os error 111)",
    ) == translated(REFUSED).causes


@pytest.mark.faults(10)
def test_both_digests_of_a_mismatch_are_shown():
    assert ("Expected:", "  sha256:0000", "Computed:", "  sha256:4721") == translated(MISMATCH).details


def test_the_output_of_a_failed_build_is_shown():
    error = translated(BUILD)

    assert ("[stderr]", "RuntimeError: boom") == error.details
    assert "Call to `backend.get_requires_for_build_wheel` failed (exit status: 1)" == error.causes[-1]


def test_a_missing_library_comes_with_the_commands_that_bring_it():
    assert (
        "sudo apt-get install libldap-dev libsasl2-dev   # Debian, Ubuntu",
        "brew install openldap   # macOS",
    ) == translated(LIBRARY).help


def test_a_backend_that_knows_no_editables_is_named_with_its_successor():
    text = BUILD.replace(
        "RuntimeError: boom", "AttributeError: module 'poetry.masonry.api' has no attribute 'build_editable'"
    )
    newer = '`requires = ["poetry-core"]`, `build-backend = "poetry.core.masonry.api"`'
    assert translated(text).help == (f"name a newer `build-backend` in its pyproject.toml: {newer}",)


def test_a_line_of_a_builds_output_is_no_cause_of_uvs():
    text = f"{BUILD}\n         x86_64-linux-gnu-gcc -c a.c"

    assert "x86_64-linux-gnu-gcc -c a.c" == translated(text).details[-1]


def test_an_end_by_a_signal_is_said():
    assert "could not install the packages: uv was ended by signal 9" == translated("", code=-9).what


def test_addresses_without_a_login_stay_as_they_are():
    assert "see https://a.example.test/b?c=d and ***" == masked("see https://a.example.test/b?c=d and ***")


def test_a_contradiction_is_told_to_its_end():
    lines = (
        "error: No solution found when resolving dependencies",
        "  cause: Because toy==1 depends on one of:",
        "             bar<1",
        "             bar>1,<2",
        "         and you require toy==1, we can conclude that you require bar<2.",
        "",
        "         And because you require bar==3, we can conclude that your requirements are unsatisfiable.",
        "",
        "hint: loosen it",
    )

    text = "Because toy==1 depends on one of: bar<1 bar>1,<2 and you require toy==1, we can conclude that you require"
    text += " bar<2. And because you require bar==3, we can conclude that your requirements are unsatisfiable."
    assert parse_failure(lines).causes == (text,)


def test_a_package_that_is_a_submodule_is_to_be_fetched():
    error = failure(("error: Distribution not found at: file:///home/ann/shop/odd",), 1, doing="install")

    assert (error.what, error.help) == (
        "`odd` is a package of the project that is not in the clone",
        ("if it is a submodule of git: `git submodule update --init --recursive`",),
    )


@pytest.mark.faults(216)
@pytest.mark.parametrize(
    ("cause", "helps"),
    [
        ("failed to copy file from /c/archive-v0/x/a.py to {}/store/.staging-1/.tmp1: No space", ("devboot gc",)),
        ("failed to write to file `{}/simple-v28/pypi/.tmp3`: No space", ("uv cache prune", "devboot gc")),
        ("failed to write `{}/.venv/lib/a b/c.py`: No space", ("devboot gc",)),
        ("No space", ("devboot gc",)),
    ],
)
def test_the_advice_for_a_full_disk_is_for_the_disk_that_is_full(tmp_path, cause, helps):
    said = f"error: Failed to install: a.whl\n  cause: {cause.format(tmp_path)} left on device (os error 28)"

    error = translated(said)

    mount = str(tmp_path)
    while not os.path.ismount(mount):
        mount = os.path.dirname(mount)
    assert error.help == helps
    assert (f"the disk at `{mount}`" in error.what) == ("{}" in cause and mount != "/")
