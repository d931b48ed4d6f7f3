"""What belongs beside a list of requirements so that its packages go together."""

import pytest

from devboot.environment.locks.companions import companions


def test_celery_with_redis_gets_the_versions_of_kombu_that_take_this_redis():
    assert ("kombu[redis]",) == companions([("django", ()), ("celery", ()), ("redis", ())])


def test_one_line_is_enough_where_both_are_named():
    assert ("kombu[redis]",) == companions([("celery", ()), ("kombu", ()), ("redis", ("hiredis",))])


def test_a_list_that_names_the_extra_itself_is_left_alone():
    assert () == companions([("celery", ("redis",)), ("redis", ())])


def test_without_redis_nothing_is_added():
    assert () == companions([("celery", ()), ("django", ())])


def test_gunicorn_with_gevent_gets_what_its_worker_imports():
    assert ("packaging",) == companions([("gunicorn", ()), ("gevent", ())])
    assert () == companions([("gunicorn", ()), ("gevent", ()), ("packaging", ())])
    assert () == companions([("gunicorn", ())])


@pytest.mark.parametrize("driver", ["asyncpg", "aiosqlite", "aiomysql", "asyncmy"])
def test_sqlalchemy_with_an_asynchronous_driver_gets_what_its_asyncio_needs(driver):
    assert ("sqlalchemy[asyncio]",) == companions([("sqlalchemy", ()), (driver, ())])
    assert () == companions([("sqlalchemy", ("asyncio",)), (driver, ())])
    assert () == companions([(driver, ())])
