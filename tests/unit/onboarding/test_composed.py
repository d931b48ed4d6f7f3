"""What a compose file says beside commands and hosts: taken over, or named."""

import pytest

from devboot.onboarding.reading.compose import read_compose
from devboot.onboarding.reading.tree import Tree
from devboot.recipes import RecipeFolders, bundled_folder

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
    assert f"compose has {image}; {service.version or newest(service.recipe)} runs here" in note


def test_another_version_that_the_recipe_has_on_each_platform_is_asked_for(propose):
    older = RecipeFolders([bundled_folder()]).get("nats").releases[1].version
    code = "import nats\nasync def f():\n    await nats.connect(os.environ['NATS_URL'])\n"
    proposal = propose_with(propose, f"services:\n  nats:\n    image: nats:{older}-alpine\n", code, "nats-py")

    assert [each.version for each in proposal.services] == [older]


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("    image: prom/prometheus:v2\n", "compose: `other` (prom/prometheus:v2) isn't started"),
        ("    build: .\n    env_file: docker.env\n", "compose: `other` also has variables of `docker.env`"),
        ("    build: .\n    env_file:\n    - path: a/b.env\n", "compose: `other` also has variables of `a/b.env`"),
        (
            "    build: .\n    deploy:\n      replicas: 3\n",
            "compose: `other` also has 3 copies (`devboot up -m other=3`)",
        ),
        (
            "    build: .\n    healthcheck:\n      test: curl -f http://localhost\n",
            "compose: `other` also has a healthcheck (`ready` under its process)",
        ),
        ("    build: .\n    ports:\n      - 9001:9000\n", "compose: `other` also has port 9001"),
    ],
)  # fmt: skip
def test_what_is_left_out_is_a_note(propose, entry, said):
    assert said in notes(propose_with(propose, f"services:\n  other:\n{entry}"))


def test_env_files_that_are_read_anyway_need_no_note(propose):
    assert not notes(propose_with(propose, "services:\n  web:\n    build: .\n    env_file: .env\n"))


def test_scripts_that_fill_a_new_database_are_offered_and_so_are_further_databases(propose):
    compose = (
        "services:\n  db:\n    image: postgres\n    environment:\n      POSTGRES_DB: shop\n"
        "      POSTGRES_MULTIPLE_DATABASES: shop,reports\n    volumes:\n"
        "      - ./sql:/docker-entrypoint-initdb.d\n      - data:/var/lib/postgresql/data\n"
    )
    files = {"sql__1.sql": "CREATE DATABASE archive;\n", "sql__2.sh": "echo done\n", "sql__notes.txt": ""}
    found = notes(propose_with(propose, compose, POSTGRES, "psycopg2-binary", **files))

    assert [text for text in found if "compose runs" in text or "a database" in text] == [
        "postgres: compose runs `sql/1.sql` in a new database: `devboot run -- psql -f sql/1.sql`",
        "postgres: compose runs `sql/2.sh` in a new database; nothing runs it here",
        *(
            f"postgres: compose makes a database `{name}`, too: `[services.postgres.databases.{name}]` makes it here"
            for name in ("archive", "reports")
        ),
    ]


def test_a_script_of_mariadb_is_read_into_its_database(propose):
    compose = "services:\n  db:\n    image: mariadb\n    volumes:\n    - ./a.sql:/docker-entrypoint-initdb.d/a.sql\n"
    code = "import pymysql\npymysql.connect(host='localhost', user='root', password='b', database='shop')\n"
    found = notes(propose_with(propose, compose, code, "pymysql", **{"a.sql": ""}))

    command = "devboot run -- mariadb -u root shop < a.sql"
    assert f"mariadb: compose runs `a.sql` in a new database: `{command}`" in found


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("services:\n\tweb:\n\t\tbuild: .\n", 2),
        ("services:\n  web:\n    build: .\n  nonsense\n  db:\n    image: postgres\n", 4),
        ("services:\n  web:\n    image: python\n      build: .\n", 4),
    ],
)
def test_a_file_that_is_no_yaml_is_named_with_its_place(propose, text, line):
    (note,) = [note for note in propose_with(propose, text).notes if "no YAML" in note.text]

    assert (note.warns, str(note.evidence)) == (True, f"compose.yml:{line}")


def test_yaml_of_all_kinds_that_is_right_is_not_called_wrong(write):
    text = (
        "# a comment\nx-common: &common\n  restart: always\nservices:\n  web:\n    <<: *common\n    build:\n"
        "      context: .\n    command: >\n      python app.py\n        --debug\n      key: of a text\n"
        '    environment:\n    - A=1\n    - B=some: thing\n    entrypoint: ["sh",\n      "-c"]\n    labels: {a: b}\n'
        "    image: 'x'\n"
    )
    tree = Tree(write({"compose.yml": text}))

    assert read_compose(tree, (".",)).wrong == ()
