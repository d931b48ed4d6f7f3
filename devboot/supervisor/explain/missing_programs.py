"""Advises how to get a program that was not found: from a package, another language, or a build of the project."""

from __future__ import annotations

import os

from devboot.model.client_programs import CLIENTS

# Programs of Python packages, first those whose package has a different name
_PACKAGES = {
    "django-admin": "django",
    "flask": "flask",
    "huey_consumer": "huey",
    "huey_consumer.py": "huey",
    "inv": "invoke",
    "waitress-serve": "waitress",
    **{
        name: name
        for name in (
            "aerich", "alembic", "arq", "celery", "daphne", "dramatiq", "granian", "gunicorn", "honcho", "hypercorn",
            "invoke", "litestar", "pytest", "rq", "sanic", "streamlit", "taskiq", "uvicorn", "uwsgi",
        )
    },
}  # fmt: skip
_LANGUAGES = {
    "Ruby": ("ruby", "bundle", "bundler", "gem", "rails", "rake", "puma", "sidekiq", "foreman", "unicorn", "rackup"),
    "Go": ("go", "air"),
    "Java": ("java", "mvn", "gradle", "sbt", "./mvnw", "./gradlew"),
    "PHP": ("php", "composer", "heroku-php-apache2", "heroku-php-nginx"),
    ".NET": ("dotnet",),
    "Elixir": ("mix", "elixir", "iex"),
    "Rust": ("cargo", "rustc"),
}
_NODE = ("node", "npm", "npx", "corepack")
_OF_NPM = ("yarn", "pnpm", "nodemon", "vite", "webpack", "next", "tsx", "concurrently")


def origin_of(program: str, cwd: str) -> str:
    """Return one line of advice on installing the missing program `program`; "" if its package is unknown."""
    found = ""
    if program in _PACKAGES:
        found = f"add `{_PACKAGES[program]}` to the project's packages, then `devboot up -d`"
    elif package := CLIENTS.get(program):
        found = f"sudo apt-get install {package}   # Debian, Ubuntu"
    elif program in _NODE:
        found = 'write `node = "22"` under `[packages]` in devboot.toml, then `devboot up -d`'
    elif program in _OF_NPM:
        found = (
            f"`npx {program}` runs it if package.json lists it; otherwise `npm install --global {program}` installs it"
        )
    elif language := next((name for name, programs in _LANGUAGES.items() if program in programs), ""):
        found = f"it comes with {language}, which devboot does not install: install it and the project's packages"
    elif os.path.isfile(os.path.join(cwd, "go.mod")):
        found = "if this Go code builds it: run `go build -o . ./...`, and put `./` before its name"
    elif os.path.isfile(os.path.join(cwd, "main.go")):  # from before Go had modules
        found = "it is built from the Go code here first, which devboot does not do"
    return found
