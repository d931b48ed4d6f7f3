"""What to write for each variable without which the application doesn't start."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from devboot.onboarding.proposal_values import Variable
from devboot.onboarding.reading.dotenv import Variable as Line
from devboot.onboarding.symbolic_eval.machine import PRESENCE, Need

# Made by somebody else, so no value of ours will do
FOREIGN = re.compile(
    r"CLIENT|OAUTH|STRIPE|AWS|AZURE|GOOGLE|GITHUB|GITLAB|SLACK|TWILIO|OPENAI|ANTHROPIC|GEMINI|LINKEDIN|FACEBOOK|TWITTER|DISCORD|TELEGRAM|"
    r"S3_|MAIL|SMTP|SENTRY|RECAPTCHA|CAPTCHA|CLOUD|NOTIFY|PAYPAL|AUTH0|OKTA|SENDGRID|MAILGUN|BOT_|HUGGING|GROQ|APPLE|SPOTIFY|ALGOLIA|FIREBASE|"
    r"SUPABASE|DATADOG|PUBLISHABLE|VAPID|PRIVATE_KEY|PUBLIC_KEY|CERT|ACCESS_KEY|DB_|DATABASE|POSTGRES|MYSQL|REDIS|LICENSE|LDAP|SSO|HAWK"
)
OWN = re.compile(
    r"(?:^|_)(?:SECRET|SECRET_?KEY(?:_BASE)?|SECRETKEY|JWT_SECRET(?:_KEY)?|JWT_KEY|JWT_SIGNING_KEY|SIGNING_(?:KEY|SECRET)|TOKEN_SECRET|"
    r"SESSION_(?:SECRET|KEY)|COOKIE_(?:SECRET|KEY)|CSRF_(?:SECRET|KEY)|AUTH_SECRET|APP_(?:SECRET|KEY)|ENCRYPTION_KEY|ENCRYPT_KEY|FERNET_KEYS?|"
    r"CRYPTO_KEY|CRYPTOGRAPHY_KEY|FIELD_ENCRYPTION_KEY|PASSWORD_SALT|SALT|SALT_KEY|PEPPER|HASH_KEY|USER_TOKEN|INTERNAL_TOKEN|ADMIN_TOKEN|"
    r"SECRET_TOKEN|SECRET_STRING|ACCESS_TOKEN_SECRET(?:_KEY)?|REFRESH_TOKEN_SECRET(?:_KEY)?|REFRESH_SECRET(?:_KEY)?|KEY_SALT|TOKEN_KEY|DJANGO_KEY|"
    r"MASTER_KEY|ACCESS_SECRET|VERIFICATION_SECRET|RESET_SECRET|RESET_PASSWORD_SECRET|ITSDANGEROUS_KEY)$"
)
PASSWORD = re.compile(r"(?:SUPERUSER|ADMIN|FIRST_USER|DEFAULT_USER)\w*PASS(?:WORD)?$|^(?:ADMIN|SUPERUSER)_PASSWORD$")
SECRET = re.compile(r"SECRET|TOKEN|PASS|API_?KEY|ACCESS_KEY|PRIVATE|CREDENTIAL|_KEY$|SALT|DSN$")
FERNET = re.compile(r"FERNET|ENCRYPT|CRYPT")
SWITCH = re.compile(r"(?:^|_)(?:DEBUG|DEV|DEVELOPMENT|LOCAL|DEV_MODE|IS_DEV|DEVELOPMENT_MODE)$")
MODE = re.compile(
    r"(?:^|_)(?:ENV|ENVIRONMENT|APP_ENV|FLASK_ENV|FLASK_CONFIG|CONFIG|APP_CONFIG|APP_SETTINGS|CONFIG_NAME|STAGE|MODE|DEPLOYMENT|PRODUCTION|CONFIG_MODE|"
    r"RUN_ENV|ENV_NAME|PROFILE|APP_MODE|ENV_STATE|DJANGO_CONFIGURATION|CONFIG_TYPE|ENV_FOR_DYNACONF)$"
)
DEVELOPS = re.compile(r"dev|local|debug|^(?:1|true|yes|on|t)$", re.IGNORECASE)
# Values that are as good as any while developing
USUAL: tuple[tuple[str, str], ...] = (
    (r"(?:^|_)DEBUG(?:_MODE)?$", "True"),
    (r"(?:^|_)(?:APP_ENV|FLASK_ENV|ENV|ENVIRONMENT|STAGE)$", "development"),
    (r"(?:^|_)(?:JWT_|TOKEN_)?ALGORITHM$|JWT_ALG$", "HS256"),
    (r"(?:EXPIRE|EXPIRATION|EXPIRES|LIFETIME|TTL|TIMEOUT)\w*(?:MINUTES?|MIN)(?:_?S)?$", "30"),
    (r"(?:EXPIRE|EXPIRATION|EXPIRES|LIFETIME)\w*DAYS?$", "7"),
    (r"(?:EXPIRE|EXPIRATION|EXPIRES|LIFETIME|TTL)\w*(?:SECONDS?)?$", "3600"),
    (r"LOG_?LEVEL$", "info"),
    (r"(?:^|_)TIME_?ZONE$", "UTC"),
    (r"(?:^|_)ADMIN_(?:URL|PATH)$", "admin/"),
    (r"^(?:USE|IN)_DOCKER$", "no"),
    (r"^(?:(?:SITE|APP|WEB|SERVER|BACKEND|FRONTEND)_)?PROTOCOL$", "http"),
    (r"LANGUAGE_CODE$", "en-us"),
    (r"^DYNO$", "local.1"),
    (r"(?:^|_)REDIS_PASS(?:WORD)?$", ""),
    # Nothing is sent by starting; where mail is sent, it doesn't leave this machine
    (r"(?:^|_)(?:MAIL|SMTP|EMAIL)_(?:SERVER|HOST|HOSTNAME)$", "127.0.0.1"),
    (r"(?:^|_)(?:MAIL|SMTP|EMAIL)_PORT$", "1025"),
    (r"(?:^|_)(?:MAIL|SMTP|EMAIL|EMAIL_HOST)_(?:USER|USERNAME|PASSWORD)$", "development"),
    (r"(?:^|_)(?:(?:MAIL|EMAIL)_FROM|FROM_EMAIL|(?:MAIL|EMAIL)_(?:DEFAULT_)?SENDER)$", "development@example.com"),
    (r"(?:^|_)(?:MAIL|EMAIL)S?_FROM_NAME$", "development"),
    (r"^(?:APP_|SITE_)?DOMAIN$", "localhost"),
    (r"^(?:WEB_|APP_|SERVER_|UVICORN_)?HOST$", "127.0.0.1"),
    (r"^(?:WEB_|APP_|SERVER_|UVICORN_)PORT$", "8000"),
    (r"(?:^|_)(?:WEB_CONCURRENCY|WORKERS|CONCURRENCY|WEB_WORKERS|GUNICORN_WORKERS)$", "1"),
    (r"(?:^|_)(?:EMAIL|MAIL)_BACKEND$", "django.core.mail.backends.console.EmailBackend"),
)
_NUMBER = re.compile(r"(?:^|_)PORT$")
_AS_NUMBER = {"True": "1", "no": "0"}
_BOOLEANS = frozenset(
    {"", "0", "1", "true", "false", "yes", "no", "on", "off", "t", "f", "y", "n", "enabled", "disabled"}
)
# What somebody else gives out for an account: no text shows that it is made up, until it is used
_ACCOUNT = re.compile(
    r"(?:CLIENT_?(?:ID|SECRET)|API_?(?:KEY|SECRET|TOKEN)|ACCESS_?(?:KEY|TOKEN)(?:_ID)?|(?:APP|CONSUMER|WEBHOOK)_?(?:SECRET|KEY))$"
)
HOSTS = re.compile(r"ALLOWED_HOSTS?$|(?:^|_)HOSTS$|TRUSTED_HOSTS$")
ORIGINS = re.compile(r"ORIGINS?$|CORS_\w*(?:HOSTS|URLS|ALLOWED)$")
# Variables that hold a host alone; users, databases and kinds of backends are called `postgres` or `redis`, too
HOLDS_HOST = re.compile(r"HOST|SERVER|ADDR|ENDPOINT|UR[LI]|BROKER|LOCATION|(?:^|_)(?:IP|NODES?)$")


@dataclass(frozen=True, slots=True)
class Sources:
    """What else is known: templates, compose, names of containers, whether Fernet is used, and the file for values."""

    examples: Mapping[str, Line]
    composed: Mapping[str, str]
    hosts: frozenset[str]
    uses_fernet: bool
    file: str = ".env"
    stem: str = ""
    secrets: frozenset[str] = frozenset()  # that Heroku makes up, too
    is_web: bool = True  # whether it serves: a bot is of no use without its token


def describe(need: Need, sources: Sources) -> Variable:
    """The entry of `[env]` for a variable that is needed."""
    evidence = need.place
    kind = generated(need.name, sources)
    if kind:
        return Variable(need.name, generate=kind, evidence=evidence)
    value = sensible(need, sources)
    if value is not None:
        return Variable(need.name, value=value, evidence=evidence)
    if need.why == PRESENCE and sources.is_web and _ACCOUNT.search(need.name.upper()):
        text = f"any value starts it; the account's own goes into {sources.file}"
        return Variable(need.name, generate="token", description=text, evidence=evidence, file=sources.file)
    return required_variable(need, sources)


def required_variable(need: Need, sources: Sources) -> Variable:
    """Return the entry of `[env]` for a variable whose value stands in an env file of each developer."""
    where = f"read at {need.place}" if need.place else "used in a command"
    alternatives = f" (or {', '.join(need.others)})" if need.others else ""
    text = f"{where}{alternatives}, put it in {sources.file}"
    return Variable(
        need.name,
        required=True,
        secret=bool(SECRET.search(need.name)),
        description=text,
        evidence=need.place,
        file=sources.file,
    )


def generated(name: str, sources: Sources) -> str | None:
    """How to make a value, where any value will do."""
    upper = name.upper()
    if PASSWORD.search(upper):
        return "password"
    if name in sources.secrets:
        return "fernet" if FERNET.search(upper) and sources.uses_fernet else "token"
    if not OWN.search(upper) or FOREIGN.search(re.sub(r"DJANGO|FLASK|APP", "", upper)):
        return None
    if FERNET.search(upper) and (sources.uses_fernet or "FERNET" in upper):
        return "fernet"
    return "hex" if "HEX" in upper else "token"


def sensible(need: Need, sources: Sources) -> str | None:
    """A value for development: the project's own template first, then what is usual."""
    example = sources.examples.get(need.name)
    if example is not None and not example.is_placeholder and fits(need, example.text):
        return local(need.name, example.text, sources.hosts)
    composed = sources.composed.get(need.name)
    is_meant = composed and "$" not in composed and not Line(need.name, composed, "", 0).is_placeholder
    if composed and is_meant and fits(need, composed):
        return local(need.name, composed, sources.hosts)
    return usual(need, example)


def fits(need: Need, text: str) -> bool:
    """Whether what reads the variable can parse a text."""
    kind = need.cast.rpartition(".")[2]
    if kind in ("int", "float") or (not kind and _NUMBER.search(need.name.upper())):
        return bool(
            re.fullmatch(
                r"\s*[-+]?\d+(?:_\d+)*" + (r"(?:\.\d*)?(?:[eE][-+]?\d+)?" if kind == "float" else "") + r"\s*", text
            )
        )
    if kind == "bool" or (not kind and SWITCH.search(need.name.upper())):
        return text.strip().lower() in _BOOLEANS
    return True


def usual(need: Need, example: Line | None) -> str | None:
    """What is as good as any value while developing."""
    upper = need.name.upper()
    as_json = bool(re.search(r"list\[|List\[|set\[|tuple\[|AnyHttpUrl", need.cast)) or (
        example is not None and example.text.startswith("[")
    )
    if HOSTS.search(upper):
        hosts = ["localhost", "127.0.0.1"]
        return json.dumps(hosts) if as_json else (need.separator or ",").join(hosts)
    if ORIGINS.search(upper):
        origins = ["http://localhost:3000", "http://localhost:8000"]
        return json.dumps(origins) if as_json else (need.separator or ",").join(origins)
    for pattern, value in USUAL:
        if re.search(pattern, upper):
            return _AS_NUMBER.get(value, value) if need.cast.rpartition(".")[2] in ("int", "float") else value
    return "false" if need.cast in ("bool", "builtins.bool") else None


def local(variable: str, value: str, hosts: frozenset[str]) -> str:
    """A variable's value with a container's host name, made to point to this machine."""
    if value == "host.docker.internal" or (value in hosts and HOLDS_HOST.search(variable.upper())):
        return "127.0.0.1"
    if "://" in value:
        try:
            parts = urlsplit(value)
            name = parts.hostname or ""
        except ValueError:
            return value
        if name in hosts or name == "host.docker.internal":
            login, mark, address = parts.netloc.rpartition("@")
            return urlunsplit(parts._replace(netloc=login + mark + address.replace(name, "127.0.0.1", 1)))
    return value
