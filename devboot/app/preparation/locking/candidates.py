"""Queries further sources for versions that recipes don't list: this machine's distribution, and conda channels."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from devboot.app.preparation.locking.distro import Distribution, cache_of
from devboot.errors import LockError, MachineError
from devboot.model.edge.artifacts import DistributionRow
from devboot.model.edge.lockfile.lock import Lock, Wish
from devboot.recipes import KnownRecipe
from devboot.record import Record
from devboot.resolve.conda_queries import channel_origin, channel_questions, condition_of, with_release
from devboot.resolve.distro_queries import deb_origins
from devboot.resolve.packages import fits, questions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from devboot.model.edge.recipe.recipe import Release
    from devboot.model.edge.recipe.source_tables import CondaOrigin, DebOrigin
    from devboot.uv.client import Uv

    AskChannel = Callable[[CondaOrigin, str], Release]  # returns what a channel has under a condition such as `8.*`


class Queries(Record):
    """The manifest's requests that no recipe's list of versions fulfils, by where to query."""

    channels: Mapping[Wish, CondaOrigin]
    distribution: Mapping[Wish, DebOrigin]

    @property
    def wishes(self) -> tuple[Wish, ...]:
        """Return all requests for which a channel or the distribution has to be queried."""
        return (*self.channels, *(wish for wish in self.distribution if wish not in self.channels))

    @property
    def is_empty(self) -> bool:
        """Return True if no query is needed, because the recipes' own versions fulfil all requests."""
        return not self.channels and not self.distribution


class Answers(Record):
    """Answers to queries: `recipes` with versions of channels added, `rows` of the distribution's packages."""

    recipes: Mapping[str, KnownRecipe]
    rows: Mapping[Wish, tuple[DistributionRow, ...]]


def channel_asker(uv: Uv) -> AskChannel | None:
    """Return a function that queries channels; None if py-rattler isn't installed."""
    from devboot.sources.conda import has_rattler

    if not has_rattler():
        return None
    from devboot.app.preparation.locking.conda_rows import (
        list_conda,  # with all that makes versions.toml, which a lock seldom needs
    )

    return lambda origin, condition: list_conda(origin, condition, cache_of(uv), is_offline=uv.offline)


def queries_for(
    wishes: Sequence[Wish],
    recipes: Mapping[str, KnownRecipe],
    here: Distribution,
    *,
    has_channels: bool,
    previous: Lock | None = None,
    update: Collection[str] = (),
) -> Queries:
    """Return the queries needed for these requests: to a channel, which serves all platforms, else the distribution.

    Raises MachineError `conda/not-installed` if a package that isn't locked has no other source.
    """
    if not wishes:
        return Queries({}, {})
    channels = channel_questions(
        wishes, recipes, distribution=here.name, platform=here.platform, previous=previous, update=update
    )
    rest = wishes if not has_channels else [wish for wish in wishes if wish not in channels]
    debs = questions(rest, recipes, distribution=here.name, platform=here.platform, previous=previous, update=update)
    if has_channels:
        return Queries(channels, debs)
    for wish, origin in channels.items():
        is_locked = previous is not None and not {wish.name, "*"} & set(update) and previous.find(*wish) is not None
        if wish not in debs and not is_locked:
            raise _lacks_rattler(recipes[wish.name], origin)
    return Queries({}, debs)


def ask(
    asked: Queries, recipes: Mapping[str, KnownRecipe], here: Distribution, ask_channel: AskChannel | None
) -> Answers:
    """Send the queries and return their answers. Raises the errors of the distribution and the channels."""
    known = dict(recipes)
    for wish, origin in asked.channels.items():
        assert ask_channel is not None
        known[wish.name] = with_release(known[wish.name], ask_channel(origin, condition_of(wish.requested)))
    rows = {wish: _rows(wish, recipes[wish.name], here) for wish in asked.distribution}
    return Answers(known, rows)


def _rows(wish: Wish, known: KnownRecipe, here: Distribution) -> tuple[DistributionRow, ...]:
    """Return the distribution's packages for a request, by the recipe's first source that this release has."""
    refused: LockError | None = None
    others: tuple[DistributionRow, ...] = ()
    for origin in deb_origins(known, wish):
        try:
            rows = here.ask(origin)
            if not wish.requested or any(fits(row.product, wish.requested) for row in rows):
                return rows
            others = others or rows
        except LockError as error:
            if error.slug != "lock/not-in-distribution":
                raise
            refused = refused or error
    if others:
        return others
    assert refused is not None  # only wishes that a source may serve are asked for
    if channel := channel_origin(known, wish):
        raise _lacks_rattler(known, channel, refused.what) from refused
    raise refused


def _lacks_rattler(known: KnownRecipe, origin: CondaOrigin, *causes: str) -> MachineError:
    """Return the error for a conda package without py-rattler; it suggests PATH if the recipe allows that."""
    from devboot.sources.conda import not_installed

    has_host = any(each.kind == "host" for each in known.recipe.source)
    table = "services" if known.recipe.service is not None else "packages"
    helps = [f'source = "host"   # in [{table}.{known.name}]: takes the one on PATH'] if has_host else []
    what = f"`{known.name}` comes from the conda channel `{origin.channel}`, which needs py-rattler"
    return not_installed(what, *helps, causes=causes)
