"""The table of servers and client libraries: what it says holds together, and one path reads it for all of them."""

from urllib.parse import urlsplit

import pytest

from devboot.model.distributions import distributions
from devboot.model.edge.manifest.manifest import parse_manifest
from devboot.onboarding import render
from devboot.onboarding.libraries import known_servers, part_of
from devboot.onboarding.reading.python import name_of
from devboot.recipes import RecipeFolders, bundled_folder

KINDS = known_servers()
WITH_PORT = [name for name, kind in KINDS.items() if kind.port]


@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if kind.recipe])
def test_a_recipe_of_the_table_is_a_service_of_devboot(name):
    assert RecipeFolders([bundled_folder()]).get(KINDS[name].recipe).recipe.service is not None


def test_a_client_library_talks_to_one_kind_of_server():
    several = {"faststream"}  # a framework over brokers of all kinds
    clients = [client for kind in KINDS.values() for client in kind.clients if client not in several]

    assert len(clients) == len(set(clients))


# Clients that no clone without a list of packages gets, because code that imports them doesn't show that it needs them
OTHERWISE = {
    "asyncio-nats-client": "its module is that of nats-py, which took its place",
    "emails": "many clones call a package of their own so",
    "faust": "its module is that of faust-streaming, which took its place",
    "flask-mysql": "its module is in the namespace `flaskext`",
    "kafka-python-ng": "its module is that of kafka-python",
    "mariadb": "it has to be compiled",
    "mysql-connector": "its module is that of mysql-connector-python, which took its place",
    "psycopg-binary": "its module is that of psycopg",
    "psycopg2": "its module is that of psycopg2-binary, which needs no compiler",
}


def test_each_client_library_is_a_package_that_an_import_of_it_proposes():
    known = {name_of(each) for each in distributions().values()}
    clients = {client for kind in KINDS.values() for client in kind.clients}

    assert set(OTHERWISE) == clients - known


@pytest.mark.parametrize("name", [name for name in WITH_PORT if KINDS[name].url])
def test_a_usual_address_has_the_usual_port_and_begins_as_its_kind_does(name):
    kind = KINDS[name]
    parts = urlsplit(kind.url if "://" in kind.url else f"//{kind.url}")

    assert (parts.hostname, parts.port) == ("localhost", kind.port)
    assert parts.scheme in ("", "http") or kind.schemes.match(kind.url)


@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if kind.hosts])
def test_a_container_is_known_under_the_first_of_its_usual_names(name, propose):
    host = min(KINDS[name].hosts, key=lambda host: host != name)
    proposal = propose(
        {
            "app.py": "from flask import Flask\napp = Flask(__name__)\n",
            "requirements.txt": "flask\n",
            "compose.yml": f"services:\n  {host}:\n    image: {host}\n",
        }
    )

    (note,) = [note.text for note in proposal.notes if "compose runs it" in note.text] or [""]
    assert note.startswith(name) or host in ("cache", "db", "database") or name == "redis"


FLASK = "import os\nfrom flask import Flask\napp = Flask(__name__)\n"
# The kind of server; a package; what the code imports; calls with and without a variable for the host
CALLS = [
    ("mysql", "pymysql", "import pymysql", "pymysql.connect(host={host}, user='root', password='a', database='b')"),
    ("mysql", "mysql-connector-python", "import mysql.connector as c", "c.connect(**{{'host': {host}}})"),
    ("mysql", "aiomysql", "import aiomysql", "aiomysql.create_pool(host={host}, user='root', password='', db='b')"),
    ("mysql", "mysqlclient", "import MySQLdb", "MySQLdb.connect({host}, 'root', 'secret', 'b')"),
    ("postgres", "psycopg2-binary", "import psycopg2", "psycopg2.connect(host={host}, dbname='a', port='5433')"),
    ("postgres", "asyncpg", "import asyncpg", "asyncpg.connect(host={host}, port=5433, user='a', database='b')"),
    ("postgres", "psycopg", "import psycopg", "psycopg.connect(host={host}, port=5433, dbname='b')"),
    ("mongo", "pymongo", "from pymongo import MongoClient", "MongoClient({host}, 27017)"),
    ("mongo", "motor", "import motor.motor_asyncio as m", "m.AsyncIOMotorClient(host={host}, port=27017)"),
    ("redis", "redis", "import redis", "redis.Redis(host={host})"),
    ("rabbitmq", "pika", "import pika", "pika.ConnectionParameters({host})"),
    ("mqtt", "aiomqtt", "import aiomqtt", "aiomqtt.Client({host}, 1883)"),
    ("memcached", "aiomcache", "import aiomcache", "aiomcache.Client({host}, 11211)"),
]  # fmt: skip


def proposed(propose, package, imported, call, host, *, in_function):
    line = call.format(host=host)
    body = f"def connect():\n    return {line}\n" if in_function else f"client = {line}\n"
    return propose({"app.py": f"{FLASK}{imported}\n{body}", "requirements.txt": f"flask\n{package}\n"})


@pytest.mark.parametrize("in_function", [False, True])
@pytest.mark.parametrize(("name", "package", "imported", "call"), CALLS)
def test_a_call_of_a_driver_with_a_literal_host_fixes_the_port(name, package, imported, call, in_function, propose):
    proposal = proposed(propose, package, imported, call, "'localhost'", in_function=in_function)

    port = 5433 if name == "postgres" else KINDS[name].port
    assert [(each.recipe, each.port) for each in proposal.services] == [(KINDS[name].recipe, port)]


@pytest.mark.parametrize("read", ["os.environ['DBHOST']", "os.getenv('DBHOST', 'localhost')"])
@pytest.mark.parametrize("in_function", [False, True])
@pytest.mark.parametrize(("name", "package", "imported", "call"), CALLS)
def test_a_variable_that_a_call_of_a_driver_takes_its_host_from_is_set(
    name, package, imported, call, in_function, read, propose
):
    proposal = proposed(propose, package, imported, call, read, in_function=in_function)

    assert [each.recipe for each in proposal.services] == [KINDS[name].recipe]
    owner = "databases.default" if name in ("mysql", "postgres") else f"services.{KINDS[name].recipe}"
    assert {each.name: each.value for each in proposal.env}["DBHOST"] == f"${{{owner}.host}}"


@pytest.mark.parametrize(
    ("package", "imported", "call", "told"),
    [
        ("asyncpg", "import asyncpg", "asyncpg.create_pool(os.environ['STORE'])", "${databases.default.url}"),
        ("psycopg", "import psycopg", "psycopg.connect(os.getenv('STORE'))", "${databases.default.url}"),
        ("nats-py", "import nats", "nats.connect(os.environ['STORE'])", "${services.nats.url}"),
        ("pika", "import pika", "pika.URLParameters(os.environ['STORE'])", "${services.rabbitmq.url}"),
        (
            "boto3",
            "import boto3",
            "boto3.client('s3', endpoint_url=os.getenv('S3_ENDPOINT', 'http://minio:9000'))",
            "${services.s3.url}",
        ),
    ],
)
@pytest.mark.parametrize("in_function", [False, True])
def test_a_variable_with_an_address_in_one_piece_is_set(package, imported, call, told, in_function, propose):
    proposal = proposed(propose, package, imported, call, "", in_function=in_function)

    variable = "S3_ENDPOINT" if package == "boto3" else "STORE"
    assert {each.name: each.value for each in proposal.env if each.name != "PORT"} == {variable: told}


def test_database_user_and_password_of_a_call_become_those_of_the_service(propose):
    call = "psycopg2.connect('host=localhost dbname=shop user=ada password=secret')"
    proposal = proposed(propose, "psycopg2-binary", "import psycopg2", call, "", in_function=True)

    (database,) = proposal.databases
    assert (database.database, database.user, database.password) == ("shop", "ada", "secret")


@pytest.mark.parametrize(
    ("package", "code", "env"),
    [
        ("kafka-python", "from kafka import KafkaProducer\nKafkaProducer(bootstrap_servers='localhost:9092')\n", {}),
        (
            "confluent-kafka",
            "import confluent_kafka as c\nc.Producer({'bootstrap.servers': os.getenv('STREAM', 'broker:9092')})\n",
            {"STREAM": "localhost:9092"},
        ),
        (
            "aiokafka",
            "from aiokafka import AIOKafkaConsumer\nAIOKafkaConsumer('a', bootstrap_servers=os.environ['STREAM'])\n",
            {"STREAM": "localhost:9092"},
        ),
        (
            "kafka-python",
            "from kafka import KafkaConsumer\ndef get():\n    KafkaConsumer('a', bootstrap_servers='localhost:9092')\n",
            {},
        ),
        ("aiokafka", "BROKER = os.environ['KAFKA_BROKER']\n", {"KAFKA_BROKER": "localhost:9092"}),
        ("elasticsearch", "HOST = os.environ.get('ELASTICSEARCH_URL', 'http://localhost:9200')\n", {}),
        (
            "opensearch-py",
            "HOST = os.environ.get('OPENSEARCH_URL', 'http://opensearch:9200')\n",
            {"OPENSEARCH_URL": "http://localhost:9200"},
        ),
    ],
)
def test_a_server_that_no_recipe_runs_is_named(package, code, env, propose):
    proposal = propose({"app.py": FLASK + code, "requirements.txt": f"flask\n{package}\n"})

    assert proposal.services == ()
    assert {each.name: each.value for each in proposal.env if each.name != "PORT"} == env
    (note,) = (note for note in proposal.notes if note.warns)
    assert "which no recipe runs: start one yourself" in note.text


@pytest.mark.parametrize(
    ("package", "code"),
    [
        ("pymysql", "import pymysql\npymysql.connect(host='db.example.test', user='ada')\n"),
        ("pymongo", "from pymongo import MongoClient\nMongoClient('db.example.test', 27017)\n"),
        ("boto3", "BUCKET = os.environ.get('AWS_S3_ENDPOINT_URL')\n"),
        (
            "",
            "try:\n    from pymongo import MongoClient\n    MongoClient('localhost', 27017)\nexcept ImportError: ...\n",
        ),
    ],
)
def test_what_is_elsewhere_or_optional_or_has_no_library_is_no_ground(package, code, propose):
    assert propose({"app.py": FLASK + code, "requirements.txt": f"flask\n{package}\n"}).services == ()


# The kind of server; a package; code that names a container; the port that becomes fixed; variables
NAMED_CONTAINERS = [
    ("redis", "redis", "import redis\nclient = redis.Redis(host='redis')\n", 6379, {}),
    ("redis", "redis", "import redis\nclient = redis.from_url('redis://redis:6380/1')\n", 6380, {}),
    (
        "db",
        "psycopg2-binary",
        "import psycopg2\nHOST = 'db'\npsycopg2.connect(host=HOST, dbname='a', user='b', password='c')\n",
        None,  # libpq asks PGPORT
        {"PGHOSTADDR": "127.0.0.1"},
    ),
    (
        "db",
        "psycopg2-binary",
        "from sqlalchemy import create_engine\ncreate_engine('postgresql://b:c@db:5432/a')\n",
        5432,
        {"PGHOSTADDR": "127.0.0.1"},
    ),
    (
        "pg",
        "asyncpg",
        "import asyncpg\nasyncpg.connect('postgres://b:c@pg:5432/a')\n",
        5432,
        {},
    ),
    ("mysql", "pymysql", "import pymysql\npymysql.connect(host='mysql', user='root', password='c')\n", 3306, {}),
    ("mongo", "pymongo", "from pymongo import MongoClient\nMongoClient('mongodb://mongo:27017')\n", 27017, {}),
    ("rabbitmq", "pika", "import pika\npika.ConnectionParameters('rabbitmq')\n", 5672, {}),
    ("store", "redis", "import redis\nclient = redis.Redis(host='store')\n", 6379, {}),
    ("host.docker.internal", "redis", "import redis\nredis.Redis(host='host.docker.internal')\n", 6379, {}),
]


@pytest.mark.parametrize(("host", "package", "code", "port", "env"), NAMED_CONTAINERS)
def test_a_containers_name_in_the_code_is_this_machine(host, package, code, port, env, propose):
    composed = "services:\n  store:\n    image: redis:7\n"
    proposal = propose({"app.py": FLASK + code, "requirements.txt": f"flask\n{package}\n", "compose.yml": composed})

    assert proposal.python.hosts == (host,)
    assert [each.port for each in proposal.services] == [port]
    assert {each.name: each.value for each in proposal.env if each.name != "PORT"} == env


@pytest.mark.parametrize(
    ("package", "code"),
    [
        ("mysqlclient", "import MySQLdb\nMySQLdb.connect('mysql', 'root', 'secret', 'shop')\n"),
        ("redis", "import redis\nredis.Redis(host='nas')\n"),
        ("pylibmc", "import pylibmc\npylibmc.Client(['memcached'])\n"),
        ("confluent-kafka", "from confluent_kafka import Producer\nProducer({'bootstrap.servers': 'kafka:9092'})\n"),
    ],
)
def test_a_name_that_nothing_can_lead_here_is_a_warning(package, code, propose):
    proposal = propose({"app.py": FLASK + code, "requirements.txt": f"flask\n{package}\n"})

    assert proposal.python.hosts == ()
    assert [note.text for note in proposal.notes if note.warns and "only containers have" in note.text]


def test_the_manifest_with_hosts_is_valid(propose):
    code = "import redis\nclient = redis.Redis(host='redis')\n"
    text = render(propose({"app.py": FLASK + code, "requirements.txt": "flask\nredis\n"}))

    assert parse_manifest(text, "devboot.toml").python.hosts == ("redis",)


MAIL_COMPOSE = "services:\n  post:\n    image: axllent/mailpit\n"
BY_HOST = """
EMAIL_HOST = os.environ.get("EMAIL_HOST", "mailpit")
EMAIL_PORT = int(os.environ.get("EMAIL_PORT", 1025))
"""
BY_LOGIN = """
EMAIL_HOST = os.environ.get("SMTP_SERVER", "localhost")
EMAIL_PORT = os.environ.get("SMTP_PORT", "1025")
EMAIL_HOST_USER = os.environ.get("SMTP_USER", "")
EMAIL_HOST_PASSWORD = os.environ.get("SMTP_PASSWORD", "")
EMAIL_USE_TLS = os.environ.get("SMTP_TLS", "true") == "true"
"""
MAIL = {part: f"${{services.mail.{part}}}" for part in ("host", "port", "user", "password")}
LOGIN = {"SMTP_USER": MAIL["user"], "SMTP_PASSWORD": MAIL["password"], "SMTP_TLS": "false"}


@pytest.mark.parametrize(
    ("settings", "compose", "env"),
    [
        (BY_HOST, "", {"EMAIL_HOST": MAIL["host"], "EMAIL_PORT": MAIL["port"]}),
        (BY_LOGIN, MAIL_COMPOSE, {"SMTP_SERVER": MAIL["host"], "SMTP_PORT": MAIL["port"], **LOGIN}),
    ],
)
def test_a_mail_server_of_development_is_a_service_whose_variables_are_set(django, settings, compose, env):
    proposal = django(settings, more={"compose.yml": compose} if compose else {})

    assert "mail" in [each.recipe for each in proposal.services]
    assert {each.name: each.value for each in proposal.env if each.name in env} == env


def test_a_container_of_a_mail_server_that_settings_name_is_this_machine(django):
    proposal = django("EMAIL_HOST = 'post'\nEMAIL_PORT = 1025\n", more={"compose.yml": MAIL_COMPOSE})

    (service,) = proposal.services
    assert (service.recipe, service.port, proposal.python.hosts) == ("mail", 1025, ("post",))


@pytest.mark.parametrize(
    "settings",
    [
        "EMAIL_HOST = os.environ.get('EMAIL_HOST', 'localhost')\nEMAIL_PORT = 25\n",
        "EMAIL_HOST = os.environ.get('EMAIL_HOST')\n",
        "EMAIL_HOST = os.environ.get('EMAIL_HOST', 'smtp.example.com')\n",
        "EMAIL_HOST = 'localhost'\nEMAIL_BACKEND = 'django.core.mail.backends.console.EmailBackend'\n",
    ],
)
def test_what_sends_mail_only_from_servers_needs_none_for_development(django, settings):
    assert not django(settings).services


ODD = {  # clients that are told by a variable of any name, each with the value that leads it to its server
    "redis": ("from redis import from_url", "from_url({read})", "redis", "${services.redis.url}/0"),
    "celery redis": ("from celery import Celery", "Celery('shop', broker={read})", "redis", "${services.redis.url}/0"),
    "redis==6": ("import redis", "redis.Redis(host={read}, port=6379)", "redis", "${services.redis.host}"),
    "pymongo": ("from pymongo import MongoClient", "MongoClient({read})", "mongodb", "${services.mongodb.url}"),
    "pika": (
        "import pika",
        "pika.BlockingConnection(pika.URLParameters({read}))",
        "rabbitmq",
        "${services.rabbitmq.url}",
    ),
    "psycopg2": ("import psycopg2", "psycopg2.connect({read})", "postgres", "${databases.default.url}"),
    "sqlalchemy asyncpg": (
        "from sqlalchemy.ext.asyncio import create_async_engine as open_it",
        "open_it({read})",
        "postgres",
        (
            "postgresql+asyncpg://${databases.default.user}:${databases.default.password}"
            "@${databases.default.host}:${databases.default.port}/${databases.default.name}"
        ),
    ),
    "pymysql": (
        "import pymysql",
        "pymysql.connect(host={read}, user='a', db='b')",
        "mariadb",
        "${databases.default.host}",
    ),
}


@pytest.mark.parametrize("read", ["os.environ['BACKING']", "Given().backing"])
@pytest.mark.parametrize("packages", ODD)
def test_no_variable_is_asked_for_whose_server_is_proposed(propose, packages, read):
    statement, call, recipe, value = ODD[packages]
    code = f"import os\nfrom flask import Flask\nfrom pydantic_settings import BaseSettings\n{statement}\n"
    code += "class Given(BaseSettings):\n    backing: str = ...\n" if "Given" in read else ""
    code += f"app = Flask(__name__)\nopened = {call.format(read=read)}\n"
    needs = "\n".join(["flask", "pydantic-settings", *packages.split()])
    proposal = propose({"app.py": code, "requirements.txt": needs})
    assert {each.name: each.value for each in proposal.env if each.name == "BACKING"} == {"BACKING": value}
    assert [service.recipe for service in proposal.services] == [recipe]


@pytest.mark.parametrize("name", ["DB_CONN", "SQL", "STORE"])
def test_djangos_database_out_of_a_variable_of_any_name_is_wired(django, name):
    proposal = django(f"import environ\nDATABASES = {{'default': environ.Env().db('{name}')}}\n", "django\npsycopg2\n")
    assert {each.name: each.value for each in proposal.env} == {name: "${databases.default.url}"}


def test_a_server_whose_recipe_sets_a_variable_is_listed_with_it():
    assert {"postgres": "DATABASE_URL"} == {name: kind.exports for name, kind in KINDS.items() if kind.exports}


PARTS = {
    "host": "host hostname server addr",
    "hosts": "hosts servers bootstrap_servers bootstrap.servers nodes",
    "port": "port",
    "user": "user username",
    "password": "password passwd",
    "name": "database dbname db",
    "url": "dsn url uri conninfo connection_string",
}


@pytest.mark.parametrize(("word", "part"), [(word, part) for part, words in PARTS.items() for word in words.split()])
def test_a_keyword_of_a_client_is_a_part_of_an_address(word, part):
    assert (part, part) == (part_of(word), part_of(word.upper()))
    assert part_of(f"{word}x") is None
