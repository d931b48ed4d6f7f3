"""What `init` writes, and what it never touches."""

import os

import pytest

from devboot.app.commands.init import Fact, example_folder, facts_of, init, merged, planned, write_example
from devboot.errors import DevbootError, MachineError, ManifestError, Problems, UsageError
from devboot.model.edge.manifest.manifest import load_sources
from devboot.onboarding import Proposal
from devboot.onboarding.proposal_values import Database, Evidence, Process, PythonInput, Service, Task, Variable
from tests.fakes.folders import state_folder


@pytest.fixture
def clone(tmp_path):
    root = tmp_path / "shop"
    root.mkdir()
    (root / "requirements.txt").write_text("flask\nredis\n", encoding="utf-8")
    (root / "Procfile").write_text("web: flask run --port $PORT\n", encoding="utf-8")
    return root


def test_it_writes_a_manifest_that_can_be_read(clone, at_home):
    done = init(str(clone), at_home)
    assert (done.root, done.written) == (str(clone), ("devboot.toml",))
    assert load_sources(str(clone / "devboot.toml")).procfile is not None
    assert sorted(os.listdir(clone)) == ["Procfile", "devboot.toml", "requirements.txt"]


def test_it_never_overwrites(clone, at_home):
    (clone / "devboot.toml").write_text("# mine\n", encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        init(str(clone), at_home)
    assert (caught.value.slug, caught.value.what) == ("init/exists", "`devboot.toml` is already there")
    assert (clone / "devboot.toml").read_text(encoding="utf-8") == "# mine\n"


def test_merging_adds_what_is_missing_and_keeps_every_line(clone, at_home):
    (clone / "app.py").write_text(
        "import os, flask, redis\napp = flask.Flask(__name__)\nr = redis.from_url(os.environ['BROKER'])\n",
        encoding="utf-8",
    )
    mine = "# mine\n[services.cache]  # ours\nrecipe = 'redis'\n\n[ui]\ndetach-keys = 'ctrl-p ctrl-q'\n"
    (clone / "devboot.toml").write_text(mine, encoding="utf-8")
    done = init(str(clone), at_home, merges=True)
    added = ["", "[env]", 'BROKER = "${services.cache.url}/0"  # app.py:3']
    lines = mine.splitlines()
    assert (clone / "devboot.toml").read_text(encoding="utf-8").splitlines() == [*lines[:3], *added, *lines[3:]]
    assert (done.written, done.lines) == (("devboot.toml",), 3)
    assert [fact.what for fact in done.facts if fact.subject == "service"] == []


def test_merging_again_adds_nothing_and_without_a_manifest_it_writes_one(clone, at_home):
    assert init(str(clone), at_home, merges=True).written == ("devboot.toml",)
    text = (clone / "devboot.toml").read_text(encoding="utf-8")
    assert init(str(clone), at_home, merges=True).written == ()
    assert (clone / "devboot.toml").read_text(encoding="utf-8") == text


def test_an_empty_manifest_gets_all_of_it(clone, at_home):
    (clone / "devboot.toml").touch()
    init(str(clone), at_home, merges=True)
    merged = (clone / "devboot.toml").read_text(encoding="utf-8")
    (clone / "devboot.toml").unlink()
    init(str(clone), at_home)
    assert (clone / "devboot.toml").read_text(encoding="utf-8") == merged


def test_the_difference_is_shown_and_nothing_is_written(clone, at_home):
    new = planned(str(clone), at_home, merges=True)
    assert new.diff.startswith("--- /dev/null\n+++ devboot.toml\n@@ -0,0 +1,")
    assert sorted(os.listdir(clone)) == ["Procfile", "requirements.txt"]
    (clone / "app.py").write_text(
        "import os, flask\napp = flask.Flask(__name__)\nos.environ['KEY']\n", encoding="utf-8"
    )
    (clone / "devboot.toml").write_text("[env]\nA = '1'", encoding="utf-8")
    diff = planned(str(clone), at_home, merges=True).diff
    assert "\n-A = '1'\n\\ No newline at end of file\n+A = '1'\n+KEY = " in diff
    assert (clone / "devboot.toml").read_text(encoding="utf-8") == "[env]\nA = '1'"


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("env = { A = '1' }\n", "init/form"),
        ("[env]\nA = 1.5.2\n", "manifest/syntax"),
        ("services = 3\n", "manifest/type"),
    ],
)
def test_a_manifest_that_cant_be_added_to_stays_as_it_is(clone, at_home, text, slug):
    (clone / "app.py").write_text(
        "import os, flask\napp = flask.Flask(__name__)\nos.environ['KEY']\n", encoding="utf-8"
    )
    (clone / "devboot.toml").write_text(text, encoding="utf-8")
    with pytest.raises(DevbootError) as caught:
        init(str(clone), at_home, merges=True)
    slugs = [each.slug for each in caught.value.errors] if isinstance(caught.value, Problems) else [caught.value.slug]
    assert slugs == [slug]
    assert (clone / "devboot.toml").read_text(encoding="utf-8") == text


def test_additions_that_do_not_fit_are_refused_and_nothing_is_written(clone, at_home):
    path = clone / "devboot.toml"
    path.write_text("[env]\nA = '${B}'\n", encoding="utf-8")
    missing = Proposal(root=clone, name="shop", env=(Variable("B", value="${A}"),))
    with pytest.raises(ManifestError) as caught:
        merged(str(path), missing)
    assert caught.value.slug == "init/conflict"
    assert "refer to each other" in caught.value.causes[0]
    assert path.read_text(encoding="utf-8") == "[env]\nA = '${B}'\n"


def test_a_reference_that_was_wrong_before_and_stays_wrong_is_named_with_its_line(clone, at_home):
    (clone / "devboot.toml").write_text("[env]\nA = '${processes.api.port}'\n", encoding="utf-8")
    with pytest.raises(Problems) as caught:
        init(str(clone), at_home, merges=True)
    assert [each.slug for each in caught.value.errors] == ["manifest/unknown-name"]


def test_what_belongs_into_a_folder_below_is_not_added_here(tmp_path, at_home):
    (tmp_path / "devboot.toml").write_text("[services.redis]\n", encoding="utf-8")
    (tmp_path / "api").mkdir()
    (tmp_path / "api/requirements.txt").write_text("flask\n", encoding="utf-8")
    (tmp_path / "api/app.py").write_text("import flask\napp = flask.Flask(__name__)\n", encoding="utf-8")
    with pytest.raises(ManifestError) as caught:
        init(str(tmp_path), at_home, merges=True)
    assert (caught.value.slug, caught.value.help[0]) == ("init/elsewhere", "devboot -C api init")


def test_what_up_kept_of_its_detection_moves_up(clone, home, at_home):
    state = state_folder(clone, home)
    state.mkdir(parents=True)
    for name in ("detected.toml", "detected.json", "devboot.lock", "snapshot"):
        (state / name).write_text(f"# {name}\n", encoding="utf-8")
    assert init(str(clone), at_home).written == ("devboot.toml", "devboot.lock")
    assert os.listdir(state) == ["snapshot"]
    assert (clone / "devboot.lock").read_text(encoding="utf-8") == "# devboot.lock\n"


def test_what_a_start_was_seen_to_ask_for_in_vain_is_written_with_its_line(clone, home, at_home):
    record = state_folder(clone, home) / "observed"
    record.mkdir(parents=True)
    record.joinpath("web").write_text("unset\tMAIL\tnone\tshop/mail.py:3\nunset\tDEBUG\tdefault\tshop/a.py:1\n")

    said = "variables without a value: MAIL (shop/mail.py:3)"
    assert f"at the latest start: {said}" == init(str(clone), at_home).notes[-1]
    assert f"# at the latest start: {said}\n" in (clone / "devboot.toml").read_text(encoding="utf-8")
    assert said == init(str(clone), at_home, merges=True).notes[-1]


def test_a_lock_that_is_there_already_stays(clone, home, at_home):
    state = state_folder(clone, home)
    state.mkdir(parents=True)
    (state / "devboot.lock").write_text("# kept\n", encoding="utf-8")
    (clone / "devboot.lock").write_text("# mine\n", encoding="utf-8")
    assert init(str(clone), at_home).written == ("devboot.toml",)
    assert (clone / "devboot.lock").read_text(encoding="utf-8") == "# mine\n"


def test_where_nothing_is_found_nothing_is_written(tmp_path, at_home):
    with pytest.raises(ManifestError) as caught:
        init(str(tmp_path), at_home)
    assert caught.value.slug == "manifest/not-found"
    assert os.listdir(tmp_path) == []


def test_the_example_is_written_whole_and_can_be_read(tmp_path):
    done = write_example(str(tmp_path))
    assert "devboot.toml" in done.written
    sources = load_sources(str(tmp_path / "devboot.toml"))
    assert sources.procfile is not None
    assert sources.procfile.names == ("web", "worker")
    for name in done.written:
        with open(os.path.join(example_folder(), name), "rb") as file:
            assert (tmp_path / name).read_bytes() == file.read()


@pytest.mark.faults(152)
def test_the_example_is_not_written_through_a_link_that_leads_out(tmp_path):
    (tmp_path / "here").mkdir()
    (tmp_path / "outside").mkdir()
    (tmp_path / "here/migrations").symlink_to("../outside")

    with pytest.raises(MachineError) as caught:
        write_example(str(tmp_path / "here"))

    assert "machine/leads-outside" == caught.value.slug
    assert [] == os.listdir(tmp_path / "outside")


def test_the_example_is_not_written_over_anything(tmp_path):
    (tmp_path / "web.py").write_text("# mine\n", encoding="utf-8")
    with pytest.raises(UsageError):
        write_example(str(tmp_path))
    assert os.listdir(tmp_path) == ["web.py"]


def test_each_fact_comes_with_its_evidence(tmp_path):
    proposal = Proposal(
        tmp_path,
        "shop",
        framework="django",
        framework_evidence=Evidence("manage.py", 7),
        python=PythonInput(("uv.lock",), "3.12", Evidence(".python-version", 1)),
        services=(Service("redis", "redis", evidence=Evidence("settings.py", 41)),),
        databases=(Database("default", "db.sqlite3", Evidence("settings.py", 36)),),
        env=(
            Variable("SECRET_KEY", generate="token", evidence=Evidence("settings.py", 8)),
            Variable("CLIENT_ID", required=True),
            Variable("DEBUG", value="1"),
        ),
        tasks=(Task("migrate", "./manage.py migrate"),),
        procfile="Procfile.dev",
        processes=(Process("beat", "celery beat"), Process("web", port=8000)),
    )
    assert list(facts_of(proposal)) == [
        Fact("framework", "django", "manage.py:7"),
        Fact("python", "3.12", ".python-version:1"),
        Fact("packages", "uv.lock", ""),
        Fact("processes", "Procfile.dev", ""),
        Fact("service", "redis", "settings.py:41"),
        Fact("database", "db.sqlite3", "settings.py:36"),
        Fact("variable", "SECRET_KEY: generated", "settings.py:8"),
        Fact("variable", "CLIENT_ID: required, from .env", ""),
        Fact("variable", "DEBUG: 1", ""),
        Fact("task", "migrate: ./manage.py migrate", ""),
        Fact("process", "beat: celery beat", ""),
    ]
