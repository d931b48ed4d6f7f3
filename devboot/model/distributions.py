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
    """Return the package that provides each module, as `{"yaml": "pyyaml"}`; in shared namespaces by dotted name.

    `google` is such a namespace: several packages provide modules in it.
    """
    table = distributions_table()
    same = {name: name.replace("_", "-") for name in table["same"].split()}
    return {**same, **table["renamed"], **table["shared"]}
