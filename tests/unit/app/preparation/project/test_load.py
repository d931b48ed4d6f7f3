"""A project without a manifest is read once, and what was noticed is kept with it."""

import pytest

from devboot.app.preparation.project.load import load_project, look_at_project
from devboot.errors import Problems
from devboot.state.project import find_project
from devboot.state.projects import Projects

SETTINGS = """
import os
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
from django.core.management import execute_from_command_line
"""


def test_what_no_recipe_provides_is_told_each_time(tmp_path, at_home):
    root = tmp_path / "shop"
    root.mkdir()
    (root / "manage.py").write_text(SETTINGS)
    (root / "settings.py").write_text("DATABASES = {'default': {'ENGINE': 'django.db.backends.oracle'}}\n")
    (root / "requirements.txt").write_text("django\noracledb\n")

    first = load_project(str(root), at_home)
    second = load_project(str(root), at_home)

    text = "oracle: Oracle is needed; there is no recipe for it yet (settings.py:1)"
    assert (first.fresh_detection, second.fresh_detection) == (True, False)
    assert first.notes == second.notes == ((text, True),)


def nested(tmp_path):
    root = tmp_path / "shop"
    web = root / "web"
    web.mkdir(parents=True)
    (root / ".git").mkdir()
    (root / "compose.yaml").write_text("services:\n  redis:\n    image: redis:7\n")
    (web / "manage.py").write_text(SETTINGS)
    (web / "settings.py").write_text("SECRET_KEY = 'x'\nCELERY_BROKER_URL = 'redis://redis:6379/0'\n")
    (web / "requirements.txt").write_text("django\ncelery\nredis\n")
    return root, web


def test_an_application_below_the_root_of_the_clone_is_found_from_the_root_again(tmp_path, at_home):
    root, web = nested(tmp_path)

    first = load_project(str(root), at_home)

    assert (str(web), True) == (first.project.root, first.fresh_detection)
    assert (str(web), False) == (
        find_project(str(root), at_home).root,
        load_project(str(root), at_home).fresh_detection,
    )
    find_root = Projects.from_environ(at_home).find_root
    assert str(web) == find_root(str(root)) == find_root(str(web))
    (web / "requirements.txt").write_text("django\ncelery\nredis\nflower\n")
    again = load_project(str(web), at_home)  # read anew, from where it was read first
    assert (str(web), True, ["redis"]) == (again.project.root, again.fresh_detection, list(again.manifest.services))


def test_an_application_below_the_root_is_called_as_its_clone_and_one_with_a_manifest_as_its_folder(tmp_path, at_home):
    root, web = nested(tmp_path)

    assert load_project(str(root), at_home).name == load_project(str(web), at_home).name == "shop"
    assert (
        find_project(str(root), at_home).usual_name == "shop"
    )  # what `doctor` calls it, which may have no manifest to read
    (web / "devboot.toml").write_text("[env]\nA = 'x'\n")
    assert load_project(str(web), at_home).name == "web"


def test_a_manifest_that_somebody_wrote_below_counts_from_the_root_of_the_clone(tmp_path, at_home):
    root, web = nested(tmp_path)
    (web / "devboot.toml").write_text("[env]\nA = 'x'\n")

    for load in (look_at_project, load_project, load_project):
        loaded = load(str(root), at_home)
        assert (str(web), True, ["A"]) == (loaded.project.root, loaded.project.written, list(loaded.manifest.env))


@pytest.mark.parametrize("line", ["python jobs.py", "web python jobs.py"])
def test_a_procfile_of_mistakes_alone_is_an_error_with_its_place(tmp_path, at_home, line):
    (tmp_path / "Procfile").write_text(f"# the only process\n{line}\n")
    (tmp_path / "jobs.py").write_text("")

    for load in (load_project, look_at_project):
        with pytest.raises(Problems) as caught:
            load(str(tmp_path), at_home)
        assert [(each.slug, each.place.file, each.place.line) for each in caught.value.errors] == [
            ("procfile/bad-line", "Procfile", 2)
        ]


def test_a_procfile_without_a_line_is_as_good_as_none(tmp_path, at_home):
    (tmp_path / "Procfile").write_text("# nothing yet\n")
    (tmp_path / "app.py").write_text("from flask import Flask\napp = Flask(__name__)\n")
    (tmp_path / "requirements.txt").write_text("flask\n")

    assert list(load_project(str(tmp_path), at_home).manifest.processes) == ["web"]


def test_a_procfile_that_others_read_is_read_where_nobody_has_written_a_manifest(tmp_path, at_home):
    (tmp_path / "requirements.txt").write_text("flask\n")
    (tmp_path / "app.py").write_text("from flask import Flask\napp = Flask(__name__)\n")
    (tmp_path / "Procfile").write_text("daphne -u x\nweb: flask run -p $PORT\n")

    loaded = load_project(str(tmp_path), at_home)
    assert ("Procfile:1 is ignored: expected `name: command`",) == loaded.procfile.left_out
    assert ("web",) == look_at_project(str(tmp_path), at_home).procfile.names

    (tmp_path / "devboot.toml").write_text("")
    with pytest.raises(Problems):
        load_project(str(tmp_path), at_home)
