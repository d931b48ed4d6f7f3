"""Whether Redis is needed, and how the code is told where it is."""

import pytest

CELERY = """
from celery import Celery
app = Celery('site_')
app.config_from_object('django.conf:settings', namespace='CELERY')
"""
WITH_CELERY = {"site_/celery.py": CELERY}
LIBRARIES = "django\ncelery\nredis\ndjango-redis\nchannels-redis\n"


def wired(proposal):
    return {v.name: v.value for v in proposal.env if v.value and "services.redis" in v.value}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (
            "CELERY_BROKER_URL = os.environ.get('REDIS_URL', 'redis://localhost:6379/0')",
            {"REDIS_URL": "${services.redis.url}/0"},
        ),
        (
            "CELERY_BROKER_URL = os.environ.get('BROKER', 'redis://redis:6379')",
            {"BROKER": "${services.redis.url}"},
        ),
        (
            "CELERY_BROKER_URL = os.environ.get('REDIS_BASE', 'redis://redis:6379') + '/1'",
            {"REDIS_BASE": "${services.redis.url}"},
        ),
        (
            "CELERY_BROKER_URL = 'redis://%s:%s' % (os.getenv('REDIS_HOST', 'redis'), os.getenv('REDIS_PORT', '6379'))",
            {
                "CELERY_BROKER_URL": "${services.redis.url}/0",
                "REDIS_HOST": "${services.redis.host}",
                "REDIS_PORT": "${services.redis.port}",
            },
        ),
        (
            "CELERY_BROKER_URL = f\"redis://{os.environ['REDIS_SERVER']}/0\"",
            {
                "CELERY_BROKER_URL": "${services.redis.url}/0",
                "REDIS_SERVER": "${services.redis.host}:${services.redis.port}",
            },
        ),
        (
            "CELERY_BROKER_URL = os.environ.get('A_BROKER') or os.environ.get('REDIS_URL')",
            {"REDIS_URL": "${services.redis.url}/0"},
        ),
        (
            (
                "REDIS_URL = os.environ.get('REDIS_URL', 'redis://localhost:6379/0')\n"
                "CELERY_BROKER_URL = os.environ.get('QUEUE_URL', REDIS_URL)\n"
            ),
            {"REDIS_URL": "${services.redis.url}/0"},
        ),
        (
            (
                "CELERY_BROKER_URL = os.environ.get('CELERY_BROKER_URL', 'redis://localhost:6379/0')\n"
                "CELERY_RESULT_BACKEND = os.environ.get('CELERY_RESULT_BACKEND', 'redis://localhost:6379/1')\n"
            ),
            {"CELERY_BROKER_URL": "${services.redis.url}/0", "CELERY_RESULT_BACKEND": "${services.redis.url}/1"},
        ),
        ("CELERY_BROKER_URL = 'redis://redis:6379/0'", {"CELERY_BROKER_URL": "${services.redis.url}/0"}),
        ("", {"CELERY_BROKER_URL": "${services.redis.url}/0"}),
    ],
)
def test_celerys_broker_is_wired_in_the_shape_that_the_code_takes(django, settings, expected):
    proposal = django(settings, LIBRARIES, more=WITH_CELERY)
    assert [service.name for service in proposal.services] == ["redis"]
    assert wired(proposal) == expected


@pytest.mark.parametrize(
    "settings",
    [
        "CELERY_TASK_ALWAYS_EAGER = True",
        "CELERY_BROKER_URL = 'memory://'",
    ],
)
def test_celery_without_redis_as_its_broker_needs_none(django, settings):
    assert django(settings, LIBRARIES, more=WITH_CELERY).services == ()


def test_a_cache_with_another_way_is_optional(django):
    proposal = django(
        """
        URL = os.environ.get("REDIS_URL")
        if URL:
            CACHES = {"default": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": URL}}
        else:
            CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
        """,
        LIBRARIES,
    )
    assert proposal.services == ()


@pytest.mark.parametrize(
    "settings",
    [
        "CACHES = {'default': {'BACKEND': 'django_redis.cache.RedisCache', 'LOCATION': 'redis://127.0.0.1:6380/1'}}",
        (
            "CHANNEL_LAYERS = {'default': {'BACKEND': 'channels_redis.core.RedisChannelLayer',"
            " 'CONFIG': {'hosts': [('127.0.0.1', 6380)]}}}"
        ),
        "RQ_QUEUES = {'default': {'HOST': 'localhost', 'PORT': 6380, 'DB': 0}}",
        "HUEY = {'name': 'x', 'connection': {'host': 'localhost', 'port': 6380}}",
        (
            "DRAMATIQ_BROKER = {'BROKER': 'dramatiq.brokers.redis.RedisBroker',"
            " 'OPTIONS': {'url': 'redis://localhost:6380'}}"
        ),
        "Q_CLUSTER = {'redis': {'host': '127.0.0.1', 'port': 6380}}",
    ],
)
def test_an_address_that_the_code_fixes_pins_the_port(django, settings):
    proposal = django(settings, LIBRARIES)
    assert [(service.name, service.port) for service in proposal.services] == [("redis", 6380)]
    assert wired(proposal) == {}


@pytest.mark.parametrize(
    "settings",
    [
        "HUEY = {'huey_class': 'huey.SqliteHuey', 'filename': 'x.db'}",
        "Q_CLUSTER = {'orm': 'default'}",
        "CACHES = {'default': {'BACKEND': 'django.core.cache.backends.dummy.DummyCache'}}",
        "# redis://localhost:6379",
        "REDIS_URL = 'redis://localhost:6379'",
    ],
)
def test_names_that_sound_like_redis_are_no_ground(django, settings):
    assert django(settings, LIBRARIES).services == ()


def test_a_client_in_a_function_counts(propose):
    proposal = propose(
        {
            "app.py": """
                import os
                import redis
                from flask import Flask
                app = Flask(__name__)
                app.config["REDIS_URL"] = os.environ.get("REDISTOGO_URL", "redis://localhost:6379")
                @app.route("/")
                def index():
                    return redis.from_url(app.config["REDIS_URL"]).get("x")
            """,
            "requirements.txt": "flask\nredis\n",
        }
    )
    assert wired(proposal) == {"REDISTOGO_URL": "${services.redis.url}"}


def test_a_required_address_of_redis_is_wired_although_nothing_here_uses_it(propose):
    proposal = propose(
        {
            "main.py": """
                from fastapi import FastAPI
                from pydantic import RedisDsn
                from pydantic_settings import BaseSettings
                class Settings(BaseSettings):
                    redis_dsn: RedisDsn
                settings = Settings()
                app = FastAPI()
            """,
            "requirements.txt": "fastapi\nuvicorn\nredis\npydantic-settings\n",
        }
    )
    assert wired(proposal) == {"REDIS_DSN": "${services.redis.url}"}


def test_a_committed_container_host_is_overridden(propose):
    proposal = propose(
        {
            "main.py": """
                import os
                from redis.asyncio import Redis
                from fastapi import FastAPI
                client = Redis(host=os.environ["REDIS_HOST"], port=int(os.environ["REDIS_PORT"]))
                app = FastAPI()
            """,
            ".env": "REDIS_HOST=redis\nREDIS_PORT=6379\nMAIL_HOST=mail\n",
            "compose.yaml": "services:\n  mail:\n    image: axllent/mailpit\n  redis:\n    image: redis\n",
            "requirements.txt": "fastapi\nredis\n",
        }
    )
    assert wired(proposal) == {"REDIS_HOST": "${services.redis.host}", "REDIS_PORT": "${services.redis.port}"}
    assert next(v.value for v in proposal.env if v.name == "MAIL_HOST") == "127.0.0.1"


def test_settings_that_a_package_asks_for_while_it_is_imported_are_loaded_then(django):
    proposal = django(
        "REDIS_URL = os.environ.get('REDIS_URL', 'redis://redis:6379/3')\n",
        LIBRARIES,
        more={
            "site_/__init__.py": "from site_.client import connect\nclient = connect()\n",
            "site_/client.py": "import redis\nfrom django.conf import settings\n"
            "def connect():\n    return redis.from_url(settings.REDIS_URL)\n",
        },
    )
    assert wired(proposal) == {"REDIS_URL": "${services.redis.url}/3"}


def test_a_cache_on_redis_whose_address_is_only_a_variable_needs_it(django):
    proposal = django(
        "CACHES = {'default': {'BACKEND': 'django_redis.cache.RedisCache', 'LOCATION': os.environ.get('REDIS_URL')}}\n",
        LIBRARIES,
    )
    assert list(wired(proposal)) == ["REDIS_URL"]


def test_a_function_that_is_given_its_address_is_no_ground(propose):
    proposal = propose(
        {
            "app.py": """
                import os
                from flask import Flask
                from limits.storage import RedisStorage
                def use(url):
                    return RedisStorage(url)
                app = Flask(__name__)
                if os.environ.get("STORE"):
                    use(os.environ["STORE"])
            """,
            "requirements.txt": "flask\nlimits\nredis\n",
        }
    )
    assert proposal.services == ()


def test_celery_behind_a_switch_that_is_off_needs_nothing(django):
    proposal = django("CELERY_ENABLED = False", LIBRARIES, more={**WITH_CELERY, "Procfile": ""})
    assert (proposal.services, [process.name for process in proposal.processes]) == ((), ["web"])


def test_a_worker_that_names_redis_gets_its_address(propose):
    proposal = propose(
        {
            "app.py": """
                import os
                from flask import Flask
                from redis import Redis
                from rq import Queue
                app = Flask(__name__)
                queue = Queue("mails", connection=Redis.from_url(os.environ.get("QUEUE_REDIS", "redis://localhost")))
            """,
            "requirements.txt": "flask\nrq\nredis\n",
        }
    )
    assert [process.command for process in proposal.processes][1:] == ["rq worker --url $REDIS_URL mails"]
    assert wired(proposal) == {"QUEUE_REDIS": "${services.redis.url}", "REDIS_URL": "${services.redis.url}"}


def test_an_extension_whose_address_is_only_a_variable_needs_redis(propose):
    proposal = propose(
        {
            "app.py": """
                import os
                from flask import Flask
                from flask_rq2 import RQ
                rq = RQ()
                app = Flask(__name__)
                app.config["RQ_REDIS_URL"] = os.getenv("REDIS_URI")
                rq.init_app(app)
            """,
            "requirements.txt": "flask\nflask-rq2\n",
        }
    )
    assert [service.name for service in proposal.services] == ["redis"]
    assert wired(proposal) == {"REDIS_URI": "${services.redis.url}/0", "REDIS_URL": "${services.redis.url}"}


@pytest.mark.parametrize("decorator", ['model_validator(mode="before")', "root_validator(pre=True)"])
def test_fields_that_a_validator_makes_of_another_are_reached_by_that(propose, decorator):
    proposal = propose(
        {
            "main.py": f"""
                import redis
                from fastapi import FastAPI
                from pydantic import model_validator, root_validator
                from pydantic_settings import BaseSettings
                class Settings(BaseSettings):
                    QUEUE: str = "localhost:6379"
                    redis_host: str
                    redis_port: int
                    @{decorator}
                    @classmethod
                    def split(cls, values):
                        host, port = values.get("QUEUE", "localhost:6379").split(":", 1)
                        values["redis_host"] = host
                        values["redis_port"] = int(port)
                        return values
                settings = Settings()
                app = FastAPI()
                client = redis.Redis(host=settings.redis_host, port=settings.redis_port)
            """,
            "requirements.txt": "fastapi\nredis\n",
        }
    )
    assert wired(proposal) == {"QUEUE": "${services.redis.host}:${services.redis.port}"}
    assert [variable.name for variable in proposal.env if variable.required] == []


def test_a_broker_whose_address_is_only_a_variable_needs_redis(propose):
    proposal = propose(
        {
            "main.py": "from fastapi import FastAPI\napp = FastAPI()\n",
            "queues.py": """
                import os
                from taskiq_redis import RedisStreamBroker
                broker = RedisStreamBroker(os.getenv("QUEUE"))
            """,
            "requirements.txt": "fastapi\ntaskiq\ntaskiq-redis\n",
        }
    )
    assert wired(proposal) == {"QUEUE": "${services.redis.url}/0"}
    assert [process.command for process in proposal.processes][1:] == ["taskiq worker queues:broker"]


def test_the_message_queue_of_socketio_is_redis(propose):
    code = "import os\nfrom flask import Flask\nfrom flask_socketio import SocketIO\napp = Flask(__name__)\n"
    code += "socketio = SocketIO(app, message_queue=os.environ.get('QUEUE', 'redis://localhost:6379/3'))\n"
    proposal = propose({"app.py": code, "requirements.txt": "flask\nflask-socketio\nredis\n"})

    assert [service.name for service in proposal.services] == ["redis"]
    assert wired(proposal) == {"QUEUE": "${services.redis.url}/3"}


@pytest.mark.faults(173)
@pytest.mark.parametrize(
    ("settings", "is_open", "password"),
    [
        ("CELERY_BROKER_URL = 'redis://localhost:6379/0'", False, None),
        ("SESSION_REDIS = {'host': 'localhost', 'port': 6379}", True, None),
        ("import redis\nclient = redis.Redis()", True, None),
        ("import redis\nclient = redis.Redis(host=os.environ.get('REDIS_HOST', 'localhost'))", True, None),
        ("import redis\nclient = redis.from_url(os.environ.get('REDIS_URL', 'redis://localhost'))", False, None),
        (
            "import redis\nclient = redis.Redis(host='localhost', password=os.environ.get('REDIS_PASSWORD'))",
            False,
            "${services.redis.password}",
        ),
    ],
)
def test_only_an_address_that_takes_no_password_opens_the_server_with_a_warning(django, settings, is_open, password):
    proposal = django(settings, LIBRARIES, more=WITH_CELERY)

    assert [service.is_open for service in proposal.services] == [is_open]
    assert wired(proposal).get("REDIS_PASSWORD") == password
    assert any("lets in every user" in note.text and note.warns for note in proposal.notes) == is_open
