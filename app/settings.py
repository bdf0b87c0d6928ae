"""The only reader of the environment and of deploybot.toml; every problem is reported at once."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.core import duration
from app.core.config import EnvironmentConfig, RepoConfig, TargetConfig
from app.core.errors import ConfigError, UserError
from app.core.ports import Deployer

SERVICE_NAME = re.compile(r"[a-z][a-z0-9_]*")
CHANNEL_ID = re.compile(r"[CG][A-Z0-9]+")
APPROVER_ID = re.compile(r"[UWS][A-Z0-9]+")
REPO_NAME = re.compile(r"[A-Za-z0-9-]+/[A-Za-z0-9._-]+")


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
    deploybot_lease_seconds: float = Field(default=30.0, gt=0)
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    fly_app_name: str = ""

    def secrets(self) -> list[str]:
        """Return every secret value, for the log's redaction."""
        values = (
            self.slack_bot_token,
            self.slack_signing_secret,
            self.slack_app_token,
            self.github_webhook_secret,
            self.github_token,
            self.github_app_private_key,
            self.openai_api_key,
        )
        return [value for value in values if value]


def load_settings() -> Settings:
    """Read the environment; raise `ConfigError` naming each variable that is wrong."""
    try:
        settings = Settings()
    except ValidationError as error:
        raise ConfigError([_problem(e, upper=True) for e in error.errors()]) from None
    problems: list[str] = []
    if settings.fly_app_name and not settings.redis_url:
        problems.append(
            "REDIS_URL: required on Fly: the embedded server would be lost with the machine"
        )
    if bool(settings.github_app_id) != bool(settings.github_app_private_key):
        problems.append("GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY: set both, or neither")
    if problems:
        raise ConfigError(problems)
    return settings


def missing_for_service(settings: Settings) -> list[str]:
    """Return a sentence for each variable that `serve` cannot do without."""
    needed = {"SLACK_BOT_TOKEN": settings.slack_bot_token}
    if not settings.slack_app_token:
        needed["SLACK_SIGNING_SECRET"] = settings.slack_signing_secret
    needed["GITHUB_WEBHOOK_SECRET"] = settings.github_webhook_secret
    return [f"{name}: not set" for name, value in needed.items() if not value]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Environment(_Strict):
    e2e: dict[str, Any] | None = None
    services: dict[str, dict[str, Any]]


class _Repo(_Strict):
    branch: str = "main"
    channel: str
    approvers: list[str]
    approvals_needed: int = Field(default=1, ge=1, le=10)
    allow_self_approval: bool = False
    approval_expires: str = "24h"
    instructions: str = Field(default="", max_length=4000)
    people: dict[str, str] = {}
    staging: _Environment
    production: _Environment


class _File(_Strict):
    repos: dict[str, _Repo]


def load_repos(path: Path, deployers: Mapping[str, Deployer]) -> dict[str, RepoConfig]:
    """Read the configuration file; raise `ConfigError` with every problem, each by its key."""
    if not path.is_file():
        raise UserError(
            f"There is no configuration file {str(path)!r}. Copy deploybot.example.toml there, "
            "or name another with DEPLOYBOT_CONFIG."
        )
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError([f"{path}: not valid TOML: {error}"]) from None
    try:
        file = _File.model_validate(data)
    except ValidationError as error:
        raise ConfigError([_problem(e) for e in error.errors()]) from None
    reader = _Reader(deployers)
    repos = {name: reader.repo(name, repo) for name, repo in file.repos.items()}
    if not repos:
        reader.problems.append('repos: empty: configure at least one, as [repos."owner/name"]')
    if reader.problems:
        raise ConfigError(reader.problems)
    return repos


class _Reader:
    """Turns the file's tables into the core's configuration and collects what is wrong."""

    def __init__(self, deployers: Mapping[str, Deployer]) -> None:
        self.problems: list[str] = []
        self._deployers = deployers

    def repo(self, name: str, repo: _Repo) -> RepoConfig:
        key = f'repos."{name}"'
        self._match(key, name, REPO_NAME, 'not "owner/name"')
        self._match(f"{key}.channel", repo.channel, CHANNEL_ID, "not a Slack channel id (C…)")
        self._approvers(f"{key}.approvers", repo.approvers)
        for login, user in repo.people.items():
            self._match(f"{key}.people.{login}", user, APPROVER_ID, "not a Slack user id (U…)")
        return RepoConfig(
            name=name,
            branch=repo.branch,
            channel=repo.channel,
            approvers=tuple(repo.approvers),
            approvals_needed=repo.approvals_needed,
            allow_self_approval=repo.allow_self_approval,
            approval_expires_seconds=self._duration(
                f"{key}.approval_expires", repo.approval_expires
            ),
            instructions=repo.instructions,
            people=repo.people,
            staging=self._environment(f"{key}.staging", repo.staging, production=False),
            production=self._environment(f"{key}.production", repo.production, production=True),
        )

    def _environment(
        self, key: str, environment: _Environment, *, production: bool
    ) -> EnvironmentConfig:
        if not environment.services:
            self.problems.append(f"{key}.services: empty: name at least one service")
        services: dict[str, TargetConfig] = {}
        for name, table in environment.services.items():
            where = f"{key}.services.{name}"
            self._match(where, name, SERVICE_NAME, "a service name is [a-z][a-z0-9_]*")
            services[name] = self._target(where, table, name, production=production)
        e2e = environment.e2e
        tests = None if e2e is None else self._target(f"{key}.e2e", e2e, None, production=False)
        return EnvironmentConfig(e2e=tests, services=services)

    def _target(
        self, key: str, table: Mapping[str, Any], service: str | None, *, production: bool
    ) -> TargetConfig:
        options = dict(table)
        deployer = options.pop("deployer", None)
        approvers = options.pop("approvers", None) if production else None
        needed = options.pop("approvals_needed", None) if production else None
        if approvers is not None:
            approvers = self._own_approvers(f"{key}.approvers", approvers)
        if needed is not None and (not isinstance(needed, int) or not 1 <= needed <= 10):
            self.problems.append(f"{key}.approvals_needed: {needed!r} is no number from 1 to 10")
            needed = None
        if deployer not in self._deployers:
            known = ", ".join(self._deployers)
            self.problems.append(f"{key}.deployer: {deployer!r} is unknown; there are: {known}")
        else:
            wrong = self._deployers[deployer].problems(options, service)
            self.problems += [f"{key}.{option}: {problem}" for option, problem in wrong]
        return TargetConfig(
            deployer=str(deployer), options=options, approvers=approvers, approvals_needed=needed
        )

    def _own_approvers(self, key: str, approvers: Any) -> tuple[str, ...]:
        if not isinstance(approvers, list):
            self.problems.append(f"{key}: {approvers!r} is no list of Slack ids")
            return ()
        names = [str(approver) for approver in approvers]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        self._approvers(key, names)
        return tuple(names)

    def _approvers(self, key: str, approvers: list[str]) -> None:
        for approver in approvers:
            self._match(key, approver, APPROVER_ID, "not a Slack user or user group id (U…, S…)")

    def _duration(self, key: str, text: str) -> int:
        try:
            return duration.seconds(text)
        except ValueError as error:
            self.problems.append(f"{key}: {error}")
            return 0

    def _match(self, key: str, value: str, pattern: re.Pattern[str], problem: str) -> None:
        if not pattern.fullmatch(value):
            self.problems.append(f"{key}: {value!r}: {problem}")


def _problem(error: Any, *, upper: bool = False) -> str:
    parts = [str(part) for part in error["loc"]]
    key = ".".join(f'"{part}"' if "/" in part else part for part in parts) or "file"
    message = "unknown key" if error["type"] == "extra_forbidden" else error["msg"].lower()
    return f"{key.upper() if upper else key}: {message}"
