"""What runs on Node."""

import json
import tomllib
from pathlib import Path

import pytest

from devboot.onboarding import render
from devboot.onboarding.reading.node import MAJORS

SITE = {"app.py": "from flask import Flask\napp = Flask(__name__)\n", "requirements.txt": "flask\n"}


def package(**more):
    return json.dumps({"name": "toy", "dependencies": {"express": "4"}, **more})


def tasks(proposal):
    return [(task.name, task.run, task.cwd, task.inputs, task.before) for task in proposal.tasks]


def test_the_packages_of_processes_that_run_on_node_are_installed(propose):
    proposal = propose(
        {
            **SITE,
            "Procfile.dev": "web: flask run\ncss: npm run watch\n",
            "package.json": package(),
            "package-lock.json": "",
        }
    )
    inputs = ("package-lock.json", "package.json")
    assert tasks(proposal) == [("npm", "npm ci", ".", inputs, ("css",))]
    assert tomllib.loads(render(proposal))["packages"] == {"node": "22"}


@pytest.mark.parametrize(
    ("command", "lock", "name", "run"),
    [
        ("cd ui && yarn dev", "yarn.lock", "npm-ui", "npx --yes yarn@1 install --frozen-lockfile"),
        ("npm --prefix ui run dev", "package-lock.json", "npm-ui", "npm ci"),
        ("pnpm -C ui dev", "pnpm-lock.yaml", "npm-ui", "npx --yes pnpm@10 install --frozen-lockfile"),
        ("cd ui; node server.js", "", "npm-ui", "npm install"),
    ],
)
def test_the_folder_and_the_lock_say_how(propose, command, lock, name, run):
    files = {**SITE, "Procfile": f"web: flask run\nui: {command}\n", "ui/package.json": package()}
    found = tasks(propose({**files, **({f"ui/{lock}": ""} if lock else {})}))
    assert [each[:3] for each in found] == [(name, run, "ui")]


@pytest.mark.parametrize(
    ("procfile", "packages"),
    [
        ("web: flask run\n", package()),  # nothing runs on it
        ("web: npm start\n", json.dumps({"scripts": {"start": "node x.js"}})),  # nothing to install
        ("web: npm start\n", "no json"),
        ("web: python next_page.py\n", package()),
    ],
)
def test_what_needs_no_packages_has_no_task(propose, procfile, packages):
    assert propose({**SITE, "Procfile": procfile, "package.json": packages}).tasks == ()


@pytest.mark.parametrize(
    ("files", "version"),
    [
        ({"package.json": package(engines={"node": ">=18"})}, "22"),
        ({"package.json": package(engines={"node": "20.x"})}, "20"),
        ({"package.json": package(engines={"node": ">=24.11"})}, "24"),
        ({"package.json": package(engines={"node": ">=18 <21"})}, "20"),
        ({"package.json": package(engines={"node": "12.x"})}, "20"),
        ({"package.json": package(engines={"node": "^20.9.0 || >=21.1.0"})}, "22"),
        ({"package.json": package(engines={"node": "*"})}, "22"),
        ({"package.json": package(), ".nvmrc": "v24.1.0\n"}, "24"),
        ({"package.json": package(), ".nvmrc": "lts/*\n"}, "22"),
    ],
)
def test_the_version_is_what_the_clone_says_as_far_as_there_is_one(propose, files, version):
    proposal = propose({"Procfile": "web: node server.js\n", **files})
    assert [(each.name, each.version) for each in proposal.packages] == [("node", version)]


def test_the_versions_are_those_of_the_recipe():
    recipe = Path(__file__).parents[3] / "recipes" / "node" / "versions.toml"
    majors = {int(row["version"].split(".")[0]) for row in tomllib.loads(recipe.read_text())["version"]}
    assert majors == set(MAJORS)


@pytest.mark.parametrize(
    ("scripts", "command"),
    [
        ({"start": "node server.js"}, "npm start"),
        ({"start": "node server.js", "dev": "nodemon server.js"}, "npm run dev"),
        ({"dev": "vite --host"}, "npm run dev -- --port $PORT"),
        ({"test": "jest"}, None),
    ],
)
def test_a_clone_with_nothing_but_a_package_json_runs_its_script(propose, scripts, command):
    proposal = propose({"package.json": package(scripts=scripts)})
    assert [process.command for process in proposal.processes] == ([command] if command else [])


def test_a_python_project_with_a_package_json_for_tools_does_not(propose):
    files = {"tool.py": "", "requirements.txt": "requests\n", "package.json": package(scripts={"dev": "vite"})}
    assert propose(files).processes == ()


@pytest.mark.parametrize(
    ("more", "texts"),
    [
        ({}, ["`web-ui` is not started; to start it: `cd web-ui && npm install && npm run serve`"]),
        ({"Procfile.dev": "web: flask run\nui: cd web-ui && npm run serve\n"}, []),
    ],
)
def test_a_front_end_that_nothing_starts_is_named(propose, more, texts):
    files = {**SITE, "web-ui/package.json": package(scripts={"build": "x", "serve": "y"}), **more}
    assert [note.text for note in propose(files).notes] == texts


@pytest.mark.parametrize(
    ("package", "more", "notes"),
    [
        (
            '{"scripts": {"lint": "x",\n"build:css": "sass"}, "devDependencies": {"sass": "1"}}',
            {},
            ["styles and scripts may have to be built: `npm install && npm run build:css`"],
        ),
        ('{"scripts": {"lint": "x"}, "devDependencies": {"sass": "1"}}', {}, []),
        ('{"scripts": {"build": "x"}}', {}, []),
        (
            '{"scripts": {"build": "x"}, "devDependencies": {"sass": "1"}}',
            {"Procfile": "web: flask run\ncss: npm run watch\n"},
            [],
        ),
    ],
)
def test_what_pages_load_is_said_to_want_a_build(propose, package, more, notes):
    app = {"app.py": "from flask import Flask\napp = Flask(__name__)\n", "requirements.txt": "flask\n"}
    found = propose({**app, "package.json": package, **more}).notes
    assert [note.text for note in found] == notes


def lock(**packages):
    return json.dumps({"lockfileVersion": 3, "packages": packages})


WANTS = {"dependencies": {"b": "1"}}


@pytest.mark.parametrize(
    ("packages", "run"),
    [
        ({"": WANTS, "node_modules/b": {}}, "npm ci"),
        ({"": WANTS}, "npm install --no-save"),
        ({"": {"devDependencies": {"b": "1"}}}, "npm install --no-save"),
        ({"": {}, "node_modules/a": {"optionalDependencies": {"b": "1"}}}, "npm install --no-save"),
        ({"": {}, "node_modules/a": WANTS, "node_modules/a/node_modules/b": {}}, "npm ci"),
        ({"": {}, "ui": WANTS, "node_modules/ui": {"link": True}, "node_modules/b": {}}, "npm ci"),
        ({"": {}, "node_modules/@x/a": {**WANTS, "bundleDependencies": ["b"]}}, "npm ci"),
        ({"": {}, "node_modules/a": {"devDependencies": {"b": "1"}}}, "npm ci"),
        ({"": {}, "node_modules/a": {"peerDependencies": {"b": "1"}}}, "npm install --no-save"),
        ({"": {}, "node_modules/a": {"peerDependencies": {"b": "1"}, "peerDependenciesMeta": {"b": {"optional": True}}}}, "npm ci"),  # noqa: E501
    ],
)  # fmt: skip
def test_a_lock_of_npm_that_lacks_something_is_completed_and_left_as_it_is(propose, packages, run):
    asked = json.dumps({"scripts": {"start": "x"}, "optionalDependencies": {"own": "1"}, **packages[""]})
    locked = lock(**packages, **{"node_modules/own": {}})
    files = {**SITE, "Procfile": "web: npm start\n", "package.json": asked, "package-lock.json": locked}
    assert [each[1] for each in tasks(propose(files))] == [run]


def test_a_clone_of_node_gets_the_values_of_its_template_that_its_code_reads(propose):
    files = {
        "Procfile": "web: node server/index.js\n",
        "package.json": package(),
        ".env.example": "PORT=3000\nJWT_SECRET=change-me\nUPLOADS=files\nSTRIPE_KEY=<yours>\nOLD=1\nDB_HOST=db\n",
        "docker-compose.yml": "services:\n  db:\n    image: mysql\n",
        "server/index.js": "const need = require('./need')\nneed('JWT_SECRET')\nprocess.env.UPLOADS\n",
        "server/need.js": "process.env.PORT || process.env.STRIPE_KEY\nprocess.env.DB_HOST\n",
        "tests/old.js": "process.env.OLD\n",
    }
    found = {each.name: each.value or each.generate for each in propose(files).env}
    assert found == {"JWT_SECRET": "token", "UPLOADS": "files", "DB_HOST": "127.0.0.1"}


def test_what_node_reads_beside_an_application_in_python_is_left_to_that(propose):
    files = {**SITE, "package.json": package(), ".env.example": "UPLOADS=files\n", "ui/x.js": "process.env.UPLOADS\n"}
    assert "UPLOADS" not in {each.name for each in propose(files).env}


@pytest.mark.parametrize(("locked", "run"), [("left-pad", "npm ci"), ("right-pad", "npm install --no-save")])
def test_a_lock_that_lacks_what_the_package_asks_for_is_completed(propose, locked, run):
    asked = json.dumps({"scripts": {"watch": "x"}, "dependencies": {"left-pad": "^1"}})
    made = lock(**{"": {"dependencies": {locked: "^1"}}, f"node_modules/{locked}": {}})
    files = {"Procfile.dev": "web: flask run\ncss: npm run watch\n", "package.json": asked, "package-lock.json": made}

    assert [each[1] for each in tasks(propose({**SITE, **files}))] == [run]


@pytest.mark.parametrize(
    ("lock", "text", "option"),
    [
        ("yarn.lock", '# yarn lockfile v1\n\n{}@^1:\n  version "1.0"\n', ("--frozen-lockfile", "--pure-lockfile")),
        (
            "pnpm-lock.yaml",
            "lockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies:\n      {}:\n        specifier: ^1\n",
            ("--frozen-lockfile", "--no-lockfile"),
        ),
    ],
)
@pytest.mark.parametrize("locked", ["left-pad", "@x/pad"])
def test_a_lock_of_yarn_or_pnpm_that_lacks_something_is_left_aside(propose, lock, text, option, locked):
    asked = json.dumps({"scripts": {"watch": "x"}, "dependencies": {"left-pad": "^1"}})
    files = {"Procfile.dev": "web: flask run\ncss: npm run watch\n", "package.json": asked, lock: text.format(locked)}

    (task,) = tasks(propose({**SITE, **files}))
    assert task[1].endswith(f"install {option[locked != 'left-pad']}")


@pytest.mark.parametrize(
    ("main", "code", "commands"),
    [
        ("app.js", "const app = require('express')()\napp.listen(process.env.PORT)\n", ["node app.js"]),
        ("index.js", "module.exports = () => 1\n", []),
        ("gone.js", "", []),
    ],
)
def test_a_package_without_a_script_that_starts_it_is_run_by_its_main_module(propose, main, code, commands):
    files = {"package.json": package(main=main), **({main: code} if code else {})}
    assert [each.command for each in propose(files).processes] == commands


@pytest.mark.parametrize(
    ("place", "more", "run"),
    [
        ("https://mirror.example.test/left-pad", {}, "npm ci --replace-registry-host=always || npm ci"),
        ("https://mirror.example.test/@x/pad", {}, "npm ci --replace-registry-host=always || npm ci"),
        ("https://mirror.example.test/left-pad", {".npmrc": "registry=https://mirror.example.test\n"}, "npm ci"),
        ("https://registry.npmjs.example.test/left-pad", {}, "npm ci"),
        ("https://git.example.test/left-pad.git", {}, "npm ci"),
    ],
)
def test_a_lock_that_names_a_mirror_is_installed_from_the_users_own_registry_first(propose, place, more, run):
    asked = {"scripts": {"start": "x"}, "dependencies": {"left-pad": "1"}}
    file = place if place.endswith(".git") else f"{place}/-/left-pad-1.0.0.tgz"
    locked = lock(**{"": asked, "node_modules/left-pad": {"resolved": file}})
    files = {
        **SITE,
        **more,
        "Procfile": "web: npm start\n",
        "package.json": json.dumps(asked),
        "package-lock.json": locked,
    }

    assert [each[1] for each in tasks(propose(files))] == [run]
