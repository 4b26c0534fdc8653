"""Django's settings for the AS2 server, as a careful operator would: PostgreSQL, connections kept, no debugging.

From the environment: AS2_PORT, AS2_PASSWORD, AS2_USER, AS2_DATABASE of PostgreSQL on 127.0.0.1, AS2_MEDIA for files.
"""

import os

SECRET_KEY = "a benchmark has none"  # noqa: S105
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "as2_urls"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
MEDIA_ROOT = os.environ["AS2_MEDIA"]
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "pyas2",
]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": "127.0.0.1",
        "PORT": os.environ["AS2_PORT"],
        "USER": os.environ["AS2_USER"],
        "PASSWORD": os.environ["AS2_PASSWORD"],
        "NAME": os.environ["AS2_DATABASE"],
        "CONN_MAX_AGE": None,
    }
}
LOGGING = {"version": 1, "disable_existing_loggers": True}
