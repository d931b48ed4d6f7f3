"""Recipe + settings → what the supervisor starts."""

import os

import pytest

from devboot.errors import ManifestError, Problems
from devboot.model.edge.recipe.recipe import parse_recipe
from devboot.recipes import RecipeFolders, bundled_folder
from devboot.services.plan import WantedDatabase, plan_service, provided_variables, socket_of

REDIS = RecipeFolders([bundled_folder()]).get("redis").recipe


def plan(settings=None, *, name="redis", port=6379, root="/home/ada/shop", password=""):
    return plan_service(
        REDIS,
        name,
        "8.2.3",
        settings or {},
        port=port,
        root=root,
        data="/home/ada/data",
        runtime="/run/user/1/devboot",
        programs="/store/x/bin",
        password=password,
    )


def test_a_service_is_a_program_with_its_place_its_port_and_its_settings():
    service = plan()
    socket = service.exports["socket"]
    data = "/home/ada/data/services/redis/redis-8"

    assert service.spec.argv == (
        *("/store/x/bin/redis-server", "--port", "6379", "--dir", data),
        *("--unixsocket", socket, "--unixsocketperm", "700", "--daemonize", "no", "--set-proc-title", "no"),
        *("--bind", "127.0.0.1", "-::1", "--save", "60", "1", "--appendonly", "yes", "--appendfsync", "everysec"),
    )
    assert (service.spec.cwd, service.spec.data, service.spec.address) == (data, data, "127.0.0.1:6379")
    assert (service.spec.stop_signal, service.spec.stop_timeout, service.spec.gates) == (15, 30.0, True)
    assert service.spec.socket_folders == (os.path.dirname(socket),)
    words = ("url", "host", "port", "socket", "data", "password")
    assert [service.exports[word] for word in words] == [
        *("redis://127.0.0.1:6379", "127.0.0.1", "6379", socket, data, "")
    ]


def test_with_a_password_only_a_private_file_has_it_and_the_address():
    service = plan(password="s3cret")
    data = "/home/ada/data/services/redis/redis-8"

    assert "s3cret" not in " ".join(service.spec.argv)
    assert service.files == ((f"{data}/access/redis.conf", "requirepass s3cret\n"),)
    assert service.exports["url"] == "redis://:s3cret@127.0.0.1:6379"
    assert (service.is_open, plan().is_open) == (False, True)
    assert (service.spec.ready.send, service.spec.ready.expect) == ("AUTH s3cret\r\nPING\r\n", "+OK\r\n+PONG")


def test_readiness_is_a_literal_pong_and_loading_is_told():
    ready = plan().spec.ready

    assert (ready.kind, ready.host, ready.port) == ("tcp", "127.0.0.1", 6379)
    assert (ready.send, ready.expect, ready.loading) == ("*1\r\n$4\r\nPING\r\n", "+PONG", "-LOADING")


def test_settings_replace_defaults_in_the_servers_own_words():
    argv = plan({"save": ("900 1", "60 10"), "maxmemory": ("64mb",), "notify-keyspace-events": ("",)}).spec.argv

    assert argv[argv.index("--bind") :] == (
        *("--bind", "127.0.0.1", "-::1", "--save", "900", "1", "--save", "60", "10"),
        *("--appendonly", "yes", "--appendfsync", "everysec", "--maxmemory", "64mb", "--notify-keyspace-events", ""),
    )


def test_settings_that_devboot_makes_itself_are_refused():
    with pytest.raises(Problems) as caught:
        plan({"port": ("1",), "Dir": ("/tmp",)})

    assert [(error.what, error.causes) for error in caught.value.errors] == [
        ("setting `port` of `redis` is reserved for devboot", ("write `port = …` beside `settings`",)),
        ("setting `Dir` of `redis` is reserved for devboot", ("devboot keeps it with the project's data",)),
    ]


@pytest.mark.parametrize("value", ['"', "it's", "a\\"])
def test_a_setting_without_its_closing_quote_is_refused(value):
    with pytest.raises(Problems) as caught:
        plan({"save": ("60 10", value), "maxmemory": ("64mb",)})

    (error,) = caught.value.errors
    assert (error.slug, error.what) == (
        "manifest/value",
        "setting `save` of `redis` lacks a closing quote, or ends with a backslash",
    )


@pytest.mark.faults(91)
@pytest.mark.parametrize("length", [60, 108, 400])
def test_a_socket_is_short_whatever_it_is_called(length):
    assert len(os.fsencode(socket_of("/run/user/1000/devboot", "/" + "ü" * length, "x" * length))) < 100
    assert socket_of("/r", "/a", "b") != socket_of("/r", "/a", "c")


def test_hints_name_the_place_of_the_data():
    hints = {hint.slug: hint for hint in plan().spec.failure_hints}

    assert hints["redis/save-failed"].help == "df -h /home/ada/data/services/redis/redis-8"
    assert set(hints) == {
        "redis/save-failed",
        "redis/data-unreadable",
        "redis/data-too-new",
        "port/in-use",
        "manifest/bad-setting",
    }


def test_variables_are_those_of_the_libraries_that_are_locked():
    exports = plan(port=7000).exports

    assert provided_variables(REDIS, exports, []) == {"REDIS_URL": "redis://127.0.0.1:7000/0"}
    assert provided_variables(REDIS, exports, ["Celery", "rq"]) == {
        "REDIS_URL": "redis://127.0.0.1:7000/0",
        "CELERY_BROKER_URL": "redis://127.0.0.1:7000/0",
        "RQ_REDIS_URL": "redis://127.0.0.1:7000/0",
    }


def test_a_tool_is_no_service():
    text = '[package]\nname = "sass"\ndescription = "d"\n[[source]]\nkind = "npm"\nname = "sass"\n[test]\n'
    with pytest.raises(ManifestError) as caught:
        plan_service(
            parse_recipe(text, "recipe.toml"),
            "sass",
            "1",
            {},
            port=1,
            root="/a",
            data="/d",
            runtime="/r",
            programs="/s/bin",
        )

    assert caught.value.slug == "manifest/not-a-service"


def test_what_postgresql_answers_a_probe_while_it_starts_is_left_out():
    recipe = RecipeFolders([bundled_folder()]).get("postgres").recipe

    assert recipe.service is not None
    assert recipe.service.quiet is not None
    assert "the database system is starting up" in recipe.service.quiet.lines


def test_what_a_server_always_says_is_left_out_unless_its_log_is_asked_for():
    assert "DB saved on disk" in plan().spec.quiet
    assert plan({"loglevel": ("verbose",)}).spec.quiet == ()


def test_a_line_of_an_access_file_stands_there_for_each_role_of_the_server():
    service = plan_service(
        RecipeFolders([bundled_folder()]).get("postgres").recipe,
        "postgres",
        "14.1",
        {},
        port=5432,
        root="/home/ada/shop",
        data="/home/ada/data",
        runtime="/run/user/1/devboot",
        programs="/store/x/bin",
        password="s3cret",
        databases=[WantedDatabase("a", "a", "ada"), WantedDatabase("b", "b", ""), WantedDatabase("c", "c", "ada")],
    )
    (text,) = [text for path, text in service.files if path.endswith("pg_ident.conf")]

    assert [line.split()[2] for line in text.splitlines()] == ["all", '"postgres"', '"ada"']
