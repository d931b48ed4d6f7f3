"""Front ends beside a Python API: which one is started, how, and what leads its pages to the API."""

import json
import tomllib

import pytest

from devboot.model.edge.manifest.manifest import parse_manifest
from devboot.onboarding import render
from devboot.onboarding.front_ends.backend_calls import Call, variables_of
from devboot.onboarding.front_ends.front_end import dev_servers, started_by
from devboot.onboarding.proposal_values import Evidence

FASTAPI = {"main.py": "from fastapi import FastAPI\napp = FastAPI()\n", "requirements.txt": "fastapi\nuvicorn\n"}
VITE = {"dev": "vite", "build": "vite build"}
# A script for each server, and one of the same program that serves no pages
SCRIPTS = {
    "astro": ("astro dev", "astro build"),
    "react-router": ("react-router dev", "react-router build"),
    "vite": ("vite", "vite build"),
    "next": ("next dev --turbo", "next build"),
    "react-scripts": ("react-scripts start", "react-scripts test"),
    "vue-cli": ("vue-cli-service serve", "vue-cli-service lint"),
    "angular": ("ng serve", "ng test"),
    "nuxt": ("nuxt dev", "nuxt build"),
    "gatsby": ("gatsby develop", "gatsby build"),
    "webpack": ("webpack serve --mode development", "webpack --watch"),
    "rsbuild": ("rsbuild dev", "rsbuild build"),
    "parcel": ("parcel src/index.html", "parcel build src/index.html"),
    "quasar": ("quasar dev", "quasar build"),
    "ember": ("ember serve", "ember test"),
    "expo": ("expo start --web", "expo start --android"),
}


def package(scripts, **more):
    return json.dumps({"name": "toy", "scripts": scripts, "devDependencies": {"tool": "1"}, **more})


def site(folder="frontend", scripts=VITE, lock="package-lock.json", **more):
    """A front end of a clone, by paths."""
    names = {"package.json": package(scripts, **more), "index.html": "<p>", lock: ""}
    return {f"{folder}/{name}" if folder else name: text for name, text in names.items() if name}


def manifest(proposal):
    """The manifest as it is written, which has to be one that devboot takes."""
    text = render(proposal)
    parse_manifest(text, "devboot.toml")
    return tomllib.loads(text)


@pytest.mark.parametrize("server", dev_servers(), ids=lambda server: server.name)
def test_each_development_server_is_recognised_and_its_other_commands_are_not(server):
    serves, other = SCRIPTS[server.name]

    assert started_by({"build": other, "start": serves}).server is server
    assert started_by({"dev": other}) is None


def test_pages_are_served_beside_the_api_with_their_packages(propose):
    found = manifest(propose({**FASTAPI, **site()}))

    assert found["packages"] == {"node": "22"}
    task = found["tasks"]["npm-frontend"]
    assert (task["run"], task["cwd"], task["before"]) == ("npm ci", "frontend", ["frontend"])
    assert task["inputs"] == ["frontend/package-lock.json", "frontend/package.json"]
    assert found["processes"]["frontend"] == {
        "command": "npm run dev -- --port $PORT --host 127.0.0.1 --strictPort",
        "cwd": "frontend",
        "ready": {"tcp": "localhost:${processes.frontend.port}"},
    }


@pytest.mark.parametrize("folder", ["client", "web", "ui", "Frontend", "apps/web", ""])
def test_the_folder_may_have_any_usual_name_and_be_the_root(propose, folder):
    processes = manifest(propose({**FASTAPI, **site(folder)}))["processes"]

    assert processes["frontend"].get("cwd", "") == folder


def test_of_two_front_ends_the_one_with_the_usual_name_is_started(propose):
    proposal = propose({**FASTAPI, **site("admin"), **site("frontend")})

    assert manifest(proposal)["processes"]["frontend"]["cwd"] == "frontend"
    assert [note.text for note in proposal.notes] == [
        "`admin` is not started; to start it: `cd admin && npm install && npm run dev`"
    ]


def test_the_manifest_lies_above_an_api_and_a_front_end_that_lie_side_by_side(propose):
    api = {f"backend/{name}": text for name, text in FASTAPI.items()}

    found = manifest(propose({**api, **site("frontend")}))

    assert found["processes"]["web"]["cwd"] == "backend"
    assert found["processes"]["frontend"]["cwd"] == "frontend"
    assert found.get("python", {}).get("requirements", ["backend/requirements.txt"]) == ["backend/requirements.txt"]
    assert "packages" not in found.get("python", {})


def test_a_manifest_stays_beside_its_procfile(propose):
    api = {f"backend/{name}": text for name, text in FASTAPI.items()}

    proposal = propose({**api, "backend/Procfile": "web: uvicorn main:app --port $PORT\n", **site("frontend")})

    assert (proposal.root.name, proposal.processes) == ("backend", ())
    assert next(note.text for note in proposal.notes).startswith("`frontend` is not started")


@pytest.mark.parametrize(
    ("scripts", "command", "port"),
    [
        ({"start": "react-scripts start"}, "PORT=$PORT npm start", None),
        ({"dev": "next dev"}, "npm run dev -- -p $PORT -H 127.0.0.1", None),
        ({"serve": "vue-cli-service serve"}, "npm run serve -- --port $PORT --host 127.0.0.1", None),
        ({"dev": "vite --port 3001"}, "npm run dev", 3001),
        ({"dev": 'concurrently "vite" "npm run css"'}, "npm run dev", 5173),
        ({"dev": "PORT=4000 react-scripts start"}, "npm run dev", 4000),
    ],
)
def test_each_server_gets_its_port_as_it_takes_it(propose, scripts, command, port):
    found = manifest(propose({**FASTAPI, **site(scripts=scripts)}))["processes"]["frontend"]

    assert (found["command"], found.get("port")) == (command, port)
    assert ("ready" in found) == (port is None)


def test_a_server_opens_no_browser_and_an_old_webpack_gets_its_hashes(propose):
    more = {"dependencies": {"react-scripts": "^4.0.3"}}

    found = manifest(propose({**FASTAPI, **site(scripts={"start": "react-scripts start"}, **more)}))

    environment = found["processes"]["frontend"]["env"]
    assert environment == {"HOST": "127.0.0.1", "BROWSER": "none", "NODE_OPTIONS": "--openssl-legacy-provider"}


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("vite.config.ts", "server: { proxy: { '/api': { target: 'http://127.0.0.1:8123', changeOrigin: true } } }"),
        ("vite.config.js", "server: { proxy: { '/api': 'http://localhost:8123' } }"),
        ("src/setupProxy.js", 'createProxyMiddleware({ target: "http://localhost:8123" })'),
        ("src/App.jsx", 'const API_URL = "http://localhost:8123";'),
        ("src/services/api.ts", "axios.get(`http://localhost:8123/api/items`)"),
    ],
)
def test_an_api_listens_where_pages_look_for_it_in_any_case(propose, path, text):
    found = manifest(propose({**FASTAPI, **site(), f"frontend/{path}": text}))["processes"]

    assert found["web"]["port"] == 8123
    assert "env" not in found["frontend"]


def test_a_proxy_of_package_json_counts_too(propose):
    found = manifest(
        propose({**FASTAPI, **site(scripts={"start": "react-scripts start"}, proxy="http://localhost:8123")})
    )

    assert found["processes"]["web"]["port"] == 8123


@pytest.mark.parametrize(
    ("path", "text", "name", "value"),
    [
        (
            "src/api.ts",
            "const base = import.meta.env.VITE_API_URL || 'http://localhost:8000/v1'",
            "VITE_API_URL",
            "/v1",
        ),
        ("src/api.ts", 'const base = import.meta.env.VITE_API_URL ?? "http://127.0.0.1:9999"', "VITE_API_URL", ""),
        ("src/api.ts", "fetch(`${process.env.REACT_APP_API_URL}/items`)", "REACT_APP_API_URL", ""),
        (
            "next.config.js",
            "const api = process.env.NEXT_PUBLIC_API_URL || 'http://backend:8000'",
            "NEXT_PUBLIC_API_URL",
            "",
        ),
    ],
)
def test_a_variable_with_the_address_of_the_api_leads_to_where_it_listens(propose, path, text, name, value):
    found = manifest(propose({**FASTAPI, **site(), f"frontend/{path}": text}))["processes"]

    assert found["frontend"]["env"] == {name: f"http://localhost:${{processes.web.port}}{value}"}
    assert "port" not in found["web"]


def test_a_template_says_what_a_variable_looks_like(propose):
    files = {
        "frontend/src/api.ts": "const base = import.meta.env.VITE_API_URL\nconst live = import.meta.env.VITE_WS_URL",
        "frontend/.env.example": "VITE_API_URL=http://localhost:8000/api\nVITE_TITLE=Toy\n",
    }

    found = manifest(propose({**FASTAPI, **site(), **files}))["processes"]["frontend"]

    assert found["env"] == {"VITE_API_URL": "http://localhost:${processes.web.port}/api"}


def test_a_variable_that_may_be_empty_is_left_to_the_proxy(propose):
    files = {
        "frontend/vite.config.ts": "proxy: { '/api': 'http://localhost:8000' }",
        "frontend/src/api.ts": "const base = import.meta.env.VITE_API_URL",
    }

    assert "env" not in manifest(propose({**FASTAPI, **site(), **files}))["processes"]["frontend"]


@pytest.mark.parametrize(("origin", "port"), [("http://localhost:5173", 5173), ("http://127.0.0.1:3000", 3000)])
def test_pages_have_the_port_whose_origin_the_api_admits(propose, origin, port):
    code = f"{FASTAPI['main.py']}app.add_middleware(object, allow_origins=['{origin}', 'https://toy.example.test'])\n"

    found = manifest(propose({**FASTAPI, "main.py": code, **site()}))["processes"]["frontend"]

    assert found["port"] == port
    assert "--port $PORT" in found["command"]


def test_an_origin_that_a_person_would_have_to_give_is_known(propose):
    code = "import os\nORIGIN = os.environ['FRONTEND_URL']\n" + FASTAPI["main.py"]

    found = manifest(propose({**FASTAPI, "main.py": code, **site()}))

    assert found["env"]["FRONTEND_URL"] == "http://localhost:${processes.frontend.port}"


def test_a_proxy_that_leads_to_a_container_is_a_warning(propose):
    proposal = propose({**FASTAPI, **site(), "frontend/vite.config.ts": "proxy: { '/api': 'http://api:8000' }"})

    warnings = [note.text for note in proposal.notes if note.warns]
    assert warnings == ["the front end's proxy leads to `api:8000`, a name that only containers have"]


def test_a_front_end_without_a_lock_is_said_to_take_what_is_newest(propose):
    proposal = propose({**FASTAPI, **site(lock="")})

    assert manifest(proposal)["tasks"]["npm-frontend"]["run"] == "npm install"
    assert [note.text for note in proposal.notes] == [
        "`frontend` has no lock: `npm install` installs the newest versions"
    ]


@pytest.mark.parametrize(
    ("name", "text", "more", "run"),
    [
        ("yarn.lock", "# yarn lockfile v1\n", {}, "npx --yes yarn@1 install --frozen-lockfile"),
        ("yarn.lock", "__metadata:\n  version: 8\n", {}, "npx --yes @yarnpkg/cli-dist@4 install --immutable"),
        (
            "yarn.lock",
            "__metadata:\n  version: 6\n",
            {"packageManager": "yarn@3.6.1"},
            "npx --yes @yarnpkg/cli-dist@3.6.1 install --immutable",
        ),
        ("pnpm-lock.yaml", "lockfileVersion: '9.0'\n", {}, "npx --yes pnpm@10 install --frozen-lockfile"),
        ("pnpm-lock.yaml", "lockfileVersion: '6.0'\n", {}, "npx --yes pnpm@8 install --frozen-lockfile"),
        (
            "pnpm-lock.yaml",
            "lockfileVersion: 5.4\n",
            {"packageManager": "pnpm@7.33.5+sha256.abc"},
            "npx --yes pnpm@7.33.5 install --frozen-lockfile",
        ),
    ],
)
def test_packages_are_installed_by_the_version_of_the_tool_that_wrote_the_lock(propose, name, text, more, run):
    files = {**FASTAPI, **site(lock=name, **more)}
    files[f"frontend/{name}"] = text

    assert manifest(propose(files))["tasks"]["npm-frontend"]["run"] == run


def test_a_member_of_a_workspace_is_installed_with_it(propose):
    root = {"package.json": json.dumps({"workspaces": ["frontend"]}), "package-lock.json": "{}"}

    found = manifest(propose({**FASTAPI, **root, **site(lock="")}))["tasks"]

    assert (found["npm"]["run"], found["npm"]["inputs"]) == ("npm ci", ["package-lock.json", "package.json"])


@pytest.mark.parametrize(
    "files",
    [
        {"Procfile": "web: uvicorn main:app --port $PORT\nui: cd frontend && npm run dev\n"},
        {"Procfile.dev": "web: uvicorn main:app --port $PORT\n"},
        {"frontend/index.html": None},  # assets for the templates of the API
        {"frontend/package.json": package({"dev": "tsc --watch"})},
        {"frontend/package.json": "no json"},
        {"main.py": "import streamlit\nstreamlit.title('toy')\n", "requirements.txt": "streamlit\n"},
    ],
)
def test_nothing_is_added_where_pages_are_served_otherwise(propose, files):
    given = {**FASTAPI, **site(), **files}

    proposal = propose({path: text for path, text in given.items() if text is not None})

    assert "frontend" not in [process.name for process in proposal.processes]


def test_a_line_of_the_procfile_is_the_api_of_the_pages(propose):
    files = {
        "Procfile": "web: uvicorn main:app --port $PORT\n",
        "frontend/src/api.js": "fetch('http://localhost:8123/a')",
    }

    found = manifest(propose({**FASTAPI, **site(), **files}))["processes"]

    assert found["web"] == {"port": 8123}
    assert found["frontend"]["cwd"] == "frontend"


def test_of_two_calls_of_a_variable_the_one_with_a_port_counts():
    without = Call("VITE_API_URL", "http", "localhost", 0, "", Evidence("src/a.ts", 1))
    first, second = without._replace(port=8000), without._replace(port=9000)

    for calls in ([without, first, second], [first, without, second], [first, second, without]):
        assert {"VITE_API_URL": first} == variables_of(calls)
    assert {"VITE_API_URL": without} == variables_of([without, without._replace(variable="")])


@pytest.mark.parametrize(
    ("library", "is_served"), [("@sveltejs/kit", True), ("vike", True), ("@remix-run/dev", True), ("lodash", False)]
)
def test_vite_serves_no_pages_without_an_index_or_a_framework_that_makes_them(propose, library, is_served):
    files = site(devDependencies={"vite": "5", library: "1"})
    del files["frontend/index.html"]

    proposal = propose({**FASTAPI, **files})

    assert is_served == ("frontend" in [process.name for process in proposal.processes])
