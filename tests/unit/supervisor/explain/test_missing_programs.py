"""Advice for programs that are not there."""

import pytest

from devboot.supervisor.explain.missing_programs import origin_of

LANGUAGES = {
    "Ruby": "ruby bundle bundler gem rails rake puma sidekiq foreman unicorn rackup",
    "Go": "go air",
    "Java": "java mvn gradle sbt ./mvnw ./gradlew",
    "PHP": "php composer heroku-php-apache2 heroku-php-nginx",
    ".NET": "dotnet",
    "Elixir": "mix elixir iex",
    "Rust": "cargo rustc",
}
PACKAGES = (
    "aerich alembic arq celery daphne dramatiq flask granian gunicorn honcho hypercorn invoke litestar pytest rq "
    "sanic streamlit taskiq uvicorn uwsgi"
)
OTHER_NAMES = {
    "django-admin": "django",
    "huey_consumer": "huey",
    "huey_consumer.py": "huey",
    "inv": "invoke",
    "waitress-serve": "waitress",
}


@pytest.mark.parametrize(
    ("program", "said"),
    [
        *((program, f"it comes with {name}, which ") for name, all_ in LANGUAGES.items() for program in all_.split()),
        *((name, f"add `{name}` to the project's packages, ") for name in PACKAGES.split()),
        *((name, f"add `{package}` to the project's packages, ") for name, package in OTHER_NAMES.items()),
        ("pg_dump", "sudo apt-get install postgresql-client "),
        ("mysqldump", "sudo apt-get install default-mysql-client "),
        ("redis-cli", "sudo apt-get install redis-tools "),
        *((name, 'write `node = "22"` under `[packages]`') for name in ("node", "npm", "npx", "corepack")),
        *(
            (name, f"`npx {name}` runs it if package.json lists it; otherwise `npm install --global {name}`")
            for name in ("yarn", "pnpm", "nodemon", "vite", "webpack", "next", "tsx", "concurrently")
        ),
    ],
)
def test_a_program_is_named_with_what_brings_it(tmp_path, program, said):
    assert origin_of(program, str(tmp_path)).startswith(said)


def test_a_program_that_nobody_knows_may_be_built_by_the_projects_own_go_code(tmp_path):
    assert "" == origin_of("shopd", str(tmp_path)) == origin_of("mongosh", str(tmp_path))
    (tmp_path / "main.go").touch()
    assert origin_of("shopd", str(tmp_path)).startswith("it is built from the Go code here first")
    (tmp_path / "go.mod").touch()
    assert "`go build -o . ./...`" in origin_of("shopd", str(tmp_path))
