"""What `import` writes, what it refuses, and when the manifest differs from the compose file."""

import pytest

from devboot.app.commands.import_compose import difference, planned_import
from devboot.app.commands.init import write_change
from devboot.errors import ManifestError, Problems, UsageError

COMPOSE = """\
services:
  db:
    image: postgres:16
    environment: {POSTGRES_DB: shop, POSTGRES_USER: ada, POSTGRES_PASSWORD: lace}
  web:
    build: .
    command: python app.py
    ports: ["8000:8000"]
    depends_on: [db]
"""


@pytest.fixture
def clone(tmp_path):
    root = tmp_path / "shop"
    root.mkdir()
    (root / "app.py").write_text("print('runs')\n", encoding="utf-8")
    (root / "compose.yaml").write_text(COMPOSE, encoding="utf-8")
    return root


def run_import(clone, at_home, files=(), *, merges=False):
    planned = planned_import(str(clone), at_home, files, (), merges=merges)
    return planned, write_change(planned.change, str(clone), at_home).written


def test_it_writes_the_manifest_once_and_never_over_another_one(clone, at_home):
    planned, written = run_import(clone, at_home)
    assert (planned.files, written) == (("compose.yaml",), ("devboot.toml",))
    with pytest.raises(UsageError) as caught:
        run_import(clone, at_home)
    assert caught.value.slug == "init/exists"
    assert "devboot import --merge   # adds what it lacks" in caught.value.help


def test_merging_keeps_the_lines_of_the_manifest_and_adds_what_it_lacks(clone, at_home):
    mine = '# ours\n[services.postgres]\nversion = "15"  # on purpose\n'
    (clone / "devboot.toml").write_text(mine, encoding="utf-8")
    _, written = run_import(clone, at_home, merges=True)
    text = (clone / "devboot.toml").read_text(encoding="utf-8")
    assert written == ("devboot.toml",)
    assert text.startswith(mine)
    assert "[processes.web]" in text
    assert 'depends_on = ["postgres"]' in text
    assert run_import(clone, at_home, merges=True)[1] == ()


@pytest.mark.parametrize("name", ["compose.yml", "docker-compose.yml", "docker-compose.yaml"])
def test_the_file_is_found_under_each_of_composes_names_with_its_override(clone, at_home, name):
    (clone / "compose.yaml").rename(clone / name)
    override = name.replace(".y", ".override.y")
    (clone / override).write_text("services: {web: {command: python other.py}}\n", encoding="utf-8")
    planned = planned_import(str(clone), at_home, (), (), merges=False)
    assert planned.files == (name, override)
    assert 'command = "python3 other.py"' in planned.change.after


def test_without_a_compose_file_init_is_advised(clone, at_home):
    (clone / "compose.yaml").unlink()
    with pytest.raises(ManifestError) as caught:
        run_import(clone, at_home)
    assert caught.value.slug == "compose/not-found"
    assert "devboot init   # looks at the code instead" in caught.value.help


def test_a_file_outside_of_the_project_is_refused(clone, at_home, tmp_path):
    (tmp_path / "other.yaml").write_text(COMPOSE, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        run_import(clone, at_home, ["../other.yaml"])
    assert caught.value.slug == "compose/elsewhere"


IN_A_CIRCLE = """\
  one: {build: ., command: python one.py, depends_on: [two]}
  two: {build: ., command: python two.py, depends_on: [one]}
"""
WITH_NUL = '  one: {build: ., command: "python one.py \\0"}\n'


@pytest.mark.parametrize("more", [IN_A_CIRCLE, WITH_NUL])
def test_a_file_that_gives_a_manifest_that_would_be_refused_writes_nothing(more, clone, at_home):
    (clone / "compose.yaml").write_text(COMPOSE + more)

    with pytest.raises(Problems) as caught:
        run_import(clone, at_home)

    assert caught.value.summary.endswith("; they come from compose.yaml; nothing was written")
    assert not (clone / "devboot.toml").exists()


def test_a_broken_file_writes_nothing(clone, at_home):
    (clone / "compose.yaml").write_text("services: {web: [\n", encoding="utf-8")
    with pytest.raises(Problems) as caught:
        run_import(clone, at_home)
    assert caught.value.slug == "compose/not-yaml"
    assert not (clone / "devboot.toml").exists()


def test_a_manifest_that_was_imported_does_not_differ(clone, at_home):
    run_import(clone, at_home)
    assert difference(str(clone), at_home, (), ()) == ""


def test_order_comments_forms_and_further_keys_are_no_difference(clone, at_home):
    (clone / "devboot.toml").write_text(
        """\
# in another order, with other words
[processes.web]
port = 8000
depends_on = [{ name = "postgres" }]
command = "python3 app.py"
watch = ["*.py"]

[databases.default]
service = "postgres"
name = "shop"
user = "ada"
password = "lace"

[services.postgres]
version = 16

[tasks.test]
run = "true"
""",
        encoding="utf-8",
    )
    assert difference(str(clone), at_home, (), ()) == ""


def test_what_differs_in_meaning_is_shown_by_its_key(clone, at_home):
    run_import(clone, at_home)
    text = (clone / "devboot.toml").read_text(encoding="utf-8")
    changed = text.replace('version = "16"', 'version = "15"').replace("port = 8000\n", "")
    (clone / "devboot.toml").write_text(changed, encoding="utf-8")
    assert difference(str(clone), at_home, (), ()).splitlines() == [
        "--- devboot.toml",
        "+++ compose.yaml",
        '+processes.web.port = "8000"',
        '-services.postgres.version = "15"',
        '+services.postgres.version = "16"',
    ]


def test_without_a_manifest_there_is_nothing_to_compare_with(clone, at_home):
    with pytest.raises(ManifestError) as caught:
        difference(str(clone), at_home, (), ())
    assert (caught.value.slug, caught.value.help) == ("manifest/not-found", ("devboot import",))


def test_what_is_detected_is_no_difference(clone, at_home):
    (clone / "web").mkdir()
    package = '{"name": "web", "scripts": {"dev": "vite"}, "devDependencies": {"vite": "^5"}}'
    (clone / "web" / "package.json").write_text(package, encoding="utf-8")
    page = "  page: {image: node:20, working_dir: /app, command: npm run dev, volumes: ['./web:/app']}\n"
    (clone / "compose.yaml").write_text(COMPOSE + page, encoding="utf-8")
    run_import(clone, at_home)
    (clone / "web" / "package-lock.json").write_text("{}", encoding="utf-8")
    (clone / "requirements.txt").write_text("redis\n", encoding="utf-8")
    (clone / "other.py").write_text("import os, redis\nredis.from_url(os.environ['REDIS_URL'])\n", encoding="utf-8")

    assert "python3" not in difference(str(clone), at_home, (), ()).replace("python3 app.py", "")
    assert [line for line in difference(str(clone), at_home, (), ()).splitlines() if "tasks" in line] == []
