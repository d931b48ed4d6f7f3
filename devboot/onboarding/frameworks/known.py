"""Lists the supported web frameworks in order of precedence, worker libraries and tools."""

from __future__ import annotations

import re

from devboot.onboarding.frameworks.framework import NONE, Framework
from devboot.onboarding.frameworks.migrations.advanced_alchemy import AdvancedAlchemy
from devboot.onboarding.frameworks.migrations.alembic import Alembic
from devboot.onboarding.frameworks.migrations.flask_migrate import FlaskMigrate
from devboot.onboarding.frameworks.migrations.flask_tables import FlaskTables
from devboot.onboarding.frameworks.migrations.tortoise import Tortoise
from devboot.onboarding.frameworks.scripts.aiohttp import Aiohttp
from devboot.onboarding.frameworks.scripts.asgi_script import AsgiScript
from devboot.onboarding.frameworks.scripts.bottle import Bottle
from devboot.onboarding.frameworks.scripts.chainlit import Chainlit
from devboot.onboarding.frameworks.scripts.cherrypy import CherryPy
from devboot.onboarding.frameworks.scripts.dash import Dash
from devboot.onboarding.frameworks.scripts.gradio import Gradio
from devboot.onboarding.frameworks.scripts.mcp import Mcp
from devboot.onboarding.frameworks.scripts.sanic import Sanic
from devboot.onboarding.frameworks.scripts.standard_server import StandardServer
from devboot.onboarding.frameworks.scripts.streamlit import Streamlit
from devboot.onboarding.frameworks.scripts.tornado import Tornado
from devboot.onboarding.frameworks.scripts.webpy import WebPy
from devboot.onboarding.frameworks.scripts.websockets import WebSockets
from devboot.onboarding.frameworks.web.django import Django
from devboot.onboarding.frameworks.web.falcon import Falcon
from devboot.onboarding.frameworks.web.fastapi import FastApi
from devboot.onboarding.frameworks.web.flask import Flask
from devboot.onboarding.frameworks.web.litestar import Litestar
from devboot.onboarding.frameworks.web.pyramid import Pyramid
from devboot.onboarding.frameworks.web.quart import Quart
from devboot.onboarding.frameworks.web.starlette import Starlette
from devboot.onboarding.frameworks.web.static_pages import StaticPages
from devboot.onboarding.frameworks.web.wsgi_function import WsgiFunction
from devboot.onboarding.frameworks.workers.apscheduler import ApScheduler
from devboot.onboarding.frameworks.workers.arq import Arq
from devboot.onboarding.frameworks.workers.bots import Bot
from devboot.onboarding.frameworks.workers.celery import Celery
from devboot.onboarding.frameworks.workers.django_q import DjangoQ
from devboot.onboarding.frameworks.workers.django_tasks import DjangoTasks
from devboot.onboarding.frameworks.workers.dramatiq import Dramatiq
from devboot.onboarding.frameworks.workers.huey import Huey
from devboot.onboarding.frameworks.workers.procrastinate import Procrastinate
from devboot.onboarding.frameworks.workers.rq import Rq
from devboot.onboarding.frameworks.workers.scrapy import Scrapy
from devboot.onboarding.frameworks.workers.taskiq import Taskiq

# A clone has one of these: the first row with an application decides, then the application's rank
FRAMEWORKS: tuple[tuple[Framework, ...], ...] = (
    (Django(),),
    (FastApi(), Flask(), Quart()),
    (Starlette(), Litestar(), Falcon()),
    (
        *(Streamlit(), Chainlit(), Aiohttp(), Gradio(), Dash(), Sanic(), CherryPy(), Tornado(), Bottle(), WebPy()),
        AsgiScript(),
    ),
    (Pyramid(),),
    (Bot(),),
    (Scrapy(),),
    (Mcp(), WebSockets()),
    (StandardServer(), WsgiFunction()),
    (StaticPages(),),
)
# Any of these may be used in addition. Only the first with migrations is used, after the framework's own
TOOLS: tuple[Framework, ...] = (
    Celery(),
    Rq(),
    Huey(),
    DjangoQ(),
    Dramatiq(),
    Procrastinate(),
    DjangoTasks(),
    Arq(),
    Taskiq(),
    ApScheduler(),
    FlaskMigrate(),
    AdvancedAlchemy(),
    Alembic(),
    Tortoise(),
    FlaskTables(),
)
_BY_NAME = {each.name: each for row in FRAMEWORKS for each in row}


def framework_of(name: str | None) -> Framework:
    """Return the `Framework` called `name`, such as "django"; for None one that proposes nothing."""
    return _BY_NAME.get(name or "", NONE)


def imported_packages(text: str) -> set[str]:
    """Return the packages of those frameworks that a module's text imports."""
    names = (each.package for each in _BY_NAME.values() if each.package)
    return {name for name in names if re.search(rf"^(?:from|import)[ \t]+{name}\b", text, re.MULTILINE)}


def worker_words() -> tuple[str, ...]:
    """Return words that occur only in modules from which workers start."""
    return tuple(word for each in TOOLS for word in each.words)
