"""Details of a process for `ps -v`: its command, its dependencies, and the last results of its probes."""

from __future__ import annotations

from devboot.model import process as model
from devboot.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from devboot.supervisor.core.process import Process


class Asked(Record):
    """A probe for `ps -v`: `how` describes its check, `last` is the message of its last try, "" before the first."""

    how: str
    last: str = ""


class Details(Record):
    """What `ps -v` shows of one process.

    `depends_on` has pairs such as `("redis", "ready")`; a probe not configured is None.
    """

    name: str
    command: str
    origin: str
    cwd: str
    depends_on: tuple[tuple[str, str], ...] = ()
    ready: Asked | None = None
    alive: Asked | None = None
    log: str = ""


def details(process: Process) -> Details:
    """Return what `ps -v` shows of a process; of one that isn't running, the probe results of its last run."""
    spec, run, (ready, alive) = process.spec, process.run, process.probed
    if run is not None:
        ready, alive = run.probe_text, run.alive_text
    return Details(
        spec.name,
        spec.command or " ".join(spec.argv),
        spec.origin,
        spec.cwd,
        tuple((each.name, each.until) for each in spec.depends_on),
        None if spec.ready is None else Asked(_how(spec.ready), ready),
        None if spec.alive is None else Asked(_how(spec.alive), alive),
        process.log.path,
    )


def _how(probe: model.Probe) -> str:
    """Describe a probe, such as `http 127.0.0.1:8000/health, every 10 s`."""
    ways = {
        model.TCP: f"tcp {probe.host}:{probe.port}",
        model.HTTP: f"http {probe.host}:{probe.port}{probe.path}",
        model.HTTPS: f"https {probe.host}:{probe.port}{probe.path}",
        model.EXEC: f"exec {probe.command}",
        model.LOG: f"log {probe.expect}",
        model.LINE: f"writes {probe.expect}",
        model.LISTEN: f"listens on port {probe.port}",
        model.ACCEPT: f"takes connections on port {probe.port}",
    }
    way = ways.get(probe.kind, probe.kind)
    is_repeated = probe.period and probe.kind in (model.TCP, model.HTTP, model.HTTPS, model.EXEC)
    return f"{way}, every {probe.period:g} s" if is_repeated else way
