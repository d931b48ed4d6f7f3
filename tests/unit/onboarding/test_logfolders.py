"""Folders that the settings' logging opens files in."""

import pytest

LOGGING = "LOGGING = {{'version': 1, 'handlers': {{'f': {{'class': '{}', 'filename': {}, {}}}}}}}\n"
DATABASES = "INSTALLED_APPS = []\nDATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': 'x.db'}}\n"


@pytest.mark.parametrize(
    ("kind", "filename", "more"),
    [
        ("logging.FileHandler", "'log/info.log'", ""),
        ("logging.handlers.RotatingFileHandler", "BASE_DIR / 'log' / 'info.log'", "'backupCount': 3"),
        ("logging.FileHandler", "os.path.join(BASE_DIR, 'log', 'info.log')", ""),
    ],
)
def test_a_folder_for_logs_that_the_clone_lacks_is_made_before_all_else(django, kind, filename, more):
    tasks = django(DATABASES + LOGGING.format(kind, filename, more)).tasks
    assert (tasks[0].name, tasks[0].run, tasks[0].inputs) == ("folders", "mkdir -p log", ())
    assert tasks[1].depends_on[-1] == "folders"


@pytest.mark.parametrize(
    ("settings", "files"),
    [
        (LOGGING.format("logging.FileHandler", "'log/info.log'", ""), {"log/.gitkeep": ""}),
        (LOGGING.format("logging.FileHandler", "'info.log'", ""), {}),
        (LOGGING.format("logging.FileHandler", "'/var/log/info.log'", ""), {}),
        (LOGGING.format("logging.FileHandler", "'log/info.log'", "'delay': True"), {}),
        (LOGGING.format("logging.StreamHandler", "'log/info.log'", ""), {}),
        ("os.makedirs('log', exist_ok=True)\n" + LOGGING.format("logging.FileHandler", "'log/info.log'", ""), {}),
        (
            LOGGING.format("logging.FileHandler", "'log/info.log'", ""),
            {"Procfile": "release: python manage.py migrate\nweb: python manage.py runserver\n"},
        ),
    ],
)
def test_no_other_folder_is_made(django, settings, files):
    assert "folders" not in [task.name for task in django(DATABASES + settings, more=files).tasks]
