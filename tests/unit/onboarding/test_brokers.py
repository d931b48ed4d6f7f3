"""Where Celery's broker is RabbitMQ, and which variable carries its address."""

import pytest

from devboot.onboarding import without_rabbitmq

CELERY = """
from celery import Celery
app = Celery('site_')
app.config_from_object('django.conf:settings', namespace='CELERY')
"""
WITH_CELERY = {"site_/celery.py": CELERY}
URL = "${services.rabbitmq.url}"


def found(proposal):
    """The services, and the variables that lead to RabbitMQ."""
    wired = {variable.name for variable in proposal.env if variable.value == URL}
    return [service.name for service in proposal.services], wired


@pytest.mark.parametrize(
    ("settings", "variables"),
    [
        ("", {"CELERY_BROKER_URL"}),
        ("CELERY_BROKER_URL = 'amqp://guest@localhost//'", {"CELERY_BROKER_URL"}),
        ("CELERY_BROKER_URL = 'amqp://rabbitmq:5672'", {"CELERY_BROKER_URL"}),
        ("CELERY_BROKER_URL = os.environ.get('QUEUE_URL', 'amqp://guest:guest@localhost//')", {"QUEUE_URL"}),
        ("CELERY_BROKER_URL = os.environ.get('QUEUE', 'amqp://') or os.environ.get('CLOUDAMQP_URL')", {"QUEUE"}),
        (
            "CELERY_BROKER_URL = 'amqp://%s:%s@rabbit' % (os.environ.get('MQ_USER', 'a'), os.environ.get('MQ_KEY'))",
            {"CELERY_BROKER_URL"},
        ),
        ("CELERY_BROKER_URL = os.environ.get('CLOUD_BROKER')", {"CELERY_BROKER_URL"}),
    ],
)
def test_a_broker_that_speaks_amqp_is_rabbitmq(django, settings, variables):
    assert found(django(settings, "django\ncelery\n", more=WITH_CELERY)) == (["rabbitmq"], variables)


@pytest.mark.parametrize(
    "settings",
    [
        "CELERY_TASK_ALWAYS_EAGER = True\nCELERY_BROKER_URL = 'amqp://localhost'",
        "CELERY_BROKER_URL = 'amqp://a:b@queue.example.test/a'",
        "CELERY_BROKER_URL = 'memory://'",
        "RABBIT_URL = 'amqp://localhost'\nCELERY_BROKER_URL = 'sqs://'",
    ],
)
def test_another_broker_or_one_elsewhere_needs_none(django, settings):
    assert found(django(settings, "django\ncelery\n", more=WITH_CELERY)) == ([], set())


def test_results_may_be_in_redis_all_the_same(django):
    settings = """
    CELERY_BROKER_URL = os.environ.get("BROKER_URL", "amqp://localhost")
    CELERY_RESULT_BACKEND = os.environ.get("RESULT_BACKEND", "redis://localhost:6379/1")
    """
    proposal = django(settings, "django\ncelery\nredis\n", more=WITH_CELERY)

    assert found(proposal) == (["redis", "rabbitmq"], {"BROKER_URL"})
    assert {v.name: v.value for v in proposal.env if "redis" in (v.value or "")} == {
        "RESULT_BACKEND": "${services.redis.url}/1"
    }


def test_a_container_is_named_with_the_recipe_that_would_run_it(django):
    compose = {"compose.yaml": "services:\n  queue:\n    image: rabbitmq:3\n"}
    proposal = django("", "django\n", more=compose)

    assert found(proposal) == ([], set())
    assert [note.text for note in proposal.notes if note.text.startswith("rabbitmq")] == [
        "rabbitmq: compose runs it as `queue`; `[services.rabbitmq]` would run it"
    ]


def test_where_it_cannot_be_had_the_usual_address_stays_and_a_warning_says_why(django):
    proposal = without_rabbitmq(django("", "django\ncelery\n", more=WITH_CELERY))

    assert found(proposal) == ([], set())
    assert next(v.value for v in proposal.env if v.name == "CELERY_BROKER_URL") == "amqp://guest:guest@localhost:5672//"
    text = "rabbitmq: the code connects to it, and it isn't available here: only Debian and Ubuntu have it"
    assert [(str(note), note.warns) for note in proposal.notes] == [(f"{text} (site_/celery.py:2)", True)]


def test_a_proposal_without_it_stays_as_it_is(django):
    proposal = django("", "django\n")

    assert without_rabbitmq(proposal) is proposal
