"""The sources of packages, each created at its first use, so that an unused one isn't imported."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from devboot.events import Reporter, SilentReporter
from devboot.model.artifact import Artifact
from devboot.resolve.source import Source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from devboot.sources.archive import ArchiveSource
    from devboot.sources.transfers.download import Downloads
    from devboot.sources.wheel import WheelSource
    from devboot.uv.client import Uv


class Sources(Mapping[str, Source]):
    """One source for each kind, by its name in the lock; may be used by several threads.

    `steps` maps a digest to its progress line. `downloads` carries out devboot's own transfers; by default they report
    to `reporter`.
    """

    def __init__(
        self,
        uv: Uv,
        steps: Mapping[str, str] = MappingProxyType({}),
        *,
        downloads: Downloads | None = None,
        reporter: Reporter | None = None,
    ) -> None:
        self._uv = uv
        self._steps = steps
        self._downloads = downloads
        self._reporter = reporter or SilentReporter()
        self._made: dict[str, Source] = {}
        self._archive: ArchiveSource | None = None
        self._lock = threading.RLock()
        self._makers: dict[str, Callable[[], Source]] = {
            "wheel": self._make_wheel,
            "app": self._make_app,
            "conda": self._make_conda,
            "deb": self._make_deb,
            "npm": self._make_npm,
            "archive": self._make_archive,
            "build": self._make_build,
        }

    def __getitem__(self, kind: str) -> Source:
        with self._lock:
            if kind not in self._made:
                self._made[kind] = self._makers[kind]()
            return self._made[kind]

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)

    def cancel(self) -> None:
        """Abort all downloads."""
        if self._downloads is not None:
            self._downloads.cancel()

    @property
    def transfers(self) -> Downloads:
        """The HTTP downloads that all sources share."""
        from devboot.app.preparation.install.downloads import make_downloads

        with self._lock:
            if self._downloads is None:
                self._downloads = make_downloads(self._uv, self._reporter)
            return self._downloads

    def _step_of(self, artifact: Artifact) -> str:
        return self._steps.get(artifact.sha256, artifact.name)

    def _make_wheel(self) -> WheelSource:
        from devboot.sources.wheel import WheelSource

        return WheelSource(self._uv, sys.executable)

    def _make_app(self) -> Source:
        from devboot.sources.app import AppSource

        return AppSource(self._uv, sys.executable)

    def _make_conda(self) -> Source:
        from devboot.app.preparation.locking.distro import cache_of
        from devboot.sources.conda import CondaSource

        return CondaSource(cache_of(self._uv), is_offline=self._uv.offline)

    def _make_deb(self) -> Source:
        from devboot.app.preparation.locking.distro import make_debs

        return make_debs(self._uv, self._make_wheel())

    def _make_npm(self) -> Source:
        from devboot.app.preparation.install.downloads import make_registry
        from devboot.sources.npm import NpmSource

        return NpmSource(make_registry(self._uv, self.transfers), self.transfers, self._step_of, self._make_wheel())

    def _archives(self) -> ArchiveSource:
        from devboot.sources.archive import ArchiveSource

        if self._archive is None:
            self._archive = ArchiveSource(self.transfers, self._uv.environ, self._step_of)
        return self._archive

    def _make_archive(self) -> Source:
        return self._archives()

    def _make_build(self) -> Source:
        from devboot.sources.build import BuildSource

        jobs = os.cpu_count() or 1
        return BuildSource(self._archives(), self._uv.environ, self.transfers.reporter, self._step_of, jobs=jobs)
