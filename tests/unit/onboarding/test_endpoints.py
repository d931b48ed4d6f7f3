"""MongoDB, Meilisearch and MinIO: proposed where the code connects to them, left out where they can't be had."""

import pytest

from devboot.onboarding import detect, render, without_channels

FLASK = "import os\nfrom flask import Flask\napp = Flask(__name__)\n"
MONGO = FLASK + "from pymongo import MongoClient\n"


def propose(tmp_path, code, packages, **files):
    for name, text in {"app.py": code, "requirements.txt": f"flask\n{packages}\n", **files}.items():
        (tmp_path / name.replace("__", ".")).write_text(text)
    return detect(tmp_path, environ={})


def values(proposal):
    return {item.name: item.value for item in proposal.env if item.value and "services." in item.value}


def services(proposal):
    return [(service.recipe, service.port) for service in proposal.services]


@pytest.mark.parametrize(
    ("read", "told"),
    [
        ('os.environ["MONGO_URL"]', {"MONGO_URL": "${services.mongodb.url}"}),
        (
            'os.environ.get("MONGODB_URI", "mongodb://mongo:27017/shop?retryWrites=true")',
            {"MONGODB_URI": "${services.mongodb.url}/shop?retryWrites=true&authSource=admin"},
        ),
        (
            'os.environ.get("MONGO_URI", "mongodb://root:pw@localhost:27017/shop?authSource=shop&w=1")',
            {"MONGO_URI": "${services.mongodb.url}/shop?w=1&authSource=admin"},
        ),
        (
            'os.getenv("APP_MONGO_HOST", "mongo"), int(os.getenv("APP_MONGO_PORT", "27017"))',
            {"APP_MONGO_HOST": "${services.mongodb.host}", "APP_MONGO_PORT": "${services.mongodb.port}"},
        ),
    ],
)
def test_the_variables_that_the_code_reads_lead_to_mongodb(read, told, tmp_path):
    proposal = propose(tmp_path, f"{MONGO}client = MongoClient({read})\n", "pymongo")

    assert [("mongodb", None)] == services(proposal)
    assert told == values(proposal)


LOGIN = "username=os.getenv('MONGO_USER'), password=os.environ['MONGO_PASSWORD']"


@pytest.mark.parametrize(
    ("arguments", "is_open"),
    [
        ("os.environ['MONGO_URL']", False),
        ("os.getenv('MONGO_URL', 'mongodb://localhost:27017/shop')", False),
        ("os.getenv('MONGO_URL', 'mongodb://localhost:27017').rstrip('/')", False),
        ("os.getenv('MONGO_URL', 'mongodb://localhost:27017') + '/shop?authSource=admin'", False),
        ("os.getenv('MONGO_HOST', 'localhost'), 27017, " + LOGIN, False),
        ("f\"mongodb://{os.environ['MONGO_USER']}:{os.environ['MONGO_PASSWORD']}@{os.environ['MONGO_HOST']}\"", False),
        ("os.getenv('MONGO_URL', 'mongodb://localhost:27017') + '/shop'", True),  # its user is in another database
        ("f\"{os.environ['MONGO_URL']}/shop\"", True),
        ("os.getenv('MONGO_HOST', 'localhost'), int(os.getenv('MONGO_PORT', '27017'))", True),
        ("'localhost', 27017", True),
        ("'mongodb://localhost:27017/shop'", True),
        ("", True),
    ],
)
def test_mongodb_is_open_where_the_code_has_no_way_to_a_password(arguments, is_open, tmp_path):
    proposal = propose(tmp_path, f"{MONGO}client = MongoClient({arguments})\n", "pymongo")

    assert [("mongodb", is_open)] == [(each.recipe, each.is_open) for each in proposal.services]
    assert is_open == any(note.warns and "every user of this machine" in note.text for note in proposal.notes)
    assert is_open == ('access = "open"' in render(proposal))


def test_variables_for_a_login_lead_to_the_user_and_are_empty_without_the_server(tmp_path):
    proposal = propose(tmp_path, f"{MONGO}client = MongoClient(os.getenv('MONGO_HOST', 'db'), {LOGIN})\n", "pymongo")
    usual = without_channels(proposal)

    assert {
        "MONGO_HOST": "${services.mongodb.host}",
        "MONGO_USER": "${services.mongodb.user}",
        "MONGO_PASSWORD": "${services.mongodb.password}",
    } == values(proposal)
    assert [("MONGO_HOST", "localhost"), ("MONGO_PASSWORD", ""), ("MONGO_USER", "")] == sorted(
        (item.name, item.value) for item in usual.env if item.name.startswith("MONGO")
    )


def test_an_address_without_a_variable_fixes_the_port(tmp_path):
    code = MONGO + "client = MongoClient('mongodb://localhost:27018')\n"

    assert [("mongodb", 27018)] == services(propose(tmp_path, code, "pymongo"))


@pytest.mark.parametrize(
    ("code", "packages"),
    [
        (MONGO + "client = MongoClient('mongodb+srv://me@cluster.example.test/shop')\n", "pymongo"),
        (MONGO + "client = MongoClient(os.getenv('MONGO_URL', 'mongodb://db.example.test:27017'))\n", "pymongo"),
        (FLASK + "address = os.getenv('MONGO_URL', 'mongodb://localhost')\n", ""),
        (FLASK, "pymongo"),
    ],
)
def test_what_is_elsewhere_or_has_no_library_or_no_address_is_no_ground(code, packages, tmp_path):
    assert [] == services(propose(tmp_path, code, packages))


def test_the_others_are_told_in_the_form_that_is_there(tmp_path):
    code = FLASK + (
        'MEILI = os.environ.get("MEILISEARCH_HOST", "http://search:7700")\n'
        'STORE = os.environ["MINIO_ENDPOINT"]\nOTHER = os.environ.get("MINIO_URL", "http://minio:9000")\n'
    )
    proposal = propose(tmp_path, code, "meilisearch\nminio")

    assert [("meilisearch", None), ("minio", None)] == services(proposal)
    assert {
        "MEILISEARCH_HOST": "${services.meilisearch.url}",
        "MINIO_ENDPOINT": "${services.minio.host}:${services.minio.port}",
        "MINIO_URL": "${services.minio.url}",
    } == values(proposal)


def test_without_the_channel_they_are_left_out_with_the_way_to_them_and_the_code_hears_usual_addresses(tmp_path):
    code = f'{MONGO}client = MongoClient(os.environ.get("MONGO_URI", "mongodb://mongo/shop"))\n'
    proposal = without_channels(propose(tmp_path, code, "pymongo"))

    assert () == proposal.services
    assert ["mongodb://localhost:27017/shop"] == [item.value for item in proposal.env if item.name == "MONGO_URI"]
    (note,) = (note for note in proposal.notes if note.warns)
    assert (
        "mongodb: the code connects to it, and only conda-forge has it: devboot[conda] installs it, "
        'or `source = "host"` in [services.mongodb] takes the one on PATH'
    ) == note.text
    assert ("app.py", 5) == (note.evidence.path, note.evidence.line)


def test_a_proposal_without_them_stays_as_it_is(tmp_path):
    proposal = propose(tmp_path, FLASK, "")

    assert proposal == without_channels(proposal)


def test_a_container_that_nothing_uses_is_named_with_its_recipe(tmp_path):
    proposal = propose(tmp_path, FLASK, "", compose__yml="services:\n  mongo:\n    image: mongo:7\n")

    assert ["mongo: compose runs it as `mongo`; `[services.mongodb]` would run it"] == [
        note.text for note in proposal.notes if note.text.startswith("mongo")
    ]


@pytest.mark.parametrize(
    ("example", "told"),
    [
        (
            "DATABASE_URL=mongodb://localhost:27017/shop\n",
            {"DATABASE_URL": "${services.mongodb.url}/shop?authSource=admin"},
        ),
        ("DATABASE_URL=mongodb+srv://shop.example.net/shop\n", {}),
        ("DATABASE_URL=postgresql://localhost/shop\n", {}),
    ],
)
def test_an_address_of_its_kind_counts_under_any_name(tmp_path, example, told):
    code = (
        "from motor.motor_asyncio import AsyncIOMotorClient\nfrom flask import Flask\nfrom settings import Settings\n"
        "app = Flask(__name__)\n\nasync def connect():\n    return AsyncIOMotorClient(Settings().DATABASE_URL)\n"
    )
    settings = "from pydantic_settings import BaseSettings\n\nclass Settings(BaseSettings):\n"
    settings += "    DATABASE_URL: str | None = None\n"
    files = {"settings__py": settings, ".env__example": example}
    assert values(propose(tmp_path, code, "motor", **files)) == told


def test_a_port_beside_a_host_out_of_a_variable_is_that_of_the_server(propose):
    code = "import os\nfrom flask import Flask\nfrom pymongo import MongoClient\napp = Flask(__name__)\n"
    code += "store = MongoClient(os.getenv('STORE', 'mongo'), 27018)\n"
    (service,) = propose({"app.py": code, "requirements.txt": "flask\npymongo\n"}).services
    assert ("mongodb", 27018) == (service.recipe, service.port)
