"""What code that names the address of a server gets where a written manifest leaves that out."""

import os

import pytest

from devboot.app.preparation.project.fixed_addresses import settle_fixed_addresses
from devboot.app.preparation.project.load import load_project
from devboot.events import RecordingReporter
from tests.fakes.folders import home_beside

FIXED = 'store = redis.Redis(host="localhost", port=6380)\n'
WHOLE = 'store = redis.from_url("redis://localhost:6380")\n'
READ = 'store = redis.from_url(os.environ["REDIS_URL"])\n'
BOTH = f"{READ}other = redis.Redis(host='localhost', port=6380)\n"
IN_POSTGRES = 'import psycopg2\nbase = psycopg2.connect("postgresql://ada@localhost:5433/shop")\n'


@pytest.fixture
def settled(tmp_path):
    """Prepare a project with this code and manifest; returns one of its services, and what is said of services."""
    root = tmp_path / "shop"
    root.mkdir()

    def settle(code, manifest, name="redis"):
        (root / "app.py").write_text(f"import os\nimport flask, redis\napp = flask.Flask(__name__)\n{code}")
        (root / "requirements.txt").write_text("flask\nredis\npsycopg2\n")
        (root / "devboot.toml").write_text(manifest)
        loaded = load_project(str(root), home_beside(root))
        os.makedirs(loaded.project.state, exist_ok=True)
        reporter = RecordingReporter()
        settled = settle_fixed_addresses(loaded, reporter, is_recorded=True)
        # whatever else looks at the project sees the same
        assert load_project(str(root), home_beside(root)).manifest.services == settled.manifest.services
        return settled.manifest.services[name], reporter.events

    return settle


def reached(service):
    return service.port, service.access


@pytest.mark.parametrize("code", [FIXED, WHOLE])
@pytest.mark.parametrize("recipe", ["redis", "valkey"])
def test_code_that_names_an_address_is_served_there_without_a_password(settled, code, recipe):
    service, (event,) = settled(code, f'[services.cache]\nrecipe = "{recipe}"\n', "cache")

    assert reached(service) == (6380, "open")
    assert event.slug == "service/open"
    assert event.text == "`cache` accepts every user of this machine: the code connects without a password (app.py:4)"
    assert event.lines[:1] == ("[services.cache]",)
    assert event.lines[1].startswith('access = "private"')


def test_it_is_said_before_each_start_and_stays(settled):
    for _ in range(3):
        service, (event,) = settled(FIXED, "[services.redis]\n")
        assert (reached(service), event.slug) == ((6380, "open"), "service/open")


def test_a_server_whose_client_takes_the_password_elsewhere_gets_the_port_alone(settled):
    service, events = settled(IN_POSTGRES, "[services.postgres]\n", "postgres")
    assert (reached(service), events) == ((5433, "private"), [])


@pytest.mark.parametrize(
    ("said", "gets"),
    [
        ('access = "private"', (6380, "private")),
        ('access = "open"', (6380, "open")),
        ("port = 7000", (7000, "open")),
        ('port = "auto"', ("auto", "open")),
        ('port = 7000\naccess = "private"', (7000, "private")),
    ],
)
def test_what_the_manifest_says_counts_more_than_the_code(settled, said, gets):
    for _ in range(2):
        service, events = settled(FIXED, f"[services.redis]\n{said}\n")
        assert reached(service) == gets
    opens_itself = "open" in said
    assert [event.slug for event in events] == ["service/open"] * (gets[1] == "open" and not opens_itself)


@pytest.mark.parametrize(
    "manifest",
    [
        '[services.redis]\n[env]\nSTORE = "${services.redis.url}"\n',
        '[services.redis]\n[processes.web]\ncommand = "serve"\nenv = { STORE = "${services.redis.url}" }\n',
    ],
)
def test_a_service_to_which_the_manifest_leads_stays_closed(settled, manifest):
    service, (event,) = settled(FIXED, manifest)
    assert reached(service) == ("auto", "private")
    assert event.slug == "service/needs-open"
    assert event.text == "`redis` asks for a password, which the code doesn't send (app.py:4)"
    assert event.lines[1].startswith('access = "open"')
    assert settled(FIXED, manifest) == (service, [])  # it is said once


def test_a_service_to_whose_database_the_manifest_leads_is_left_as_it_is(settled):
    manifest = '[databases.shop]\nservice = "postgres"\n[services.postgres]\n[env]\nSHOP = "${databases.shop.url}"\n'
    assert reached(settled(IN_POSTGRES, manifest, "postgres")[0]) == ("auto", "private")


@pytest.mark.parametrize("code", [READ, BOTH])
def test_a_service_to_which_a_variable_of_the_code_leads_stays_closed(settled, code):
    service, events = settled(code, "[services.redis]\n")
    assert reached(service) == ("auto", "private")
    assert {event.slug for event in events} <= {"service/needs-open"}


@pytest.mark.parametrize(
    "manifest",
    [
        '[services.redis]\n[env]\nSTORE = "${services.redis.url}"\n',
        '[services.redis]\n[services.queue]\nrecipe = "valkey"\n',
    ],
)
def test_the_code_is_not_read_where_it_makes_no_difference(tmp_path, manifest):
    root = tmp_path / "shop"
    root.mkdir()
    (root / "app.py").write_text(f"import redis\n{FIXED}")
    (root / "devboot.toml").write_text(manifest)
    loaded = load_project(str(root), home_beside(root))

    assert settle_fixed_addresses(loaded, RecordingReporter(), is_recorded=False).manifest == loaded.manifest
    assert not vars(loaded.detection).keys() & {"proposal"}


def test_one_of_two_servers_of_a_kind_is_left_as_it_is(settled):
    service, events = settled(FIXED, '[services.redis]\n[services.queue]\nrecipe = "valkey"\n')
    assert (reached(service), events) == (("auto", "private"), [])


def test_a_service_closes_once_the_code_takes_a_variable_and_never_opens_again(settled):
    settled(FIXED, "[services.redis]\n")

    for code in (READ, FIXED):
        service, events = settled(code, "[services.redis]\n")
        assert (reached(service), events) == (("auto", "private"), [])


def test_a_service_that_is_added_later_is_looked_at_then(settled):
    settled(FIXED, "[services.mail]\n", "mail")
    service, _ = settled(FIXED, "[services.mail]\n[services.redis]\n")
    assert reached(service) == (6380, "open")


@pytest.mark.parametrize("text", ["", "[]", "{", '{"redis": 1}', '{"redis": ["x", true, ""]}', '{"redis": [1]}'])
def test_a_damaged_record_is_one_that_is_not_there(settled, tmp_path, text):
    settled(FIXED, "[services.redis]\n")
    state = load_project(str(tmp_path / "shop"), home_beside(tmp_path / "shop")).project.state
    with open(os.path.join(state, "fixed-addresses.json"), "w", encoding="utf-8") as file:
        file.write(text)

    assert reached(settled(FIXED, "[services.redis]\n")[0]) == (6380, "open")
