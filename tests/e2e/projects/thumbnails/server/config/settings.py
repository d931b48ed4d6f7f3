import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent

SECRET_KEY = os.environ.get("DJANGO_SECRET_KEY")
DEBUG = os.environ.get("DJANGO_DEBUG", "1") == "1"
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = ["django.contrib.contenttypes", "huey.contrib.djhuey", "pictures"]
MIDDLEWARE = []
ROOT_URLCONF = "config.urls"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "db.sqlite3"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
HUEY = {"huey_class": "huey.SqliteHuey", "name": "thumbnails", "filename": str(BASE_DIR / "queue.sqlite3"), "immediate": False}

if os.environ.get("USE_REDIS"):
    HUEY = {"huey_class": "huey.RedisHuey", "url": os.environ["REDIS_URL"]}
