"""Maps imported modules to the packages that provide them, by the table `distributions.toml`."""

from __future__ import annotations

import functools

from devboot.model.data_tables import load_table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


def distributions_table() -> Mapping[str, Any]:
    """Return the table `distributions.toml` as parsed TOML."""
    return load_table(__file__, "distributions")


@functools.cache
def distributions() -> Mapping[str, str]:
    """Return {module: package that provides it}, such as `{"yaml": "pyyaml", "google.protobuf": "protobuf"}`.

    A namespace shared by several packages, such as `google`, is listed by dotted names only.
    """
    table = distributions_table()
    same = {name: name.replace("_", "-") for name in table["same"].split()}
    return {**same, **table["renamed"], **table["shared"]}
