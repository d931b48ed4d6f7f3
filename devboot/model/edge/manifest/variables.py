"""Variables in `[env]` of devboot.toml: plain text, generated, required, or from the shell."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Discriminator, Field, Tag

from devboot.model.edge.types import Always, Filled, Table, Text, branch_of


class Described(Table):
    """Base of variables in `[env]` that are tables: the keys that each of them may have."""

    description: Filled | None = Field(default=None, description="Purpose of the value, shown if it is missing.")
    secret: bool | None = Field(
        default=None, strict=True, description="Mask the value in everything that devboot prints."
    )


class Generated(Described):
    """Generated at first use on this machine and kept with the project's data."""

    noun: ClassVar[str] = "a generated variable"
    generate: Literal["token", "hex", "fernet", "password", "uuid"] = Field(description="Kind of value to generate.")

    @property
    def is_secret(self) -> bool:
        """True unless the manifest has `secret = false` for it."""
        return self.secret is not False


class Required(Described):
    """Must be set by an env file or the caller's environment before anything is started."""

    noun: ClassVar[str] = "a required variable"
    required: Always = Field(description="Refuse to start while the variable isn't set.")

    @property
    def is_secret(self) -> bool:
        """True unless the manifest has `secret = false` for it."""
        return self.secret is not False


class FromShell(Described):
    """Taken from the caller's environment, with a default."""

    noun: ClassVar[str] = "a variable from the shell"
    from_: Literal["shell"] = Field(alias="from", description="The caller's environment wins over every file.")
    default: Text | None = Field(default=None, description="Value if the caller's environment has none.")

    @property
    def is_secret(self) -> bool:
        """True if the manifest has `secret = true` for it."""
        return self.secret is True


BRANCHES: dict[str, type[Described]] = {"generate": Generated, "required": Required, "from": FromShell}


def variable_kind(value: Any) -> str | None:
    """Return the tag of a value in `[env]`: text, generated, required or from the shell; None if unknown."""
    return branch_of(value, BRANCHES) if isinstance(value, (dict, Described)) else "<text>"


Variable = Annotated[
    Annotated[Text, Tag("<text>")]
    | Annotated[Generated, Tag("<generate>")]
    | Annotated[Required, Tag("<required>")]
    | Annotated[FromShell, Tag("<from>")],
    Discriminator(
        variable_kind,
        custom_error_type="branch",
        custom_error_message="a string, or a table with one of generate, required, from",
    ),
]
