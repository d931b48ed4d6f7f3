"""What uvicorn and gunicorn serve."""

import os

from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "feedreader.settings")

# One style sheet and one script: no web server is needed in front for these.
application = ASGIStaticFilesHandler(get_asgi_application())
