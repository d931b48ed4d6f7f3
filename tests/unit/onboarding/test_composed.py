"""What a compose file says beside commands and hosts: taken over, or named."""

import pytest

from devboot.onboarding import with_versions_of
from devboot.onboarding.reading.containers.compose import read_compose
from devboot.onboarding.reading.tree import Tree
from devboot.recipes import RecipeFolders, bundled_folder

MYSQL = "import pymysql\npymysql.connect(host='localhost', user='root', password='b', database='shop')\n"
MONGO = "import pymongo\npymongo.MongoClient(os.environ['MONGO_URL'])\n"
REDIS = "import redis\nclient = redis.from_url(os.environ['REDIS_URL'])\n"
POSTGRES = "import psycopg2\nclient = psycopg2.connect(os.environ['DATABASE_URL'])\n"


def propose_with(propose, compose, code="", packages="", **files):
    app = f"import os\nfrom flask import Flask\napp = Flask(__name__)\n{code}"
    more = {name.replace("__", "/"): text for name, text in files.items()}
    return propose({"app.py": app, "requirements.txt": f"flask\n{packages}\n", "compose.yml": compose, **more})


def notes(proposal):
    return [note.text for note in proposal.notes]


def newest(recipe):
    return RecipeFolders([bundled_folder()]).get(recipe).releases[0].version


@pytest.mark.parametrize("tag", ["", ":latest", ":alpine", ":{major}", ":{major}-alpine", ":{version}"])
def test_a_version_that_the_recipe_takes_anyway_needs_no_word(propose, tag):
    image = "redis" + tag.format(major=newest("redis").split(".")[0], version=newest("redis"))
    proposal = propose_with(propose, f"services:\n  redis:\n    image: {image}\n", REDIS, "redis")

    assert [each.version for each in proposal.services] == [""]
    assert not [text for text in notes(proposal) if "nearest" in text]


@pytest.mark.parametrize(
    ("image", "code", "package"),
    [("redis:5-alpine", REDIS, "redis"), ("postgres:9.6", POSTGRES, "psycopg2"), ("library/redis:99", REDIS, "redis")],
)
def test_a_version_that_the_recipe_lacks_becomes_the_nearest_and_is_named(propose, image, code, package):
    proposal = propose_with(propose, f"services:\n  store:\n    image: {image}\n", code, package)

    (service,) = proposal.services
    (note,) = [text for text in notes(proposal) if "nearest" in text]
    assert f"compose has {image}; {service.version or newest(service.recipe)}" in note
    assert "runs here, the nearest available version" in note


@pytest.mark.parametrize(
    ("image", "version"),
    [
        ("postgres:14", "14"),
        ("postgres:15-alpine", "15"),
        ("docker.io/library/postgres:16.3-bookworm", "16"),
        ("postgres:17.2", "17"),
        ("postgres:18", ""),
        ("bitnami/postgresql:16.1.0-debian-11-r5", "16"),
        ("postgres@sha256:aa16", ""),
    ],
)
def test_the_major_version_of_postgresql_is_that_of_the_image(propose, image, version):
    proposal = propose_with(propose, f"services:\n  db:\n    image: {image}\n", POSTGRES, "psycopg2")

    assert [each.version for each in proposal.services] == [version]
    assert not [text for text in notes(proposal) if "compose has" in text]


@pytest.mark.parametrize(
    ("image", "code", "package", "said"),
    [
        ("pgvector/pgvector:pg16", POSTGRES, "psycopg2", "the only version with pgvector"),
        ("postgis/postgis:16-3.4", POSTGRES, "psycopg2", "without postgis"),
        ("timescale/timescaledb:latest-pg16", POSTGRES, "psycopg2", "without timescale"),
        ("mysql:8.0", MYSQL, "pymysql", "MariaDB runs here"),
        ("mariadb:11.4", MYSQL, "pymysql", "the version of the distribution runs here"),
        ("mongo:6", MONGO, "pymongo", "the version of the channel runs here"),
    ],
)
def test_what_runs_in_the_place_of_an_image_is_said_in_one_note(propose, image, code, package, said):
    proposal = propose_with(propose, f"services:\n  db:\n    image: {image}\n", code, package)

    (note,) = [text for text in notes(proposal) if "compose has" in text]
    assert f"compose has {image}; " in note
    assert said in note
    assert [each.version for each in proposal.services] == [""]


def test_a_version_that_this_platform_lacks_becomes_the_nearest_that_it_has(propose):
    compose = "services:\n  db:\n    image: postgres:14\n  cache:\n    image: redis:7\n"
    proposal = propose_with(propose, compose, f"{POSTGRES}{REDIS}", "psycopg2\nredis")

    def here(platform, *, has_debian=False, has_npm=True):
        found = with_versions_of(proposal, platform, has_debian=has_debian, has_npm=has_npm)
        return {each.recipe: each.version for each in found.services}, set(notes(found)) - set(notes(proposal))

    assert here("linux-x86_64")[0]["postgres"] == "14"
    versions, said = here("linux-aarch64")
    assert versions["postgres"] == "15"
    assert any(
        text.startswith("postgres: compose has version 14, which isn't available on linux-aarch64") for text in said
    )
    assert here("macos-x86_64")[0]["redis"] == "7"
    assert here("linux-x86_64")[0]["redis"] == ""
    assert here("linux-x86_64", has_debian=True)[0]["redis"] == "7"
    versions, said = here("linux-x86_64", has_npm=False)
    assert versions["postgres"] == ""
    assert any("comes from npm, and neither npm nor an .npmrc names a registry; 18." in text for text in said)


@pytest.mark.parametrize(("image", "version"), [("mariadb:10.11", "10.11"), ("mariadb:10.11.8", "10.11")])
def test_what_only_a_release_of_debian_has_is_asked_for_there_alone(propose, image, version):
    proposal = propose_with(propose, f"services:\n  db:\n    image: {image}\n", MYSQL, "pymysql")
    there, elsewhere = (
        with_versions_of(proposal, "linux-x86_64", has_debian=has, has_npm=True) for has in (True, False)
    )

    assert [each.version for each in proposal.services] == [version] == [each.version for each in there.services]
    assert [each.version for each in elsewhere.services] == [""]
    assert len([text for text in notes(elsewhere) if "the distribution's version runs here" in text]) == 1


def test_another_version_that_the_recipe_has_on_each_platform_is_asked_for(propose):
    older = RecipeFolders([bundled_folder()]).get("nats").releases[1].version
    code = "import nats\nasync def f():\n    await nats.connect(os.environ['NATS_URL'])\n"
    proposal = propose_with(propose, f"services:\n  nats:\n    image: nats:{older}-alpine\n", code, "nats-py")

    assert [each.version for each in proposal.services] == [older]


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("    image: prom/prometheus:v2\n", "compose: `other` (prom/prometheus:v2) isn't started"),
        ("    build: .\n    env_file: docker.env\n", "compose: ignored of `other`: variables of `docker.env`"),
        ("    build: .\n    env_file:\n    - path: a/b.env\n", "compose: ignored of `other`: variables of `a/b.env`"),
        (
            "    build: .\n    deploy:\n      replicas: 3\n",
            "compose: ignored of `other`: 3 copies (`devboot up -m other=3`)",
        ),
        (
            "    build: .\n    healthcheck:\n      test: curl -f http://localhost\n",
            "compose: ignored of `other`: a healthcheck (`ready` under its process)",
        ),
        ("    build: .\n    ports:\n      - 9001:9000\n", "compose: ignored of `other`: port 9001"),
    ],
)  # fmt: skip
def test_what_is_left_out_is_a_note(propose, entry, said):
    assert said in notes(propose_with(propose, f"services:\n  other:\n{entry}"))


def test_env_files_that_are_read_anyway_need_no_note(propose):
    assert not notes(propose_with(propose, "services:\n  web:\n    build: .\n    env_file: .env\n"))


POSTGRES_COMPOSE = (
    "services:\n  db:\n    image: postgres\n    environment:\n      POSTGRES_DB: shop\n"
    "      POSTGRES_MULTIPLE_DATABASES: shop,reports\n    volumes:\n"
    "      - ./sql:/docker-entrypoint-initdb.d\n      - data:/var/lib/postgresql/data\n"
)


def test_scripts_for_a_new_database_are_tasks_that_migrations_wait_for_and_others_are_named(propose):
    files = {
        "sql__1.sql": "CREATE TABLE a (n int);\n", "sql__2.sh": "echo done\n", "sql__3.sql.gz": "", "sql__n.txt": "",
        "alembic.ini": "[alembic]\nscript_location = migrations\n", "migrations__env.py": "",
    }  # fmt: skip
    code = f"{POSTGRES}import alembic\n"
    proposal = propose_with(propose, POSTGRES_COMPOSE, code, "psycopg2-binary\nalembic", **files)

    assert [(task.name, task.run, task.once, task.depends_on) for task in proposal.tasks] == [
        ("seed", "psql -q -f sql/1.sql", True, ("default",)),
        ("seed-2", "gunzip -c sql/3.sql.gz | psql -q", True, ("seed",)),
        ("migrate", "python -m alembic upgrade head", False, ("default", "seed-2")),
    ]
    run = "`devboot run -- sh -c 'POSTGRES_DB=shop POSTGRES_USER=postgres POSTGRES_PASSWORD=$PGPASSWORD sh sql/2.sh'`"
    assert [text for text in notes(proposal) if "compose runs" in text] == [
        f"postgres: compose runs `sql/2.sh` in a new database, devboot doesn't: {run}"
    ]


def test_databases_beside_the_first_are_made_by_devboot_and_a_script_that_makes_nothing_else_is_no_task(propose):
    script = (
        "-- more\nCREATE DATABASE archive;\nCREATE USER ada WITH PASSWORD 'x';\n\\c archive\nGRANT ALL ON x TO ada;\n"
    )
    proposal = propose_with(propose, POSTGRES_COMPOSE, POSTGRES, "psycopg2-binary", **{"sql__1.sql": script})

    assert [each.database for each in proposal.databases] == ["shop", "archive", "reports"]
    assert not proposal.tasks
    assert not [text for text in notes(proposal) if "compose runs" in text]


def test_a_script_of_mariadb_is_read_into_its_database(propose):
    compose = "services:\n  db:\n    image: mariadb\n    volumes:\n    - ./a.sql:/docker-entrypoint-initdb.d/a.sql\n"
    code = "import pymysql\npymysql.connect(host='localhost', user='root', password='b', database='shop')\n"
    proposal = propose_with(propose, compose, code, "pymysql", **{"a.sql": "CREATE TABLE a (n int);"})

    assert [task.run for task in proposal.tasks] == ["mariadb --force -u root shop < a.sql"]


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("    volumes: [./r.conf:/usr/local/etc/redis/redis.conf]\n", "redis: compose configures it by `./r.conf`"),
        (
            "    command: redis-server --appendonly yes --maxmemory 9mb\n",
            "redis: compose starts it with `--maxmemory 9mb`",
        ),
        ("    env_file: r.env\n", "redis: compose gives it variables of `r.env`, which the clone lacks"),
        (
            "    ports: ['6390:6379']\n",
            "redis: compose publishes it on port 6390: `port = 6390` in [services.redis] does",
        ),
        ("    scale: 2\n", "redis: ignored of compose's `store`: 2 copies"),
        ("    secrets: [word]\n", "redis: ignored of compose's `store`: files of `secrets`: `word`"),
    ],
)
def test_what_a_server_is_given_besides_is_a_note(propose, entry, said):
    found = notes(propose_with(propose, f"services:\n  store:\n    image: redis\n{entry}", REDIS, "redis"))

    assert [text for text in found if text.startswith(said)]


@pytest.mark.parametrize(
    "entry",
    ["    ports: ['6379:6379']\n", "    command: redis-server --requirepass x --save 60 1\n", "    env_file: .env\n"],
)
def test_what_devboot_does_anyway_for_a_server_needs_no_note(propose, entry):
    found = notes(propose_with(propose, f"services:\n  store:\n    image: redis\n{entry}", REDIS, "redis"))

    assert not [text for text in found if text.startswith("redis: compose")]


def test_names_and_passwords_of_a_servers_env_file_are_its_variables(propose):
    compose = "services:\n  db:\n    image: postgres\n    env_file: db.env\n"
    files = {"db.env": "POSTGRES_DB=shop\nPOSTGRES_USER=ada\n"}
    (database,) = propose_with(propose, compose, POSTGRES, "psycopg2-binary", **files).databases

    assert (database.database, database.user) == ("shop", "ada")


def test_images_that_nothing_runs_are_one_note(propose):
    compose = "services:\n  a:\n    image: grafana/grafana\n  b:\n    image: prom/prometheus:v2\n"

    assert "compose: `a` (grafana/grafana), `b` (prom/prometheus:v2) aren't started" in notes(
        propose_with(propose, compose)
    )


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("services:\n\tweb:\n\t\tbuild: .\n", 2),
        ("services:\n  web:\n    build: .\n  nonsense\n  db:\n    image: postgres\n", 4),
        ("services:\n  web:\n    image: python\n      build: .\n", 4),
        ("services:\n  web:\n    build: .\n    command: \x07\n", 4),
    ],
)
def test_a_file_that_is_no_yaml_is_named_with_its_place(propose, text, line):
    (note,) = [note for note in propose_with(propose, text).notes if "isn't YAML" in note.text]

    assert (note.warns, str(note.evidence)) == (True, f"compose.yml:{line}")


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("- a\n", "compose.yml:1", "the file isn't a table of keys"),
        ("version: '3'\nservices:\n- web\n", "compose.yml:2", "`services` isn't a table of services"),
        ("services:\n  web:\n    build: .\n  db: postgres\n", "compose.yml:4", "`db` isn't a table of keys"),
        ("services:\n  web:\n  db:\n    image: postgres\n", "compose.yml:2", "`web` isn't a table of keys"),
        ("include: [more.yml]\nservices: {}\n", "compose.yml:1", "`more.yml` is included but not in the clone"),
        ("services:\n  web:\n    extends: base\n", "compose.yml:3", "the service `base`, which another one extends"),
        ("services:\n  web:\n    extends: {file: a.yml, service: b}\n", "compose.yml:3", "the service `b` of `a.yml`"),
        (f"a: &a [{'x, ' * 300}]\nb: &b [{'*a, ' * 300}]\nc: [{'*b, ' * 300}]\n", "compose.yml:1", "too much"),
    ],
)  # fmt: skip
def test_what_compose_itself_refuses_is_named_with_its_place(propose, text, place, said):
    (note,) = [note for note in propose_with(propose, text).notes if said in note.text]

    assert (note.warns, str(note.evidence)) == (True, place)


def test_included_files_and_extended_services_count_with_paths_of_their_own(propose):
    compose = (
        "include:\n- path: [infra/stores.yml]\nservices:\n  web:\n"
        "    extends: {file: infra/base.yml, service: python}\n    command: python feed.py\n    environment: [B=2]\n"
    )
    base = (
        "services:\n  python:\n    build: ..\n    volumes: ['..:/code']\n    env_file: a.env\n    environment: {A: 1}\n"
    )
    files = {"infra__base.yml": base, "infra__stores.yml": "services:\n  store:\n    image: redis:7\n"}
    more = {name.replace("__", "/"): text for name, text in files.items()}
    proposal = propose({"feed.py": "while True: pass\n", "requirements.txt": "x\n", "compose.yml": compose, **more})

    assert [process.command for process in proposal.processes] == ["python feed.py"]
    assert "redis: compose runs it as `store`" in " ".join(notes(proposal))
    assert "compose: ignored of `web`: variables of `infra/a.env`" in notes(proposal)


def test_the_version_of_an_image_may_come_out_of_an_example_of_the_env_file(propose):
    compose = "services:\n  db:\n    image: postgres:${PG_TAG:-9.6}-alpine\n"

    def said(**files):
        return [
            text
            for text in notes(propose_with(propose, compose, POSTGRES, "psycopg2", **files))
            if "compose has" in text
        ]

    assert "compose has postgres:9.6-alpine" in " ".join(said())
    assert "compose has postgres:9.5-alpine" in " ".join(said(**{".env.example": "PG_TAG=9.5\n"}))


def test_yaml_of_all_kinds_that_is_right_is_not_called_wrong(write):
    text = (
        "# a comment\nx-common: &common\n  restart: always\nservices:\n  web:\n    <<: *common\n    build:\n"
        "      context: .\n    command: >\n      python app.py\n        --debug\n      key: of a text\n"
        '    environment:\n    - A=1\n    - B=some: thing\n    entrypoint: ["sh",\n      "-c"]\n    labels: {a: b}\n'
        "    image: 'x'\n"
    )
    tree = Tree(write({"compose.yml": text}))

    assert read_compose(tree, (".",)).unread == ()


def test_of_very_many_services_the_first_are_read_and_the_rest_is_named(propose):
    services = "".join(f"  s{number}:\n    build: .\n    command: python s{number}.py\n" for number in range(120))
    (note,) = [note for note in propose_with(propose, f"services:\n{services}").notes if "first 100" in note.text]

    assert (note.warns, str(note.evidence)) == (True, "compose.yml:302")


def test_of_very_many_scripts_the_first_are_tasks_and_the_rest_is_named(propose):
    files = {f"sql__{number:03}.sql": "SELECT 1;\n" for number in range(60)}
    proposal = propose_with(propose, POSTGRES_COMPOSE, POSTGRES, "psycopg2-binary", **files)

    assert len(proposal.tasks) == 50
    assert "postgres: compose runs 10 more scripts in a new database" in notes(proposal)


def test_env_files_and_images_of_servers_are_filled_in_up_to_a_length(write):
    doubling = "A0=12345678\n" + "".join(f"A{number + 1}=${{A{number}}}${{A{number}}}\n" for number in range(12))
    compose = "services:\n  redis:\n    image: 'redis:${A}${A}'\n    env_file: [redis.env]\n"
    found = read_compose(Tree(write({"compose.yml": compose, "redis.env": doubling})), (".",))
    (container,) = found.filled({"A": "x" * 3000}).containers

    assert max(map(len, container.environment.values())) <= 4096
    assert container.image == "redis:${A}${A}"


class CountingTree(Tree):
    """Counts how often the text of each file is asked for."""

    def __init__(self, root):
        super().__init__(root)
        self.asked = []

    def text(self, path):
        self.asked.append(path)
        return super().text(path)


def test_a_hundred_includes_are_read_and_the_file_is_searched_for_their_line_once(write):
    compose = "include:\n" + "".join(f"- more{number}.yml\n" for number in range(300))
    tree = CountingTree(write({"compose.yml": compose}))
    said = [str(each.text) for each in read_compose(tree, (".",)).unread]

    assert len(said) == 101
    assert said[-1] == "compose: only the first 100 includes are read"
    assert tree.asked.count("compose.yml") == 2


def test_includes_of_included_files_count_as_well(write):
    files = {f"more{number}.yml": f"include: [more{number + 1}.yml, no{number}.yml]\n" for number in range(9)}
    wide = "include:\n" + "- no.yml\n" * 120
    tree = Tree(write({"compose.yml": "include: [more0.yml, wide.yml, wide2.yml]\n", "wide.yml": wide,
                       "wide2.yml": wide, **files}))  # fmt: skip

    assert len([each for each in read_compose(tree, (".",)).unread if "the first 100 includes" in each.text]) == 1


@pytest.mark.parametrize(("length", "added"), [(10, ("gevent",)), (400, ())])
def test_options_of_a_command_that_is_too_long_are_not_looked_for(propose, length, added):
    compose = f"services:\n  work:\n    build: .\n    command: celery {'-A app ' * length}worker -P gevent\n"
    code = "from celery import Celery\ncelery = Celery('x', broker='redis://localhost:6379/0')\n"
    found = propose_with(propose, compose, code, "celery\nredis")

    assert tuple(each for each in found.python.packages if each == "gevent") == added
    assert any("-P gevent" in (each.command or "") for each in found.processes) == bool(added)
