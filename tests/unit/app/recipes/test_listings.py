"""Which sources `recipe update` can query."""

from typing import get_args

from devboot.app.preparation.install.downloads import make_downloads
from devboot.app.recipes.recipe import make_listings
from devboot.app.recipes.update import Listable
from devboot.events import RecordingReporter
from devboot.uv.client import Uv


def test_every_kind_of_source_with_an_index_can_be_queried(tmp_path):
    uv = Uv("uv", {"HOME": str(tmp_path)}, str(tmp_path))
    kinds = {kind for origin in get_args(Listable) for kind in get_args(origin.model_fields["kind"].annotation)}

    assert kinds == make_listings(uv, make_downloads(uv, RecordingReporter())).keys()
