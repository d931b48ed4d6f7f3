import os
from pathlib import Path

from dotenv import load_dotenv

BASE_DIR = Path(__file__).resolve().parent.parent.parent
load_dotenv(BASE_DIR / "secrets.env")

SECRET_KEY = os.environ["SECRET_KEY"]
# The sign-in button needs it; there is nothing sensible to fall back to.
GOOGLE_CLIENT_ID = os.environ["GOOGLE_CLIENT_ID"]

DEBUG = False
ROOT_URLCONF = "guestbook.urls"
WSGI_APPLICATION = "guestbook.wsgi.application"
INSTALLED_APPS = ["django.contrib.contenttypes", "entries"]
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CELERY_BROKER_URL = os.environ.get("BROKER_ADDRESS", "redis://queue:6379/0")
CELERY_RESULT_BACKEND = CELERY_BROKER_URL
