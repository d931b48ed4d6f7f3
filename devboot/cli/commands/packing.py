"""The command `pack`; expensive to import, because it reads the manifest."""

from __future__ import annotations

import os
from collections.abc import Mapping

from devboot.app.kits.pack import ALL, Packed, PackOptions, pack as write_kit
from devboot.cli.session import Session
from devboot.errors import Exit
from devboot.events import doing


def pack(session: Session, values: Mapping[str, object]) -> int:
    """Write a kit and print how to use it; return the exit code."""
    context = session.context
    loaded = session.load()
    named = values.get("platform") or ()
    assert isinstance(named, (list, tuple))
    wish = PackOptions(
        platforms=(ALL,) if values.get("all-platforms") else tuple(map(str, named)),
        output=str(values.get("output") or ""),
        with_data=bool(values.get("with-data")),
        with_devboot=not values.get("without-devboot"),
        is_locked=bool(values.get("locked")),
    )
    with session.reporting(loaded.name) as reporter, doing(reporter, "kit", "collecting its contents"):
        packed = write_kit(loaded, context, wish, reporter)
    shown = os.path.relpath(packed.path, context.cwd)
    if session.json:
        session.out_json(_as_json(packed))
        return Exit.OK
    session.say(f"wrote {shown}, sha256 {packed.sha256}")
    session.say("  left out  env-files and generated secrets: each machine has its own")
    session.say(f"  next      in a clone on the other machine: devboot up --from {os.path.basename(shown)}")
    return Exit.OK


def _as_json(packed: Packed) -> dict[str, object]:
    contents = packed.kit.contents
    return {
        "kit": packed.path,
        "size": packed.size,
        "sha256": packed.sha256,
        "platforms": list(contents.platforms),
        "python": contents.python,
        "files": [each._asdict() for each in packed.kit.files],
        "unavailable": list(contents.unavailable),
        "data": [name for name, _ in contents.data],
    }
