"""Packages by uv: creates virtualenvs; resolves, exports, installs, uninstalls and unpacks packages."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from devboot.clone_reader import read_text
from devboot.errors import DevbootError, MachineError, WorkError
from devboot.record import Record
from devboot.scratch import scratch_folder
from devboot.uv.child import Finished
from devboot.uv.client import Uv
from devboot.uv.failures import split_of


class IndexSettings(Record):
    """The indexes that a project's own files declare, in addition to the user's.

    They are passed as variables, not as arguments: urls may contain passwords, and arguments are visible to other
    users.
    """

    default: str = ""
    extra: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    trusted_hosts: tuple[str, ...] = ()
    no_index: bool = False

    def variables(self, environ: Mapping[str, str]) -> dict[str, str]:
        """Return the index settings as uv's environment variables, each followed by the caller's own value."""
        found: dict[str, str] = {}
        if self.default:
            found["UV_DEFAULT_INDEX"] = self.default
        for name, values, separator in (
            ("UV_INDEX", self.extra, " "),
            ("UV_FIND_LINKS", self.find_links, ","),
            ("UV_INSECURE_HOST", self.trusted_hosts, " "),
        ):
            if values:
                found[name] = separator.join([*values, *filter(None, [environ.get(name, "")])])
        return found

    @property
    def options(self) -> list[str]:
        """Settings for which uv has only an option and no variable."""
        return ["--no-index"] if self.no_index else []


NO_INDEXES = IndexSettings()
_INSTALLING = "install the packages"
_ANYWHERE = ("--index-strategy", "unsafe-best-match")
_NO_MATTER_OF_NETWORK = ("python/build-failed", "python/missing-library")
_COMPILE = (
    *("pip", "compile", "--universal", "--generate-hashes", "--no-annotate", "--no-header"),
    *("--no-strip-extras", "--no-python-downloads"),
)
# Lists frozen on Windows contain these without a marker, or at versions without a file for today's Pythons. devboot
# doesn't run on Windows, so they are never installed and must not make a resolution fail.
_OF_WINDOWS = ("pypiwin32", "pywin32", "pywinpty", "tensorflow-intel", "twisted-iocpsupport", "windows-curses")
# Packages may contradict each other only for PyPy or Windows, where no project runs here. These environments are
# excluded only after such a failure: uv reads exclusions only from a project file, which replaces the project's own.
_ELSEWHERE = re.compile(
    r"(?P<name>platform_python_implementation|implementation_name|sys_platform|platform_system|os_name) =="
    r" '(?P<value>(?i:pypy|win32|windows|cygwin|emscripten|nt))'"
)
_OVERRIDES = "".join(f"{name} ; python_version < '0'\n" for name in _OF_WINDOWS)


def _for_us(overrides: str) -> str:
    """Remove override lines about packages that run only on Windows."""
    lines = overrides.splitlines(keepends=True)
    return "".join(line for line in lines if re.split(r"[^\w.-]", line, maxsplit=1)[0].lower() not in _OF_WINDOWS)


def create_venv(uv: Uv, path: str, python: str, *, prompt: str) -> None:
    """Create a virtualenv at `path`, where there is none yet, for the interpreter at `python`."""
    arguments = ["venv", "--no-project", "--no-python-downloads", "--python", python, f"--prompt={prompt}"]
    uv.run([*arguments, "--allow-existing", path], doing="create the virtualenv")


def compile_requirements(
    uv: Uv,
    *,
    text: str = "",
    files: Sequence[str] = (),
    groups: Sequence[str] = (),
    extras: Sequence[str] = (),
    constraints: str = "",
    overrides: str = "",
    previous: str = "",
    upgrade: Sequence[str] = (),
    python: str,
    lowest_python: str,
    below_python: str = "",
    exclude_newer: str = "",
    indexes: IndexSettings = NO_INDEXES,
    options: Sequence[str] = (),
) -> str:
    """Resolve requirements for all platforms; return them pinned, with hashes and without urls of indexes.

    Packages that run only on Windows are left out.

    Args:
        uv: the uv to run; relative paths in `text` are relative to its folder.
        text: requirement lines.
        files: pyproject.toml files whose dependencies are included, with these `groups` and `extras`.
        groups: dependency groups.
        extras: optional dependencies.
        constraints: lines in the form of a constraints file.
        overrides: lines that take precedence over the requirements of packages.
        previous: an earlier result, whose versions are kept if they still fit.
        upgrade: names to upgrade; `*` for all.
        python: the interpreter that builds packages without metadata.
        lowest_python: the lowest version that the result has to support, as `3.11`.
        below_python: the first version that it need not support; only if `can_exclude`.
        exclude_newer: a date or a span (`7 days`); newer files are ignored.
        indexes: the indexes that the project's own files declare.
        options: further options of `uv pip compile`.

    Raises:
        DevbootError: `python/resolution`, `network/…`, `python/build-failed`.

    """
    arguments = [*_COMPILE, "--python", python, "--python-version", lowest_python, *indexes.options, *options]
    arguments += [*_repeated("--group", groups), *_repeated("--extra", extras)]
    if exclude_newer:
        arguments += ["--exclude-newer", exclude_newer]
    with _texts(constraints=constraints, pins=previous, overrides=_OVERRIDES + _for_us(overrides)) as paths:
        arguments += ["--overrides", paths["overrides"]]
        if constraints:
            arguments += ["--constraints", paths["constraints"]]
        if previous:
            arguments += ["--output-file", paths["pins"], *_upgrades(upgrade)]
        arguments += [*files, *(["-"] if text else [])]
        variables = indexes.variables(uv.environ)

        def resolve(excluded: Sequence[str]) -> str:
            with _described(excluded) as project:
                try:
                    words = [*arguments, *project]
                    return uv.run(words, doing="resolve the requirements", stdin=text, variables=variables).stdout
                except DevbootError as error:
                    places = [f"{each['name']} != '{each['value']}'" for each in _ELSEWHERE.finditer(split_of(error))]
                    more = [each for each in dict.fromkeys(places) if each not in excluded]
                    if not more or not can_exclude(uv):
                        raise
            return resolve([*excluded, *more])

        return resolve([f"python_full_version < '{below_python}'"] if below_python else [])


@contextlib.contextmanager
def _described(markers: Sequence[str]) -> Iterator[list[str]]:
    """Yield the options that make uv resolve only for these markers; none for all environments."""
    if not markers:
        yield []
        return
    with scratch_folder() as folder:
        with open(os.path.join(folder, "pyproject.toml"), "w", encoding="utf-8") as file:
            file.write(f'[tool.uv]\nenvironments = ["{" and ".join(markers)}"]\n')
        yield ["--project", folder]


def can_exclude(uv: Uv) -> bool:
    """Return whether a resolution can leave out Pythons and platforms: pyproject.toml must not have `[tool.uv]`."""
    return not _configures_uv(uv.folder)


def _configures_uv(folder: str) -> bool:
    try:
        return "[tool.uv" in read_text(os.path.join(folder, "pyproject.toml"))
    except OSError:
        return False


def _repeated(option: str, values: Sequence[str]) -> list[str]:
    return [word for value in values for word in (option, value)]


def _upgrades(names: Sequence[str]) -> list[str]:
    if "*" in names:
        return ["--upgrade"]
    return _repeated("--upgrade-package", names)


def export_uv_lock(
    uv: Uv, *, groups: Sequence[str] | None, extras: Sequence[str], package: str = "", every_package: bool = False
) -> str:
    """Return a uv.lock as requirement lines: pins with hashes, `-e` and paths of its own packages, git urls.

    Needs no network and no interpreter. `uv.folder` has the pyproject.toml whose dependencies are exported;
    `groups` None stands for the project's default groups.
    """
    arguments = ["export", "--frozen", "--offline", "--format", "requirements.txt", "--no-annotate", "--no-header"]
    if groups is not None:
        arguments += ["--no-default-groups", *(word for group in groups for word in ("--group", group))]
    arguments += [word for extra in extras for word in ("--extra", extra)]
    if package:
        arguments += ["--package", package]
    if every_package:
        arguments += ["--all-packages"]
    return uv.run(arguments, doing="read uv.lock").stdout


def install_requirements(
    uv: Uv,
    python: str,
    text: str,
    *,
    require_hashes: bool,
    indexes: IndexSettings = NO_INDEXES,
    options: Sequence[str] = (),
) -> tuple[str, ...]:
    """Install exactly the pinned lines into the virtualenv of `python`; other packages stay.

    Returns uv's output lines.
    """
    arguments = ["pip", "install", "--python", python, "--no-deps", *indexes.options, *options]
    if require_hashes:
        # With a hash any index may serve a file; without one the first index that has the name is used.
        arguments += ["--require-hashes", *_ANYWHERE]
    with _texts(requirements=text) as paths:
        variables = indexes.variables(uv.environ)

        def alone(requirement: str) -> list[str]:
            lines = [line for each, line in _pinned(text) if each == requirement]
            path = os.path.join(os.path.dirname(paths["requirements"]), "alone.txt")
            with open(path, "w", encoding="utf-8") as file:
                file.writelines(f"{line}\n" for line in lines)
            return [*arguments, "--requirements", path] if lines else []

        _install_remembered(uv, text, alone, variables)
        whole = [*arguments, "--requirements", paths["requirements"]]
        if not require_hashes:
            return uv.run(whole, doing=_INSTALLING, variables=variables, alone=alone).lines
        try:
            return _from_cache_first(uv, whole, doing=_INSTALLING, variables=variables, alone=alone).lines
        except WorkError as error:
            if error.slug == "python/no-such-package":
                _name_refusal(uv, [word for word in whole if word not in _ANYWHERE], variables)
            raise


def _install_remembered(uv: Uv, text: str, alone: Callable[[str], Sequence[str]], variables: Mapping[str, str]) -> None:
    """Install packages that were built with system libraries before, from uv's cache; failures are ignored."""
    if uv.libraries is None:
        return
    for requirement, _ in _pinned(text):
        with contextlib.suppress(DevbootError):
            if (more := uv.libraries.recall(requirement)) is not None:
                uv.run(alone(requirement), doing=_INSTALLING, variables={**variables, **more})


def _pinned(text: str) -> list[tuple[str, str]]:
    """Return each pin in a requirements text, as (`name==version` without extras, its whole line)."""
    lines = re.sub(r"\\\n\s*", " ", text).splitlines()
    pins = [(re.sub(r"\[[^]]*\]", "", re.split(r"[ ;]", line, maxsplit=1)[0]), line) for line in lines]
    return [(requirement, line) for requirement, line in pins if "==" in requirement]


def _name_refusal(uv: Uv, arguments: Sequence[str], variables: Mapping[str, str]) -> None:
    """Raise NetworkError if an index refused access, which uv ignores silently with the best-match strategy."""
    with contextlib.suppress(WorkError):
        uv.run([*arguments, "--dry-run"], doing=_INSTALLING, variables=variables)


def install_directs(
    uv: Uv, python: str, lines: Sequence[str], *, indexes: IndexSettings = NO_INDEXES, options: Sequence[str] = ()
) -> tuple[str, ...]:
    """Install packages without hashes: editables (`-e ./lib`), folders, git URLs; their dependencies are pinned.

    Paths in the lines are relative to `uv.folder`. Returns the lines of uv's output.
    """
    arguments = ["pip", "install", "--python", python, "--no-deps", *indexes.options, *options]
    with _texts(requirements="\n".join(lines) + "\n") as paths:
        arguments += ["--requirements", paths["requirements"]]
        return uv.run(
            arguments, doing="install the project's own packages", variables=indexes.variables(uv.environ)
        ).lines


def uninstall(uv: Uv, python: str, names: Sequence[str]) -> None:
    """Uninstall packages by name; missing ones are ignored."""
    if names:
        uv.run(["pip", "uninstall", "--python", python, *names], doing="remove packages that are no longer locked")


def install_target(
    uv: Uv,
    staging: str,
    requirements: str,
    *,
    python: str,
    platform: str = "",
    python_version: str = "",
    variables: Mapping[str, str] | None = None,
) -> None:
    """Unpack wheels into a folder, for this or another platform, each checked against its hash.

    Args:
        uv: the uv to run.
        staging: the folder, which uv creates.
        requirements: lines `name==version --hash=sha256:…`; the hash of one file selects that file.
        python: any interpreter, which uv requires.
        platform: `x86_64-manylinux_2_28`, `aarch64-apple-darwin`, …; "" for this machine.
        python_version: `3.12`, as in the wheel's file name; "" for that of `python`.
        variables: further variables, MACOSX_DEPLOYMENT_TARGET for instance.

    Raises:
        DevbootError: `integrity/hash-mismatch`, `network/…`, `machine/disk-full`.

    """
    # Copied, not linked: the unpacked files get other modes and patches, which must not reach uv's cache.
    arguments = ["pip", "install", "--target", staging, "--no-deps", "--only-binary", ":all:", "--link-mode", "copy"]
    arguments += ["--require-hashes", "--python", python]
    if platform:
        arguments += ["--python-platform", platform]
    if python_version:
        arguments += ["--python-version", python_version]
    with _texts(requirements=requirements) as paths:
        arguments += ["--requirements", paths["requirements"]]
        _from_cache_first(uv, arguments, doing="fetch the packages", variables=variables)


def _from_cache_first(
    uv: Uv,
    arguments: Sequence[str],
    *,
    doing: str,
    variables: Mapping[str, str] | None,
    alone: Callable[[str], Sequence[str]] | None = None,
) -> Finished:
    """Run uv offline, and again online only if that fails; digests make the result the same.

    Cached packages are thus installed without any network, also without `--offline`.
    """
    if not uv.offline:
        try:
            return replace(uv, offline=True).run(arguments, doing=doing, variables=variables, alone=alone)
        except DevbootError as error:
            if isinstance(error, MachineError) or error.slug in _NO_MATTER_OF_NETWORK:
                raise
    return uv.run(arguments, doing=doing, variables=variables, alone=alone)


def builtin_index(uv: Uv, python: str) -> str:
    """Return the URL of the index that uv uses by default, as uv reports it."""
    bare = {name: value for name, value in uv.environ.items() if not name.startswith("UV_") or name == "UV_CACHE_DIR"}
    quiet = Uv(uv.binary, bare, uv.folder, timeout=uv.timeout)
    arguments = [
        "pip",
        "compile",
        "--emit-index-url",
        "--no-config",
        "--offline",
        "--no-header",
        "--python",
        python,
        "-",
    ]
    finished = quiet.attempt(arguments, doing="ask for the default index", stdin="\n")
    words = finished.stdout.split()
    return words[1] if len(words) > 1 and words[0] == "--index-url" else ""


@contextlib.contextmanager
def _texts(**texts: str) -> Iterator[dict[str, str]]:
    """Write each non-empty text to a temporary file for uv; yield {name: path}."""
    paths: dict[str, str] = {}
    with scratch_folder() as place:
        for name, text in texts.items():
            paths[name] = os.path.join(place, f"{name}.txt")
            if text:
                with open(paths[name], "w", encoding="utf-8") as file:
                    file.write(text)
        yield paths
