"""The only reader of the environment; every problem is reported at once."""

from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.core.errors import ConfigError
from app.core.invalid import invalid

REDIS_SCHEMES = ("redis", "rediss", "unix", "redis+cluster", "rediss+cluster")
SHORTEST_KEY = 32


class Settings(BaseSettings):
    """The environment, as `.env.example` lists it."""

    model_config = SettingsConfigDict(extra="ignore", env_ignore_empty=True)

    slack_bot_token: str = ""
    slack_signing_secret: str = ""
    slack_app_token: str = ""
    slack_api_url: str = "https://slack.com/api/"
    github_webhook_secret: str = ""
    github_token: str = ""
    github_app_id: str = ""
    github_app_private_key: str = ""
    github_api_url: str = "https://api.github.com"
    openai_api_key: str = ""
    openai_base_url: str = "https://api.openai.com/v1"
    openai_model: str = "gpt-5-mini"
    redis_url: str = ""
    deploybot_config: Path = Path("deploybot.toml")
    deploybot_lease_seconds: float = Field(default=30.0, gt=0, allow_inf_nan=False)
    deploybot_signing_key: str = ""
    deploybot_token: str = ""
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    fly_app_name: str = ""

    @property
    def has_github(self) -> bool:
        """Tell whether there are credentials for GitHub's API."""
        return bool(self.github_token or self.github_app_id)

    def webhook_secrets(self) -> list[str]:
        """Return GitHub's secrets: several, separated by commas, while one is being replaced."""
        return [secret.strip() for secret in self.github_webhook_secret.split(",")]

    def secrets(self) -> list[str]:
        """Return every secret value, for the log's redaction."""
        password = _password(self.redis_url)
        values = (
            self.slack_bot_token,
            self.slack_signing_secret,
            self.slack_app_token,
            *self.webhook_secrets(),
            self.github_token,
            self.github_app_private_key,
            self.openai_api_key,
            self.deploybot_signing_key,
            self.deploybot_token,
            password,
            unquote(password),
        )
        return [value for value in values if value]


def _password(url: str) -> str:
    try:
        return urlsplit(url).password or ""
    except ValueError:
        return ""


def load_settings() -> Settings:
    """Read the environment; raise `ConfigError` naming each variable that is wrong."""
    settings, problems = read_settings()
    if problems:
        raise ConfigError(problems)
    return settings


def read_settings() -> tuple[Settings, list[str]]:
    """Read the environment: a variable that is wrong has its default, and a sentence says so."""
    problems: list[str] = []
    try:
        settings = Settings()
    except ValidationError as error:
        wrong = dict(invalid(error))
        problems += [f"{name.upper()}: {sentence}" for name, sentence in wrong.items()]
        defaults: dict[str, Any] = {name: Settings.model_fields[name].default for name in wrong}
        settings = Settings(**defaults)
    if settings.fly_app_name and not settings.redis_url:
        problems.append(
            "REDIS_URL: required on Fly: the embedded server would be lost with the machine"
        )
    if settings.redis_url and settings.redis_url.partition("://")[0] not in REDIS_SCHEMES:
        problems.append(f"REDIS_URL: has to begin with one of {', '.join(REDIS_SCHEMES)}")
    if 0 < len(settings.deploybot_signing_key.encode()) < SHORTEST_KEY:
        problems.append(f"DEPLOYBOT_SIGNING_KEY: has to have at least {SHORTEST_KEY} bytes")
    if bool(settings.github_app_id) != bool(settings.github_app_private_key):
        problems.append("GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY: set both, or neither")
    return settings, problems


def missing_for_service(settings: Settings, *, listens: bool = True) -> list[str]:
    """Return a sentence for each variable that `serve` cannot do without.

    What only speaks and acts (it does not listen) has no use for what checks signatures.
    """
    needed = {"SLACK_BOT_TOKEN": settings.slack_bot_token}
    if listens and not settings.slack_app_token:
        needed["SLACK_SIGNING_SECRET"] = settings.slack_signing_secret
    if listens:
        needed["GITHUB_WEBHOOK_SECRET"] = settings.github_webhook_secret
    return [f"{name}: not set" for name, value in needed.items() if not value]
