"""The sentence for a program that ended, by what it was seen to ask for, and the command that works when pasted."""

import subprocess
import tomllib
from pathlib import Path

import pytest

from devboot.model.observation import Observation
from devboot.model.process import Dependency, ProcessSpec
from devboot.onboarding.libraries import known_servers
from devboot.supervisor.explain import observed, process_errors
from devboot.supervisor.explain.advice import advised
from devboot.supervisor.explain.observed import env_file_of, server_command
from devboot.supervisor.state_machine import End

HERE = "connects to localhost:6379 (shop/cache.py:8), where nothing listens"


class Clone:
    def __init__(self, root, record):
        self.root, self.record, self.facts = root, record, []
        self.spec = ProcessSpec(
            "web", "process", str(root), "python app.py", env_files=(str(root), ".env"), observed=("", str(record))
        )

    def saw(self, *facts):
        self.record.write_text("".join("\t".join([*fact.split("|"), "", ""][:4]) + "\n" for fact in facts))

    def error(self, raised, *places):
        frames = [line for place in places for line in self.frame(*place.split(":"))]
        tail = ("Traceback (most recent call last):", *frames, *raised.split("\n"))
        return advised(process_errors.ended(self.spec, End(1), tail))

    def frame(self, file, line):
        return f'  File "{self.root}/{file}", line {line}, in <module>', "    code()"

    def paste(self, command):
        subprocess.run(["/bin/sh", "-c", command], cwd=self.root, check=True)


@pytest.fixture
def clone(tmp_path):
    (tmp_path / "clone").mkdir()
    return Clone(tmp_path / "clone", tmp_path / "web")


@pytest.mark.parametrize(
    ("raised", "places"),
    [
        ("KeyError: 'SMTP_HOST'", ["app.py:3", "shop/mail.py:12"]),
        ("RuntimeError: set SMTP_HOST first", ["app.py:3", "shop/checks.py:4"]),
        ("AttributeError: 'NoneType' object has no attribute 'split'", ["app.py:3", "shop/mail.py:14"]),
        ("ValueError: invalid literal for int() with base 10: ''", ["app.py:3", "shop/mail.py:12"]),
        ("smtplib.SMTPException: host must be str", ["shop/mail.py:20"]),
    ],
)
def test_a_variable_that_was_asked_for_in_vain_is_named_with_its_line(raised, places, clone):
    clone.saw(
        "unset|DEBUG|default|shop/mail.py:1", "unset|SMTP_HOST|none|shop/mail.py:12", "unset|OTHER|none|other.py:1"
    )

    error = clone.error(raised, *places)

    assert "web read SMTP_HOST (shop/mail.py:12), which has no value" == error.what
    assert ("web failed, with code 1",) == error.causes
    assert "echo 'SMTP_HOST=…' >> .env" == error.help[0]


@pytest.mark.parametrize("raised", ["ZeroDivisionError: division by zero", "SyntaxError: invalid syntax", "it ended"])
def test_an_end_that_has_nothing_to_do_with_a_variable_names_none(raised, clone):
    clone.saw("unset|SMTP_HOST|none|shop/mail.py:12", "lookup|db:5432||app.py:3", "no-file|x.json||app.py:4")

    assert "web failed, with code 1" == clone.error(raised, "app.py:3").what


@pytest.mark.parametrize(
    ("line", "raised", "named"),
    [
        ("client = Client(config.mail_token)", "AssertionError", True),
        ("client = Client(MAIL_TOKEN)", "ValueError: bad credentials", True),
        ("client = Client(config.mail_token)", "ZeroDivisionError: division by zero", False),
        ("client = Client(config.old_mail_token_file)", "AssertionError", False),
        ("client = Client(config.hook)", "AssertionError", False),
    ],
)
def test_a_variable_that_an_env_file_leaves_empty_is_named_where_the_line_that_failed_uses_it(
    line, raised, named, clone
):
    clone.root.joinpath(".env").write_text("MAIL_TOKEN=\nHOOK=set\nOTHER=''\n")
    clone.root.joinpath("mail.py").write_text(f"import config\n{line}\n")

    error = clone.error(raised, "app.py:1", "mail.py:2")

    assert error.what.startswith("web read MAIL_TOKEN (mail.py:2), which has no value") == named
    assert ("echo 'MAIL_TOKEN=…' >> .env" in error.help) == named


@pytest.mark.parametrize(
    ("says", "value"),
    [("Set GUARD_OFF=1 to override.", "1"), ("set GUARD_OFF=your-key", "…"), ("GUARD_OFF is required", "…")],
)
def test_a_value_that_the_message_names_is_proposed(says, value, clone):
    clone.saw("unset|GUARD_OFF|none|guard.py:7")

    error = clone.error(f"RuntimeError: {says}", "guard.py:7")

    clone.paste(error.help[0])
    assert clone.root.joinpath(".env").read_text() == f"GUARD_OFF={value}\n"


def test_all_variables_of_a_call_on_several_lines_are_named(clone):
    code = "import os\nmail = Mail(\n    os.getenv('HOST'),\n    token=os.getenv('TOKEN'),\n)\nX = os.getenv('LATER')\n"
    clone.root.joinpath("mail.py").write_text(code)
    clone.saw("unset|HOST|none|mail.py:3", "unset|TOKEN|none|mail.py:4", "unset|LATER|none|mail.py:6")

    error = clone.error("AssertionError: it is not a string (NoneType)", "mail.py:2")

    assert "web read HOST (mail.py:3) and TOKEN (mail.py:4), which have no value" == error.what


def test_a_variable_may_have_any_name(clone):
    clone.saw("unset|GUARD(OFF|none|guard.py:7")

    assert "web read GUARD(OFF (guard.py:7), which has no value" == clone.error("KeyError: 'x'", "guard.py:7").what


def test_several_variables_come_in_one_sentence_and_one_command(clone):
    clone.saw("unset|A|asked|conf.py:3", "unset|B|asked|conf.py:4")
    clone.root.joinpath(".env").write_text("X=1")
    raised = "decouple.UndefinedValueError: A not found.\ndecouple.UndefinedValueError: B not found."

    error = clone.error(raised)

    assert "web read A (conf.py:3) and B (conf.py:4), which have no value" == error.what
    clone.paste(error.help[0])
    assert "X=1\nA=…\nB=…\n" == clone.root.joinpath(".env").read_text()


def test_a_switch_without_a_value_is_switched_off_in_the_file_that_has_it_empty(clone):
    clone.saw("file|conf/.env||conf/settings.py:20")
    clone.root.joinpath("conf").mkdir()
    clone.root.joinpath("conf", ".env").write_text("DEBUG_MODE=")
    wrong = "  Input should be a valid boolean [type=bool_parsing, input_value='', input_type=str]"
    raised = f"pydantic_core._pydantic_core.ValidationError: 1 validation error for AppConfig\nDEBUG_MODE\n{wrong}"

    error = clone.error(raised, "conf/settings.py:20")

    assert "web read DEBUG_MODE (conf/settings.py:20), which has no value" == error.what
    clone.paste(error.help[0])
    assert "DEBUG_MODE=\nDEBUG_MODE=false\n" == clone.root.joinpath("conf", ".env").read_text()


@pytest.mark.parametrize(("before", "after"), [("A=1", "A=1\n"), ("A=1\n", "A=1\n"), ("", ""), (None, "")])
def test_the_command_works_when_pasted_whatever_the_last_line_of_the_file_is(before, after, clone):
    clone.saw("unset|SMTP_HOST|required|shop/mail.py:12")
    if before is not None:
        clone.root.joinpath(".env").write_text(before)

    clone.paste(clone.error("KeyError: 'SMTP_HOST'").help[0])

    assert f"{after}SMTP_HOST=…\n" == clone.root.joinpath(".env").read_text()


def test_the_env_file_is_the_one_that_the_program_reads_else_that_which_devboot_reads(clone):
    read = Observation("file", "app/.env", "", "app/conf.py:2")
    template = Observation("file", ".env.example", "", "app/conf.py:3")
    several = clone.spec._replace(env_files=(str(clone.root), ".env", ".secrets.env"))
    clone.root.joinpath(".secrets.env").touch()

    assert "app/.env" == env_file_of(clone.spec, [read, template])
    assert ".env" == env_file_of(clone.spec, [template, read._replace(name="/etc/shop.env")])
    assert ".secrets.env" == env_file_of(several, [])
    assert ".env" == env_file_of(ProcessSpec("web", "process", "."), [])


REFUSED = "ConnectionRefusedError: [Errno 111] Connection refused"


@pytest.mark.parametrize(
    ("fact", "raised", "expected"),
    [
        ("connect|localhost:6379||shop/cache.py:8", REFUSED, HERE),
        (
            "connect|127.0.0.1:6000||shop/cache.py:8",
            "redis.exceptions.ConnectionError: Error 111 connecting to localhost:6379. Connection refused.",
            "connects to localhost:6379 (app.py:3), where nothing listens",
        ),
        (
            "unset|X|default|app.py:1",
            'OperationalError: connection to server at "db.local" (127.0.0.1), port 5432 failed: Connection refused',
            "connects to db.local:5432 (app.py:3), where nothing listens",
        ),
        (
            "lookup|cache:6379||shop/cache.py:8",
            "socket.gaierror: [Errno -2] Name or service not known",
            "looks up the host cache (shop/cache.py:8), which doesn't exist",
        ),
    ],
)
def test_a_connection_in_vain_is_named_with_its_line(fact, raised, expected, clone):
    clone.saw("connect|localhost:80||early.py:1", fact)

    assert f"web {expected}" == clone.error(raised, "app.py:3").what


def test_a_proxy_that_refuses_a_host_is_named_with_the_line_that_asks_for_it(clone):
    error = clone.error("urllib.error.URLError: <urlopen error Tunnel connection failed: 502 Bad>", "shop/keys.py:8")

    assert (error.slug, error.what) == ("network/proxy", "web can't reach a host through the proxy (shop/keys.py:8)")


def test_no_lookup_of_this_machine_itself_is_taken_for_the_one_that_failed(clone):
    clone.saw("lookup|localhost:5000||shop/ping.py:8")

    assert "localhost" not in clone.error("socket.gaierror: [Errno -2] Name or service not known").what


def test_a_port_that_another_program_has_is_named_with_the_line_that_wants_it(clone):
    clone.saw("bind|127.0.0.1:8000||app.py:9", "bind|127.0.0.1:9000||app.py:10", "connect|localhost:80||early.py:1")

    error = clone.error("OSError: [Errno 98] error while attempting to bind on address ('127.0.0.1', 8000)", "app.py:9")

    assert "web can't listen on 127.0.0.1:8000 (app.py:9), where another program listens" == error.what
    assert error.help[0].startswith("stop the program that `ss -ltnp sport = :8000` shows")


def test_a_server_that_is_not_there_comes_with_the_command_that_adds_it(clone):
    clone.saw("connect|localhost:6379||shop/cache.py:8")
    wired = clone.spec._replace(depends_on=(Dependency("redis", "ready"),))

    added = clone.error(REFUSED).help[0]
    clone.spec = wired
    moved = clone.error(REFUSED).help[0]

    assert (
        "devboot init && printf '%s\\n' '' '[services.redis]' 'port = 6379' 'access = \"open\"' >> devboot.toml"
        == added
    )
    assert "devboot down && devboot up -d --port redis=6379" == moved


def test_a_file_that_is_not_there_is_copied_from_its_template(clone):
    clone.saw("no-file|conf/settings.json||shop/__init__.py:3")
    clone.root.joinpath("conf").mkdir()
    clone.root.joinpath("conf", "settings.example.json").write_text("{}")

    error = clone.error("FileNotFoundError: [Errno 2] No such file or directory: 'conf/settings.json'")

    assert "web looked for conf/settings.json (shop/__init__.py:3), which doesn't exist" == error.what
    clone.paste(error.help[0].partition(" && ")[0])
    assert "{}" == clone.root.joinpath("conf", "settings.json").read_text()


@pytest.mark.parametrize("is_template", [False, True])
def test_a_path_of_an_image_that_a_variable_has_as_its_default_is_led_here(is_template, clone):
    defaults = "unset|OTHER|default|app/config.py:1", "unset|CONFIG|default|app/config.py:2"
    clone.saw(*defaults, "no-file|/app/conf/a.json||app/config.py:4")
    for name in ("app", "conf"):
        clone.root.joinpath(name).mkdir()
    code = "import os; os.getenv('OTHER', '/etc')\npath = os.getenv(\n    'CONFIG', '/app/conf/a.json')\nopen(path)\n"
    clone.root.joinpath("app", "config.py").write_text(code)
    clone.root.joinpath("conf", "a.example.json" if is_template else "a.json").write_text("{}")

    error = clone.error("FileNotFoundError: [Errno 2] No such file or directory: '/app/conf/a.json'", "app/config.py:4")

    assert "web looked for /app/conf/a.json (app/config.py:4), which doesn't exist" == error.what
    clone.paste(error.help[0].removesuffix(" && devboot up -d"))
    assert "CONFIG=conf/a.json\n" == clone.root.joinpath(".env").read_text()
    assert "{}" == clone.root.joinpath("conf", "a.json").read_text()


@pytest.mark.parametrize(
    "text", ["", "\0\n", "unset\t\t\t\n", "unset\tA\tnone\n", "connect\t:x\t\t\n\t\t\t\n", "\x1b[2J\ta\tb\tc\n"]
)
def test_a_record_that_the_program_has_spoilt_explains_nothing(text, clone):
    clone.record.write_text(text)

    assert "web failed, with code 1" == clone.error("ConnectionError: Connection refused").what


def test_an_error_page_is_explained_by_what_was_asked_for(clone):
    clone.saw("connect|localhost:6379||shop/cache.py:8")
    tail = ("Traceback (most recent call last):", *clone.frame("shop/cache.py", "8"), REFUSED)

    error = process_errors.error_page(clone.spec, "http://127.0.0.1:5000", "answers 500", tail)

    assert (f"web {HERE}", ("web answers 500",)) == (error.what, error.causes)


@pytest.mark.parametrize(
    ("fact", "raised", "expected"),
    [
        (
            "unset|DATABASE_URL|none|app.py:3",
            'OperationalError: connection to server at "localhost" (127.0.0.1), port 5432 failed: Connection refused',
            "connects to localhost:5432 (app.py:3), where nothing listens",
        ),
        (
            "unset|REDIS_PASSWORD|none|app.py:3",
            "redis.exceptions.ConnectionError: Error 111 connecting to localhost:6379. Connection refused.",
            "connects to localhost:6379 (app.py:3), where nothing listens",
        ),
        ("unset|API_KEY|none|app.py:3", "requests.exceptions.HTTPError: 503 Server Error: Unavailable", ""),
        ("unset|API_KEY|none|app.py:3", "TimeoutError: [Errno 110] Connection timed out", ""),
        ("unset|API_KEY|none|app.py:3", "ssl.SSLError: certificate verify failed", ""),
        ("unset|CONFIG|none|app.py:3", "FileNotFoundError: [Errno 2] No such file or directory: 'a.json'", ""),
    ],
)  # fmt: skip
def test_what_fails_outside_of_the_program_is_blamed_on_no_variable_and_may_heal(fact, raised, expected, clone):
    clone.saw(fact)
    tail = ("Traceback (most recent call last):", *clone.frame("app.py", "3"), raised)

    assert f"web {expected or 'failed, with code 1'}" == process_errors.ended(clone.spec, End(1), tail).what
    assert not process_errors.lasting_lack(clone.spec, tail)


@pytest.mark.parametrize(
    ("raised", "lasts"),
    [
        ("KeyError: 'SMTP_HOST'", True),
        ("TypeError: connect() argument must be str, not None", True),
        ("twilio.base.exceptions.TwilioException: Credentials are required", False),
    ],
)
def test_only_a_mistake_that_each_run_makes_is_given_up_for_a_variable(raised, lasts, clone):
    clone.saw("unset|SMTP_HOST|none|app.py:3")
    tail = ("Traceback (most recent call last):", *clone.frame("app.py", "3"), raised)

    assert "web read SMTP_HOST (app.py:3), which has no value" == process_errors.ended(clone.spec, End(1), tail).what
    assert bool(process_errors.lasting_lack(clone.spec, tail)) is lasts


def test_a_refusal_that_was_logged_before_another_error_is_not_its_reason(clone):
    clone.saw("connect|localhost:6379||cache.py:8", "unset|SMTP_HOST|none|app.py:3")
    logged = ("Traceback (most recent call last):", *clone.frame("cache.py", "8"), REFUSED, "going on without a cache")
    last = ("Traceback (most recent call last):", *clone.frame("app.py", "3"), "AttributeError: 'NoneType' has no x")

    error = process_errors.ended(clone.spec, End(1), (*logged, *last))

    assert "web read SMTP_HOST (app.py:3), which has no value" == error.what


def test_the_reason_for_which_an_exception_was_raised_counts(clone):
    clone.saw("connect|localhost:6379||cache.py:8")
    link = ("", "During handling of the above exception, another exception occurred:", "")
    head = "Traceback (most recent call last):"

    error = process_errors.ended(clone.spec, End(1), (head, REFUSED, *link, head, "RuntimeError: no cache"))

    assert "web connects to localhost:6379 (cache.py:8), where nothing listens" == error.what


@pytest.mark.parametrize(
    "banner",
    [
        "[INFO] Listening at: http://127.0.0.1:8000 (1)",
        "Error: running on localhost:8000",
        "serves ('127.0.0.1', 8000)",
    ],
)
def test_the_address_that_a_program_prints_of_itself_is_not_what_it_connects_to(banner, clone):
    clone.saw("bind|127.0.0.1:8000||", "connect|search.internal:9200||search.py:4", "connect|127.0.0.1:8000||own.py:1")
    tail = (banner, "Traceback (most recent call last):", *clone.frame("search.py", "4"), REFUSED)

    error = process_errors.ended(clone.spec, End(1), tail)

    assert "web connects to search.internal:9200 (search.py:4), where nothing listens" == error.what


def test_an_address_of_ipv6_is_read_behind_a_blank(clone):
    clone.saw("unset|X|default|app.py:1")

    error = clone.error("redis.exceptions.ConnectionError: Error 111 connecting to [::1]:6379. Connection refused.")

    assert "web connects to [::1]:6379, where nothing listens" == error.what


@pytest.mark.parametrize(("port", "service"), observed.SERVICES.items())
def test_each_server_that_is_added_for_an_address_in_the_code_asks_for_no_password(port, service, tmp_path):
    command = server_command(Observation("connect", f"localhost:{port}"), ())
    subprocess.run(["/bin/sh", "-c", command.removeprefix("devboot init && ")], cwd=tmp_path, check=True)
    recipe = tomllib.loads(Path("recipes", service, "recipe.toml").read_text())

    written = tomllib.loads((tmp_path / "devboot.toml").read_text())
    assert {service: {"port": port, "access": "open"}} == written["services"]
    assert "access" in recipe["service"]


def test_each_server_that_a_recipe_runs_is_known_by_its_usual_port():
    of_several = 9000  # MinIO's, another S3 server's, and that of many other programs
    usual = {each.port: each.recipe for each in known_servers().values() if each.recipe and each.port != of_several}

    assert usual == {port: name for port, name in observed.SERVICES.items() if name in usual.values()}


def test_a_variable_of_a_graphical_session_is_none_that_an_env_file_lacks(clone):
    clone.saw("unset|DISPLAY|required|app.py:3")

    error = clone.error("KeyError: 'DISPLAY'", "app.py:3")

    assert error.what == "web failed, with code 1"
    assert error.help[0].startswith("it opens windows: ")
