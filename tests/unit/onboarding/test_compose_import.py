"""What an import makes of each key of a compose file, and what its report says."""

import json
import os
import subprocess
import tomllib

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from devboot.errors import Problems
from devboot.model.edge.manifest.manifest import read_manifest
from devboot.onboarding import detect, render
from devboot.onboarding.compose_import.fidelity import VERDICTS, percentage
from devboot.onboarding.compose_import.imported import import_compose
from devboot.onboarding.reading.containers.compose_keys import KEYS, TOP_KEYS

APP = {
    "app.py": "print('runs')\n",
    "worker.py": "print('runs')\n",
    "Dockerfile": "FROM python:3.13\nWORKDIR /app\nCOPY . .\n",
}


@pytest.fixture
def take(write):
    """Imports a compose file beside a small program: returns the manifest's values, and verdict and text by key."""

    def imported(compose, files=(), paths=("compose.yaml",), profiles=()):
        root = write({**APP, "compose.yaml": compose, **dict(files)})
        found = import_compose(root, paths, profiles=profiles, environ={})
        text = render(found.proposal)
        _, problems = read_manifest(text, "devboot.toml")
        assert [each.what for each in problems] == [], text
        return tomllib.loads(text), {each.key: (each.verdict, each.text) for each in found.report}, found.report

    return imported


DATABASE = """
services:
  db:
    image: postgres:16-alpine
    environment:
      POSTGRES_DB: shop
      POSTGRES_USER: ada
      POSTGRES_PASSWORD: lace
    ports: ["5433:5432"]
    volumes: ["data:/var/lib/postgresql/data"]
    healthcheck: {test: pg_isready}
volumes: {data: }
"""
RABBIT = "@".join(
    ":".join(f"${{{{services.rabbitmq.{part}}}}}" for part in pair) for pair in (("user", "password"), ("host", "port"))
)
WEB = """
services:
  web:
    build: .
    command: python app.py
"""


def test_an_image_becomes_a_service_with_its_version_its_database_and_its_published_port(take):
    manifest, report, _ = take(DATABASE)

    assert manifest["services"]["postgres"] == {
        "version": "16",
        "port": 5433,
        "databases": {"default": {"name": "shop", "user": "ada", "password": "lace"}},
    }
    assert {verdict for verdict, _ in report.values()} == {"native"}


@pytest.mark.parametrize(
    ("image", "recipe", "verdict"),
    [
        ("redis:7", "redis", "native"),
        ("valkey/valkey:9", "valkey", "native"),
        ("mysql:8.0", "mariadb", "approximated"),
        ("rabbitmq:3-management", "rabbitmq", "approximated"),
        ("minio/minio", "minio", "native"),
        ("axllent/mailpit", "mail", "approximated"),
        ("redis:1.0", "redis", "approximated"),
    ],
)
def test_each_known_image_has_its_recipe(take, image, recipe, verdict):
    manifest, report, _ = take(f"services:\n  thing:\n    image: {image}\n")

    assert [*manifest["services"]] == [recipe]
    assert report["services.thing.image"][0] == verdict


def test_two_servers_of_one_recipe_are_two_services(take):
    manifest, _, _ = take("services:\n  cache:\n    image: redis:7\n  queue:\n    image: redis:7\n")

    assert {name: table.get("recipe", name) for name, table in manifest["services"].items()} == {
        "redis": "redis",
        "queue": "redis",
    }


def test_options_of_a_servers_command_become_settings(take):
    command = "redis-server --maxmemory 64mb --requirepass secret --save 900 1"
    manifest, report, _ = take(f"services:\n  cache:\n    image: redis\n    command: {command}\n")

    assert manifest["services"]["redis"]["settings"] == {"maxmemory": "64mb", "save": "900 1"}
    assert report["services.cache.command"][0] == "native"


def test_first_data_becomes_a_task_that_runs_once(take):
    mount = "\n    volumes: ['./first.sql:/docker-entrypoint-initdb.d/first.sql']\n"
    manifest, report, _ = take(
        f"services:\n  db:\n    image: postgres:16{mount}", {"first.sql": "create table a(b int);"}
    )

    assert manifest["tasks"]["seed"]["run"] == "psql -q -f first.sql"
    assert manifest["tasks"]["seed"]["once"] is True
    assert report["services.db.volumes"] == ("native", "[tasks.seed]")


def test_first_data_of_mysql_is_loaded_by_the_owner_of_its_database(take):
    compose = """
        services:
          db:
            image: mysql:8
            command: --default-authentication-plugin=mysql_native_password
            environment: {MYSQL_DATABASE: blog, MYSQL_USER: ada, MYSQL_PASSWORD: lace, MYSQL_ROOT_PASSWORD: root}
            volumes: ["./dump.sql:/docker-entrypoint-initdb.d/dump.sql:ro"]
        """
    manifest, report, _ = take(compose, {"dump.sql": "create table a(b int);"})

    assert manifest["tasks"]["seed"]["run"] == "mariadb --force -u ada blog < dump.sql"
    assert "settings" not in manifest["services"]["mariadb"]
    assert report["services.db.command"][0] == "no equivalent"
    assert report["services.db.environment.MYSQL_ROOT_PASSWORD"][0] == "approximated"


def test_first_data_that_detection_finds_is_loaded_once(take):
    files = {
        "first.sql": "create table a(b int);",
        "app.py": "import os, psycopg\npsycopg.connect(os.environ['DATABASE_URL'])\n",
    }
    mount = "\n    volumes: ['./first.sql:/docker-entrypoint-initdb.d/first.sql']\n"
    manifest, _, _ = take(f"{WEB}  db:\n    image: postgres:16{mount}", {**files, "requirements.txt": "psycopg\n"})

    assert [*manifest["tasks"]] == ["seed"]


@pytest.mark.parametrize(
    ("path", "waits"), [("compose.yaml", ["default", "seed"]), ("compose.other.yaml", ["default"])]
)
def test_migrations_wait_for_first_data_only_if_the_imported_file_has_it(take, path, waits):
    database = f"{WEB}  db:\n    image: postgres:16\n"
    mount = "    volumes: ['./first.sql:/docker-entrypoint-initdb.d/first.sql']\n"
    files = {
        "first.sql": "create table a(b int);",
        "app.py": "import os, sqlalchemy\nsqlalchemy.create_engine(os.environ['DATABASE_URL'])\n",
        "alembic.ini": "[alembic]\nscript_location = revisions\n",
        "revisions/env.py": "from alembic import context\n",
        "requirements.txt": "sqlalchemy\nalembic\npsycopg2\n",
        "compose.other.yaml": database,
    }
    manifest, _, _ = take(database + mount, files, paths=(path,))

    assert manifest["tasks"]["migrate"]["depends_on"] == waits


@pytest.mark.parametrize(
    ("image", "ports", "port", "verdicts"),
    [
        ("rabbitmq:3", "['15672:15672', '5673:5672']", 5673, ["approximated", "native"]),
        ("minio/minio", "['9000:9000', '9001:9001']", None, ["native", "approximated"]),
        ("redis", "['6380:6379', '8001:8001']", 6380, ["native", "no equivalent"]),
        ("redis", "['6379']", None, ["native"]),
    ],
)
def test_only_the_port_of_the_server_itself_becomes_its_port(take, image, ports, port, verdicts):
    manifest, _, found = take(f"services:\n  thing:\n    image: {image}\n    ports: {ports}\n")

    assert next(iter(manifest["services"].values())).get("port") == port
    assert [each.verdict for each in found if each.key.endswith("ports")] == verdicts


def test_a_build_becomes_a_process_with_its_port_and_copies(take):
    more = "    ports: ['8000:8000']\n    scale: 2\n    stop_grace_period: 1m30s\n    stop_signal: SIGINT\n"
    manifest, report, _ = take(f"{WEB}{more}    restart: unless-stopped\n", {".python-version": "3.13\n"})

    web = manifest["processes"]["web"]
    assert (web["command"], web["port"], web["instances"]) == ("python3 app.py", 8000, 2)
    assert (web["stop_timeout"], web["stop_signal"], web["restart"]) == ("90s", "SIGINT", "always")
    assert {verdict for verdict, _ in report.values()} == {"native"}


def test_the_command_of_the_image_is_found_in_its_dockerfile(take):
    files = {
        "api/Dockerfile": 'FROM python:3.13\nWORKDIR /srv\nCOPY . /srv\nCMD ["python", "serve.py"]\n',
        "api/serve.py": "",
    }
    manifest, _, _ = take("services:\n  api:\n    build: ./api\n", files)

    assert manifest["processes"]["api"] == {"command": "python3 serve.py", "cwd": "api"}


def test_a_program_that_only_the_image_has_stays_in_docker(take):
    files = {"Dockerfile": 'FROM scratch\nCOPY --from=build /out /server\nCMD ["/server"]\n'}
    manifest, report, found = take("services:\n  api:\n    build: .\n", files)

    assert "processes" not in manifest
    assert report["services.api.build"][0] == "left in Docker"
    assert percentage(found) == 0


def test_an_image_without_recipe_stays_in_docker_and_its_published_port_is_reached(take):
    search = "  search:\n    image: elasticsearch:8.13.0\n    ports: ['9201:9200']\n"
    manifest, report, _ = take(f"{WEB}    environment:\n      SEARCH: http://search:9200/shop\n{search}")

    assert manifest["env"]["SEARCH"] == "http://127.0.0.1:9201/shop"
    assert report["services.search.image"][0] == "left in Docker"
    assert "docker compose up -d search" in report["services.search.image"][1]


def test_a_container_without_a_published_port_cannot_be_reached(take):
    _, report, _ = take(f"{WEB}    environment: ['SEARCH=search:9200']\n  search:\n    image: elasticsearch:8.13.0\n")

    assert report["services.web.environment.SEARCH"][0] == "no equivalent"


@pytest.mark.parametrize(
    ("test", "ready"),
    [
        ("curl -f http://localhost:8000/health || exit 1", {"http": "/health"}),
        ("['CMD', 'wget', '-qO-', 'http://127.0.0.1:8000/']", {"http": "/"}),
        ("['CMD', 'curl', 'http://localhost:9/up']", {"http": "http://127.0.0.1:9/up"}),
        ("['CMD-SHELL', 'python check.py --fast']", {"exec": "python check.py --fast"}),
        ("['CMD', 'python', 'check.py', 'a b']", {"exec": "python check.py 'a b'"}),
        ("NONE", None),
    ],
)
def test_a_healthcheck_becomes_readiness(take, test, ready):
    check = f"    healthcheck: {{test: {test!r}, interval: 5s, timeout: 500ms, retries: 4}}\n"
    check = check.replace('"[', "[").replace(']"', "]") if test.startswith("[") else check
    check = check.replace("'NONE'", "['NONE']")
    manifest, _, _ = take(f"{WEB}    ports: ['8000:8000']\n{check}")

    timings = {"period": "5s", "timeout": "500ms", "failure_threshold": 4}
    assert manifest["processes"]["web"].get("ready") == (None if ready is None else {**ready, **timings})


def test_a_healthcheck_in_python_becomes_a_request(take):
    check = "    healthcheck:\n      test: python -c \"import httpx; httpx.get('http://localhost:8000/up')\"\n"
    manifest, _, _ = take(f"{WEB}    ports: ['8000:8000']\n{check}")

    assert manifest["processes"]["web"]["ready"] == {"http": "/up"}


def test_conditions_of_depends_on_become_states_and_a_container_that_ends_a_task(take):
    manifest, report, _ = take("""
        services:
          web:
            build: .
            command: python app.py
            depends_on:
              db: {condition: service_healthy}
              setup: {condition: service_completed_successfully}
              worker: {condition: service_started}
              search: {condition: service_started}
          setup: {build: ., command: python prepare.py, depends_on: [db]}
          worker: {build: ., command: python worker.py}
          db: {image: "postgres:16"}
          search: {image: "elasticsearch:8.1"}
        """)

    assert manifest["processes"]["web"]["depends_on"] == ["postgres", "setup", {"name": "worker", "until": "started"}]
    assert manifest["tasks"]["setup"] == {"run": "python3 prepare.py", "before": ["web"], "depends_on": ["postgres"]}
    assert report["services.web.depends_on.search"][0] == "no equivalent"


def test_variables_with_defaults_come_from_the_shell(take):
    manifest, _, _ = take(f"""{WEB}    environment:
      LEVEL: ${{LEVEL:-info}}
      KEY: ${{KEY:?ask the team}}
      GREETING: hello ${{WHO:-world}}
      PRICE: 5$$
      CALLERS:
""")

    assert manifest["env"] == {
        "LEVEL": {"from": "shell", "default": "info"},
        "KEY": {"required": True, "description": "ask the team"},
        "GREETING": "hello ${WHO}",
        "WHO": {"from": "shell", "default": "world"},
        "PRICE": "5$",
        "CALLERS": {"from": "shell"},
    }


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (
            "postgresql+asyncpg://ada:lace@db:5432/shop?ssl=no",
            "postgresql+asyncpg://{login}/${{databases.default.name}}?ssl=no",
        ),
        ("postgres://${{WHO:-ada}}:lace@db/${{BASE:-shop}}", "postgres://{login}/${{databases.default.name}}"),
        ("postgres://ada:lace@db/a/b", "postgres://{login}/a/b"),
        ("redis://cache:6379/2", "${{services.redis.url}}/2"),
        ("amqp://guest:guest@queue:5672/%2F", f"amqp://{RABBIT}/%2F"),
        ("amqp://queue", f"amqp://{RABBIT}"),
        ("http://web:8000/api", "http://127.0.0.1:${{processes.web.port}}/api"),
        ("http://host.docker.internal:9/", "http://127.0.0.1:9/"),
        ("https://example.org/cache", "https://example.org/cache"),
    ],
)
def test_addresses_of_containers_become_references(take, value, text):
    others = DATABASE.removeprefix("\nservices:").partition("volumes: {")[0]
    others += "  cache: {image: redis}\n  queue: {image: rabbitmq}\n"
    manifest, _, _ = take(f"{WEB}    ports: ['8000:8000']\n    environment:\n      ADDRESS: {value.format()}\n{others}")

    login = (
        "${databases.default.user}:${databases.default.password}@${databases.default.host}:${databases.default.port}"
    )
    assert manifest["env"]["ADDRESS"] == text.format(login=login)


def test_a_database_that_only_an_address_names_is_created_with_the_same_owner(take):
    others = DATABASE.removeprefix("\nservices:").partition("volumes: {")[0]
    manifest, _, _ = take(f"{WEB}    environment: {{A: 'postgres://ada:lace@db/other'}}\n{others}")
    db = "  db: {image: postgres, environment: ['POSTGRES_DB=${X}']}\n"
    alone, _, _ = take(f"{WEB}    environment: {{A: 'postgres://db/shop'}}\n{db}")

    assert manifest["services"]["postgres"]["databases"]["other"] == {"user": "ada", "password": "lace"}
    assert manifest["env"]["A"].endswith("@${databases.other.host}:${databases.other.port}/${databases.other.name}")
    assert alone["env"]["A"].endswith("/${databases.default.name}")


def test_host_port_user_and_password_in_variables_of_their_own_become_references(take):
    parts = "DB_HOST: db, DB_PORT: '5432', DB_USER: ada, DB_PASSWORD: lace, DB_NAME: shop, CACHE: 'cache:6379'"
    others = DATABASE.removeprefix("\nservices:").partition("volumes: {")[0] + "  cache: {image: redis}\n"
    manifest, _, _ = take(f"{WEB}    environment: {{{parts}}}\n{others}")

    assert manifest["env"] == {
        "DB_HOST": "${databases.default.host}",
        "DB_PORT": "${databases.default.port}",
        "DB_USER": "${databases.default.user}",
        "DB_PASSWORD": "${databases.default.password}",
        "DB_NAME": "${databases.default.name}",
        "CACHE": "${services.redis.host}:${services.redis.port}",
    }
    assert manifest["services"]["redis"]["access"] == "open"


def test_a_variable_with_two_values_belongs_to_its_processes(take):
    two = "  worker:\n    build: .\n    command: python worker.py\n    environment: {ROLE: work, SAME: x}\n"
    manifest, report, _ = take(f"{WEB}    environment: {{ROLE: serve, SAME: x}}\n{two}")

    assert manifest["env"] == {"ROLE": "serve", "SAME": "x"}
    assert manifest["processes"]["worker"]["env"] == {"ROLE": "work"}
    assert report["services.worker.environment.ROLE"] == ("native", "`env` of [processes.worker]")


def test_env_files_are_read_and_their_container_names_overridden(take):
    manifest, _, _ = take(
        f"{WEB}    env_file: [conf/dev.env]\n  cache: {{image: redis}}\n",
        {"conf/dev.env": "CACHE_URL=redis://cache:6379/0\nOTHER=1\n"},
    )

    assert manifest["env-files"]["read"] == [".env", "conf/dev.env"]
    assert manifest["env"] == {"CACHE_URL": "${services.redis.url}/0"}


def test_profiles_are_left_out_unless_they_are_asked_for(take):
    more = "  admin: {build: ., command: python worker.py, profiles: [tools]}\n"
    manifest, report, _ = take(WEB + more)
    chosen, _, _ = take(WEB + more, profiles=["tools"])
    every, _, _ = take(WEB + more, profiles=["*"])

    assert [*manifest["processes"]] == ["web"]
    assert report["services.admin.build"][0] == "left in Docker"
    assert [*chosen["processes"]] == [*every["processes"]] == ["web", "admin"]


def test_anchors_extends_and_include_are_resolved(take):
    compose = """
        include: [more/cache.yaml]
        x-common: &common
          environment: {LEVEL: debug}
        services:
          web: {<<: *common, build: ., command: python app.py}
          worker: {extends: {service: web}, command: python worker.py}
        """
    manifest, report, found = take(compose, {"more/cache.yaml": "services:\n  cache:\n    image: redis\n"})

    assert [*manifest["processes"]] == ["web", "worker"]
    assert manifest["env"] == {"LEVEL": "debug"}
    assert [*manifest["services"]] == ["redis"]
    lines = {each.key: each.line for each in found}
    assert lines["services.web.environment.LEVEL"] == 3
    assert report["services.worker.extends"] == ("native", "resolved")
    assert [each.path for each in found if each.key == "services.cache.image"] == ["more/cache.yaml"]


def test_an_override_file_is_merged(take):
    override = "services:\n  web:\n    command: python worker.py\n    environment: {LEVEL: debug}\n"
    manifest, _, found = take(
        f"{WEB}    environment: {{LEVEL: info, A: b}}\n",
        {"compose.override.yaml": override},
        ("compose.yaml", "compose.override.yaml"),
    )

    assert manifest["processes"]["web"]["command"] == "python3 worker.py"
    assert manifest["env"] == {"LEVEL": "debug", "A": "b"}
    places = {each.key: each.place for each in found}
    assert places["services.web.environment.LEVEL"] == "compose.override.yaml:4"
    assert places["services.web.environment.A"] == "compose.yaml:5"


def test_tags_of_an_override_file_replace_and_remove(take):
    override = """
        services:
          web:
            ports: !override ["8001:8001"]
            environment: !override {ONLY: this}
            healthcheck: !reset null
            depends_on: !reset []
        """
    manifest, report, _ = take(
        f"{WEB}    ports: ['8000:8000']\n    environment: {{A: b}}\n    healthcheck: {{test: 'true'}}\n",
        {"compose.override.yaml": override},
        ("compose.yaml", "compose.override.yaml"),
    )

    assert manifest["processes"]["web"] == {"command": "python3 app.py", "port": 8001}
    assert manifest["env"] == {"ONLY": "this"}
    assert "services.web.healthcheck" not in report


def test_secrets_and_configs_are_files_of_the_clone_or_nothing(take):
    more = "    environment: {TOKEN_FILE: /run/secrets/token}\n    secrets: [token, other]\n    configs: [site]\n"
    top = "secrets: {token: {file: ./secret/token.txt}, other: {environment: OTHER}}\nconfigs: {site: {content: a}}\n"
    manifest, report, found = take(f"{WEB}{more}{top}")

    assert manifest["env"]["TOKEN_FILE"] == "${project.root}/secret/token.txt"
    assert [each.verdict for each in found if each.key == "services.web.secrets"] == ["approximated", "no equivalent"]
    assert report["services.web.configs"][0] == "no equivalent"


def test_a_published_port_that_is_another_one_goes_into_the_command(take):
    command = "python -m http.server 8000 --bind 0.0.0.0"
    manifest, report, _ = take(f"services:\n  web:\n    build: .\n    command: {command}\n    ports: ['8080:8000']\n")

    web = manifest["processes"]["web"]
    assert (web["command"], web["port"]) == ("python3 -m http.server 8080 --bind 127.0.0.1", 8080)
    assert report["services.web.ports"][0] == "approximated"


def test_limits_and_isolation_are_no_equivalent_and_networks_are_not_needed(take):
    more = "    mem_limit: 1g\n    cap_drop: [ALL]\n    networks: [back]\n    tty: true\n    devices: [/dev/sda]\n"
    _, report, _ = take(f"{WEB}{more}networks: {{back: }}\n")

    verdicts = {key.rpartition(".")[2]: verdict for key, (verdict, _) in report.items()}
    assert [verdicts[key] for key in ("mem_limit", "cap_drop", "devices")] == ["no equivalent"] * 3
    assert [verdicts[key] for key in ("networks", "tty", "back")] == ["native"] * 3


def test_the_report_has_every_key_of_every_service_once_with_its_line(take):
    compose = (
        f"{DATABASE.partition('volumes: {')[0]}{WEB.removeprefix(chr(10) + 'services:')}    ports: ['1:1', '2:2']\n"
    )
    _, _, found = take(compose)

    lines = compose.lstrip("\n").splitlines()
    for each in found:
        word = each.key.rpartition(".")[2]
        assert each.verdict in VERDICTS
        assert each.text
        assert word in lines[each.line - 1], each
    assert [each.line for each in found] == sorted(each.line for each in found)
    assert sum(each.key == "services.web.ports" for each in found) == 2


def test_a_name_that_is_a_containers_by_chance_is_no_address(take):
    others = DATABASE.removeprefix("\nservices:").partition("volumes: {")[0]
    manifest, _, _ = take(
        f"{WEB}    environment: {{DB_HOST: db, DB_NAME: web, APP_ENV: web, OTHER_HOST: web}}\n{others}"
    )

    env = manifest["env"]
    assert (env["DB_NAME"], env["APP_ENV"], env["OTHER_HOST"]) == ("web", "web", "127.0.0.1")


def test_several_ports_of_a_process_are_one_and_an_exposed_one_counts(take):
    worker = "  worker: {build: ., command: python worker.py, expose: ['1003']}\n"
    manifest, _, found = take(f"{WEB}    ports: ['1001:1001', '1002:1002']\n{worker}")

    assert {name: each["port"] for name, each in manifest["processes"].items()} == {"web": 1001, "worker": 1003}
    assert [each.verdict for each in found if each.key.endswith("ports")] == ["native", "no equivalent"]


def test_a_container_that_mounts_a_folder_of_the_clone_runs_its_code(take):
    front = "image: 'node:22', working_dir: /srv, volumes: ['./front:/srv', '/srv/node_modules'], command: npm run dev"
    manifest, report, _ = take(f"{WEB}  front: {{{front}}}\n", {"front/package.json": "{}"})

    assert manifest["processes"]["front"] == {"command": "npm run dev", "cwd": "front"}
    assert manifest["packages"]["node"] == "22"
    assert report["services.front.volumes"][0] == "native"


def test_a_server_that_migrates_first_keeps_running_and_a_program_that_waits_for_it_runs_after_it(take):
    web = "  web: {build: ., command: 'python prepare.py && python app.py'}\n"
    manifest, _, _ = take(f"services:\n{web}  check: {{build: ., command: python migrate.py, depends_on: [web]}}\n")

    assert "tasks" not in manifest
    assert manifest["processes"]["check"]["restart"] == "never"
    assert manifest["processes"]["check"]["depends_on"] == [{"name": "web", "until": "started"}]


def test_what_a_chosen_service_needs_is_taken_with_its_profile(take):
    manifest, _, _ = take(f"{WEB}    depends_on: [db]\n  db: {{image: postgres, profiles: [full]}}\n")

    assert manifest["processes"]["web"]["depends_on"] == ["postgres"]


@pytest.mark.parametrize(
    ("compose", "slug", "place"),
    [
        ("services:\n  web:\n    imag: redis\n", "compose/unknown-key", (3, 5)),
        ("servces:\n  web: {}\n", "compose/unknown-key", (1, 1)),
        ("services:\n  web:\n    command: [python\n", "compose/not-yaml", (3, 14)),
        ("services:\n\tweb: 1\n", "compose/not-yaml", (2, 1)),
        ("services: {}\n", "compose/no-services", (0, 0)),
    ],
)
def test_a_mistake_has_its_place(take, compose, slug, place):
    with pytest.raises(Problems) as caught:
        take(compose)

    error = caught.value.errors[0]
    assert (error.slug, error.place.line, error.place.column) == (slug, *place)
    if error.place.line:
        assert error.place.source == compose.splitlines()[error.place.line - 1]


def test_a_misspelt_key_has_its_correction(take):
    with pytest.raises(Problems) as caught:
        take("services:\n  web:\n    imag: redis\n    comand: x\n")

    assert [each.help for each in caught.value.errors] == [("write `image`",), ("write `command`",)]


VALUES = st.recursive(
    st.none()
    | st.sampled_from(
        ["", "a", "1", "./x:/y", "a:b:c", "${A:-b}", "${A", "$$", "/", "..", "true", "[", "1m2s", "db:1"]
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["test", "path", "source", "target", "file", "service", "a", "condition", "db"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=4,
)
SERVICE = st.dictionaries(st.sampled_from(sorted(KEYS)), VALUES, max_size=6)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(st.sampled_from(["db", "we b", "ä/", "-", "web"]), SERVICE | VALUES, min_size=1, max_size=3),
    st.dictionaries(st.sampled_from(sorted(TOP_KEYS)), VALUES, max_size=2),
)
def test_whatever_stands_in_a_compose_file_gives_a_manifest_or_an_error_with_its_place(write, services, top):
    more = {"db": {"image": "postgres:16"}, "app": {"build": ".", "command": "python app.py"}}
    merged = {
        **more,
        **{name: {**more.get(name, {}), **each} if isinstance(each, dict) else each for name, each in services.items()},
    }
    root = write({**APP, "compose.yaml": json.dumps({**top, "services": merged})})
    try:
        found = import_compose(root, ["compose.yaml"], environ={})
    except Problems as problems:
        places = [each.place for each in problems.errors]
    else:
        places = []
    if None in places:
        pytest.fail("a mistake without a place")
    if places:
        return
    text = render(found.proposal)
    _, problems = read_manifest(text, "devboot.toml")
    assert [each.what for each in problems] == [], text


@pytest.mark.parametrize("text", ["a", "$A", "${A:-", "${A:-$B}", "://", "a://b@", "a:1,", "/run/secrets/", "a.b:"])
def test_long_values_of_one_repeated_text_are_read_in_a_moment(take, text):
    value = text * (60_000 // len(text))
    names = ("A", "A_HOST", "DATABASE_URL")
    environment = "".join(f"      {name}: '{value}'\n" for name in names)
    manifest, _, _ = take(f"{WEB}    environment:\n{environment}  db:\n    image: postgres:16\n")

    assert {*names} <= {*manifest["env"]}


def test_thousands_of_variables_with_a_containers_name_are_read_in_a_moment(take):
    names = [f"A{number}_HOST" for number in range(9_000)]
    environment = "".join(f"      {name}: db\n" for name in names)
    manifest, _, _ = take(f"{WEB}    environment:\n{environment}  db:\n    image: postgres:16\n")

    assert {*names} <= {*manifest["env"]}


def test_variables_that_contain_each_other_many_times_are_not_written_out(take):
    files = {".env": f"A='{'$B' * 2000}'\nB='{'$A' * 2000}'\n"}
    test = "curl -f http://localhost/$A"
    manifest, _, _ = take(f"{WEB}    environment: {{C: '$A$B'}}\n    healthcheck: {{test: '{test}'}}\n", files)

    assert manifest["env"]["C"] == "${A}${B}"


CANARY = "xK9vQ2canary"
PRIVATE = f"""\
POSTGRES_PASSWORD={CANARY}
POSTGRES_USER=ada
PW_OF_DB={CANARY}
SOME_WORD={CANARY}
DATABASE_URL=postgres://ada:{CANARY}@db:5432/shop?sslmode=disable
HOOK_URL=http://web:8000/hooks/{CANARY}
CALL_URL=http://bot:{CANARY}@web:8000/
QUERY_URL=http://web:8000/?api_key={CANARY}
PLAIN_URL=http://{CANARY}@host.docker.internal/
CACHE_URL=redis://:{CANARY}@cache:6379/1
API_TOKEN={CANARY}
REDIS_PASSWORD={CANARY}
"""
_READS = "import os\n" + "".join(f"x = os.environ['{line.partition('=')[0]}']\n" for line in PRIVATE.splitlines())
SECRETIVE = """
services:
  db:
    image: postgres:16
    {db}
  cache: {{image: 'redis:7', command: 'redis-server --requirepass ${{REDIS_PASSWORD}}',
    healthcheck: {{test: 'redis-cli -a ${{REDIS_PASSWORD}} ping'}}}}
  web:
    build: .
    command: python app.py --token=${{API_TOKEN}}
    ports: ['8000:8000']
    labels: {{token: '${{API_TOKEN}}'}}
    healthcheck: {{test: 'curl http://localhost:8000/?key=${{API_TOKEN}}'}}
    {web}
"""


def tracked(root, *paths):
    git = ["git", "-C", str(root), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "add", *paths], check=True)


@pytest.mark.parametrize(("detects", "is_ignored"), [(False, True), (False, False), (True, True)])
@pytest.mark.parametrize("form", ["env_file", "same", "default", "partial"])
def test_no_value_of_an_env_file_that_may_be_secret_gets_into_the_manifest(write, form, detects, is_ignored):
    names = [line.partition("=")[0] for line in PRIVATE.splitlines()]
    texts = {
        "same": {name: f"${{{name}}}" for name in names},
        "default": {name: f"${{{name}:?set it}}" for name in names},
        "partial": {f"{name}_2": f"http://web:8000/x?y=${{{name}}}" for name in names}
        | {"DSN": "postgres://ada:${PW_OF_DB}@db/shop", "GREETING": "hello ${SOME_WORD}"},
    }
    web = "env_file: [.env]" if form == "env_file" else f"environment: {json.dumps(texts[form])}"
    password = {"env_file": "env_file: [.env]", "partial": "environment: {POSTGRES_PASSWORD: '${SOME_WORD}'}"}
    db = password.get(form, "environment: {POSTGRES_PASSWORD: '${PW_OF_DB}', POSTGRES_USER: '${POSTGRES_USER}'}")
    files = {"compose.yaml": SECRETIVE.format(db=db, web=web), ".env": PRIVATE, ".gitignore": ".env\n"}
    root = write({**APP, **files, "app.py": _READS, "requirements.txt": "psycopg\nredis\n"})
    if is_ignored:
        tracked(root, "app.py", "compose.yaml")
    if detects:
        text = render(detect(root, environ=os.environ))
    else:
        found = import_compose(root, ["compose.yaml"], environ=os.environ)
        text = render(found.proposal)
    assert CANARY not in text


def test_an_address_that_may_be_secret_stays_in_its_file_and_the_report_says_what_to_change_there(take):
    _, report, _ = take(
        f"{WEB}    ports: ['8000:8000']\n    env_file: [.env]\n", {".env": "CALL=http://bot:pw@web:8000/\n"}
    )

    verdict, text = report["services.web.env_file.CALL"]
    assert (verdict, "127.0.0.1" in text, "pw" in text) == ("no equivalent", True, False)


def test_a_password_of_an_env_file_is_generated_and_the_report_says_so(take):
    db = "  db: {image: postgres, environment: {POSTGRES_USER: ada, POSTGRES_PASSWORD: '${PW:?}'}}\n"
    manifest, report, _ = take(f"{WEB}    environment: {{PASS: '${{PW}}', DB_HOST: db}}\n{db}", {".env": "PW=lace\n"})

    assert manifest["services"]["postgres"]["databases"]["default"]["user"] == "ada"
    assert "password" not in manifest["services"]["postgres"]["databases"]["default"]
    assert manifest["env"]["PASS"] == "${databases.default.password}"
    verdict, text = report["services.db.environment.POSTGRES_PASSWORD"]
    assert (verdict, "aren't copied" in text) == ("approximated", True)


@pytest.mark.parametrize("name", ["S3_KEY", "S3_BUCKET", "CACHE_BACKEND", "OWNER", "STORAGE_KIND"])
@pytest.mark.parametrize("where", ["environment: {%s: minio}", "env_file: [a.env]"])
def test_the_name_of_a_container_is_a_host_only_in_a_variable_for_hosts(take, name, where):
    minio = "  minio: {image: minio/minio}\n"
    given = where % name if "%" in where else where
    manifest, _, _ = take(f"{WEB}    {given}\n{minio}", {"a.env": f"{name}=minio\n"})
    host, _, _ = take(f"{WEB}    environment: {{S3_HOST: minio, BROKER: minio}}\n{minio}")

    assert manifest.get("env", {}).get(name, "minio") == "minio"
    assert set(host["env"].values()) == {"${services.minio.host}"}


def test_a_container_of_minio_is_the_only_server_for_clients_of_s3(take):
    code = "import os, boto3\nboto3.client('s3', endpoint_url=os.environ['S3_ENDPOINT'],\n"
    code += "    aws_access_key_id=os.environ['S3_KEY'], aws_secret_access_key=os.environ['S3_SECRET'])\n"
    minio = "  minio:\n    image: minio/minio\n"
    minio += "    environment: {MINIO_ROOT_USER: '${S3_KEY}', MINIO_ROOT_PASSWORD: '${S3_SECRET}'}\n"
    manifest, report, _ = take(
        f"{WEB}    env_file: [.env]\n    environment: {{S3_ENDPOINT: 'http://minio:9000'}}\n{minio}",
        {"app.py": code, "requirements.txt": "boto3\n", ".env": "S3_KEY=minio\nS3_SECRET=lace\n"},
    )

    assert manifest["services"] == {"s3": {}}
    assert manifest["env"] == {
        "S3_ENDPOINT": "${services.s3.url}",
        "S3_KEY": "devboot${services.s3.password}",
        "S3_SECRET": "devboot${services.s3.password}",
    }
    assert "`s3`" in report["services.web.environment.S3_ENDPOINT"][1]
    assert report["services.minio.image"] == ("approximated", "[services.s3] runs s3 instead of minio")
    assert report["services.web.env_file.S3_KEY"] == ("native", "leads to `s3` on this machine")


def test_detected_variables_follow_a_service_of_another_name(take):
    code = "import os, redis\nredis.Redis.from_url(os.environ['CACHE_URL'])\n"
    manifest, _, _ = take(
        f"{WEB}    environment: {{CACHE_URL: 'redis://cache:6379/0'}}\n  cache: {{image: 'valkey/valkey:9'}}\n",
        {"app.py": code, "requirements.txt": "redis\n"},
    )

    assert [*manifest["services"]] == ["valkey"]
    assert manifest["env"]["CACHE_URL"] == "${services.valkey.url}/0"


@pytest.mark.parametrize(
    ("image", "files", "version", "verdict"),
    [
        ("node:20-alpine", {}, "20", "native"),
        ("node:21", {}, "22", "approximated"),
        ("node:19", {}, "20", "approximated"),
    ],
)
def test_the_version_of_an_image_is_kept_or_the_report_has_both(take, image, files, version, verdict):
    package = '{"name": "web", "scripts": {"dev": "vite"}, "devDependencies": {"vite": "^5"}}'
    compose = f"""
services:
  web:
    image: {image}
    working_dir: /app
    command: npm run dev
    volumes: ['./web:/app']
"""
    app = {"app.py": "from fastapi import FastAPI\napp = FastAPI()\n", "requirements.txt": "fastapi\nuvicorn\n"}
    manifest, report, _ = take(compose, {**app, "web/package.json": package, **files})

    assert manifest["packages"]["node"] == version
    assert report["services.web.image"][0] == verdict
    assert (
        verdict == "native" or f"node {version} instead of {image.partition(':')[2]}" in report["services.web.image"][1]
    )


@pytest.mark.parametrize(("own", "verdict"), [({}, "approximated"), ({".python-version": "3.13\n"}, "native")])
def test_another_python_than_the_images_is_an_approximation(take, own, verdict):
    _, report, _ = take(WEB, own)

    assert report["services.web.build"][0] == verdict


@pytest.mark.parametrize(("target", "verdict"), [("old", "approximated"), ("dev", "native"), ("page", "native")])
def test_the_version_of_the_stage_that_is_built_counts(take, target, verdict):
    stages = "FROM python:3.11 AS old\nFROM --platform=linux/amd64 python:3.13 AS base\nWORKDIR /app\n"
    stages += "FROM base AS dev\nWORKDIR /app\nCOPY . .\nFROM nginx:1 AS page\nWORKDIR /app\nFROM node:16\n"
    compose = f"""
services:
  web:
    build: {{context: ., target: {target}}}
    command: python app.py
"""
    _, report, _ = take(compose, {"Dockerfile": stages, ".python-version": "3.13\n"})

    verdict_here, text = report["services.web.build"]
    assert (verdict_here, "python 3.13 instead of 3.11" in text) == (verdict, target == "old")


def test_a_version_that_the_lock_completes_is_named_as_such(take):
    _, report, _ = take("services:\n  a: {image: 'redis:7'}\n  b: {image: 'postgres:16.3'}\n")

    assert report["services.a.image"] == ("native", "[services.redis] 7.x")
    assert report["services.b.image"][0] == "approximated"
    assert report["services.b.image"][1].endswith("16.x instead of 16.3")


def test_an_env_file_of_some_processes_is_an_approximation_because_all_get_it(take):
    other = "  worker: {build: ., command: python worker.py}\n"
    _, alone, _ = take(f"{WEB}    env_file: [a.env]\n", {"a.env": "X=1\n"})
    manifest, report, _ = take(f"{WEB}    env_file: [a.env]\n{other}", {"a.env": "X=1\n"})
    local, _, _ = take(f"{WEB}    env_file: [a.env]\n{other}", {"a.env": "X=1\n", ".env.local": "Y=1\n"})

    assert alone["services.web.env_file"] == ("native", "[env-files]")
    assert report["services.web.env_file"] == ("approximated", "[env-files], which `worker` gets as well")
    assert manifest["env-files"]["read"] == [".env", "a.env"]
    assert local["env-files"]["read"] == [".env", ".env.local", "a.env"]
