"""Tables that describe artifacts, shared by versions.toml and devboot.lock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, ValidationError, WithJsonSchema, model_validator
from pydantic_core import InitErrorDetails

from devboot.model.artifact import PLATFORMS, AppPin, Artifact, Part, digest_of_parts, is_sha256, parse_digest
from devboot.model.edge.types import Filled, String, Table, list_of, refusal, shape

Kind = Literal["wheel", "app", "conda", "deb", "npm", "archive", "build", "host"]


def _hex_digest(value: object) -> object:
    if type(value) is not str:
        raise shape("a string")
    if not is_sha256(value):
        raise refusal("must be a sha256 digest", label="64 hexadecimal digits in lower case")
    return value


def _size(value: object) -> object:
    if not isinstance(value, int) or isinstance(value, bool):
        raise shape("an integer")
    if value < 0:
        raise refusal("must not be negative", label="a number of bytes")
    return value


def _digest(value: object) -> object:
    if type(value) is not str:
        raise shape("a string")
    try:
        parse_digest(value)
    except ValueError:
        raise refusal("must be a digest", label="`sha256:` and 64 hexadecimal digits") from None
    return value


DigestText = Annotated[str, BeforeValidator(_digest)]
Digests = Annotated[tuple[DigestText, ...], list_of("digests")]
HexDigest = Annotated[
    str, BeforeValidator(_hex_digest), WithJsonSchema({"type": "string", "pattern": "^[0-9a-f]{64}$"})
]
Bytes = Annotated[int, BeforeValidator(_size), WithJsonSchema({"type": "integer", "minimum": 0})]


class PartRow(Table):
    """One file of a multi-file artifact."""

    noun: ClassVar[str] = "a file of an artifact"
    name: Filled = Field(description="Name of the package that it is.")
    version: Filled = Field(description="Version of that package.")
    file: Filled = Field(description="File name.")
    sha256: HexDigest = Field(description="Digest of the file.")
    size: Bytes = Field(description="Size in bytes.")

    def part(self) -> Part:
        """Return the row as a `Part`, without pydantic."""
        return Part(self.name, self.version, self.file, self.sha256, self.size)


class PinRow(Table):
    """A row of devboot.lock for one Python package that an app consists of, on all platforms and Python versions."""

    noun: ClassVar[str] = "a pin of an app"
    name: Filled = Field(description="Name of the distribution.")
    version: Filled = Field(description="Its version.")
    marker: String = Field(default="", description="Marker of environments in which it applies; empty: always.")
    hashes: Digests = Field(min_length=1, description="Digests of the files that may be installed.")

    def pin(self) -> AppPin:
        """Return the row as an `AppPin`, without pydantic."""
        return AppPin(self.name, self.version, self.marker, tuple(sorted(self.hashes)))


class ArtifactRow(Table):
    """The artifact for one platform: one file, several `files`, or an app, whose pins are stored once per version.

    It contains no host: the user's configuration determines where it is downloaded from.
    """

    noun: ClassVar[str] = "an artifact"
    source: Kind = Field(description="Kind of source that has it.")
    name: Filled = Field(description="Name there.")
    version: Filled = Field(description="Version there, which may differ from the product's.")
    file: String = Field(default="", description="File name, if it is a single file.")
    sha256: HexDigest | None = Field(default=None, description="Digest of the file.")
    size: Bytes = Field(default=0, description="Size in bytes; of an app: approximate size of its downloads.")
    glibc: String = Field(default="", description="Lowest glibc that the programs inside run on, as measured.")
    macos: String = Field(default="", description="Lowest macOS that they run on.")
    publisher: String = Field(default="", description="Who publishes it.")
    python: String = Field(default="", description="Versions of Python that an app runs on.")
    files: Annotated[tuple[PartRow, ...], list_of("tables")] = Field(default=(), description="Its files, if several.")

    @model_validator(mode="before")
    @classmethod
    def _whole(cls, values: Any) -> Any:
        """Require file, digest and size, without which a download couldn't be verified."""
        if isinstance(values, dict) and values.get("source") != "app" and "files" not in values:
            missing = [key for key in ("file", "sha256", "size") if key not in values]
            if missing:
                raise ValidationError.from_exception_data(
                    cls.noun, [InitErrorDetails(type="missing", loc=(key,), input=values) for key in missing]
                )
        return values

    def artifact(self, pins: Sequence[PinRow] = ()) -> Artifact:
        """Return the row as an `Artifact`, without pydantic; `pins` are the packages of an app."""
        files = tuple(sorted(row.part() for row in self.files))
        pinned = tuple(sorted(row.pin() for row in pins)) if self.source == "app" else ()
        return Artifact(
            source=self.source,
            name=self.name,
            version=self.version,
            file=self.file,
            sha256=self.sha256 or digest_of_parts((*files, *pinned)),
            size=self.size or sum(part.size for part in files),
            glibc=self.glibc,
            macos=self.macos,
            files=files,
            pins=pinned,
            pythons=self.python,
        )


class DistributionRow(ArtifactRow):
    """A package of one release of a Linux distribution, with that release's version of the product."""

    noun: ClassVar[str] = "an artifact of a distribution"
    on: Filled = Field(description="Distribution and release, as in debian-13.")
    platform: Literal["linux-x86_64", "linux-aarch64"] = Field(description="Platform that it is for.")
    product: Filled = Field(description="Version of the product there.")


class PlatformRows(Table):
    """Artifacts by platform; `unavailable` has the reason why a platform has none.

    `pin` lists the distributions of an app; `distribution` lists packages of single Linux releases.
    """

    linux_x86_64: ArtifactRow | None = Field(default=None, alias="linux-x86_64", description="For Linux on x86_64.")
    linux_aarch64: ArtifactRow | None = Field(default=None, alias="linux-aarch64", description="For Linux on aarch64.")
    macos_arm64: ArtifactRow | None = Field(default=None, alias="macos-arm64", description="For macOS on arm64.")
    macos_x86_64: ArtifactRow | None = Field(default=None, alias="macos-x86_64", description="For macOS on x86_64.")
    unavailable: dict[Filled, Filled] = Field(default={}, description="Platform and reason.")
    pin: Annotated[tuple[PinRow, ...], list_of("tables")] = Field(default=(), description="Distributions of an app.")
    distribution: Annotated[tuple[DistributionRow, ...], list_of("tables")] = Field(
        default=(), description="Packages of single releases of Linux distributions."
    )

    @model_validator(mode="after")
    def _pinned(self) -> Self:
        if not self.pin and (apps := [name for name, row in self.rows().items() if row.source == "app"]):
            raise refusal(f"has an app for `{apps[0]}` and no pins", label="needs `pin`")
        return self

    def on(self, distribution: str, platform: str) -> DistributionRow | None:
        """Return the package for a release of a Linux distribution, as `debian-13`, on a platform.

        None if there is none.
        """
        rows = (row for row in self.distribution if (row.on, row.platform) == (distribution, platform))
        return next(rows, None)

    def row(self, platform: str) -> ArtifactRow | None:
        """Return the artifact for a platform; None if there is none."""
        rows = (self.linux_x86_64, self.linux_aarch64, self.macos_arm64, self.macos_x86_64)
        return dict(zip(PLATFORMS, rows, strict=True))[platform]

    def rows(self) -> dict[str, ArtifactRow]:
        """Return all artifacts, by platform."""
        return {platform: row for platform in PLATFORMS if (row := self.row(platform)) is not None}
