"""The only reader of deploybot.toml; every problem is reported at once, by its key."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ValidationError

from app import cron
from app.core import duration
from app.core.config import EnvironmentConfig, RepoConfig, TargetConfig
from app.core.errors import ConfigError, UserError
from app.core.freezes import Freeze
from app.core.invalid import invalid
from app.core.lock_form import ALL
from app.core.ports import Deployer
from app.core.spec import Environment
from app.tables import (
    EnvironmentTable,
    FileTable,
    FreezeTable,
    JobRules,
    NoRules,
    ProductionTable,
    RepoTable,
    Rules,
    ServiceRules,
    UndeployedTable,
)
from app.working_hours import out_of_order

SERVICE_NAME = re.compile(r"[a-z][a-z0-9_]*")
LONGEST_SERVICE_NAME = 40  # the names of the model's tools may have 64 characters
E2E = "e2e"
REPO_NAME = re.compile(r"[A-Za-z0-9-]+/[A-Za-z0-9._-]+")
_Model = TypeVar("_Model", bound=BaseModel)


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
    except RecursionError:
        raise ConfigError([f"{path}: nested too deeply"]) from None
    except OSError as error:
        raise UserError(f"{str(path)!r} cannot be read: {error.strerror}.") from None
    return _Reader(deployers).repos(data)


def load_repos_after(
    problems: list[str], path: Path, deployers: Mapping[str, Deployer]
) -> dict[str, RepoConfig]:
    """Read the configuration file; what is wrong with it is reported after `problems`."""
    try:
        repos = load_repos(path, deployers)
    except ConfigError as error:
        raise ConfigError([*problems, *error.problems]) from None
    except UserError as error:
        if not problems:
            raise
        raise ConfigError([*problems, str(error)]) from None
    if problems:
        raise ConfigError(problems)
    return repos


def unenforced(repos: Mapping[str, RepoConfig], *, has_github: bool) -> list[str]:
    """Return a sentence for each key that cannot be kept to without GitHub's credentials."""
    if has_github:
        return []
    return [
        f'repos."{name}".production.{kind}.{service}.paths: needs GITHUB_TOKEN or an App, '
        "to see which files a change has"
        for name, repo in repos.items()
        for kind in ("services", "jobs")
        for service, target in getattr(repo.production, kind).items()
        if target.paths
    ]


class _Reader:
    """Turns the file's tables into the core's configuration and collects what is wrong.

    A table that is wrong itself does not hide what is wrong in the tables below it.
    """

    def __init__(self, deployers: Mapping[str, Deployer]) -> None:
        self.problems: list[str] = []
        self._deployers = deployers

    def repos(self, data: Mapping[str, Any]) -> dict[str, RepoConfig]:
        """Return every repository; raise `ConfigError` if anything is wrong anywhere."""
        self._valid(FileTable, "", data)
        found = {name: self._repo(name, table) for name, table in _table(data, "repos").items()}
        if self.problems:
            raise ConfigError(self.problems)
        return {name: repo for name, repo in found.items() if repo}

    def _repo(self, name: str, table: Any) -> RepoConfig | None:
        key = f'repos."{name}"'
        if not REPO_NAME.fullmatch(name):
            self.problems.append(f'{key}: not "owner/name"')
        repo = self._valid(RepoTable, key, table)
        staging = self._environment(key, "staging", _entries(table))
        production = self._environment(key, "production", _entries(table))
        if repo is None:
            return None
        self.problems += [f"{key}.{problem}" for problem in _calling(repo)]
        return RepoConfig(
            name=name,
            branch=repo.branch,
            mode=repo.mode,
            channel=repo.channel,
            approvers=tuple(repo.approvers),
            approvals_needed=repo.approvals_needed,
            allow_self_approval=repo.allow_self_approval,
            approval=repo.approval,
            risky=tuple(repo.risky),
            approval_expires_seconds=duration.seconds(repo.approval_expires),
            instructions=repo.instructions,
            people=repo.people,
            zone=ZoneInfo(repo.zone),
            freeze=_freezes(repo.freeze, ZoneInfo(repo.zone)),
            undeployed=_schedule(repo.undeployed, ZoneInfo(repo.zone)),
            supersede=repo.supersede,
            urgent_label=repo.urgent_label,
            hours=repo.hours.parsed(ZoneInfo(repo.zone)) if repo.hours else None,
            remind_after_seconds=duration.seconds(repo.remind_after),
            escalate_to=tuple(repo.escalate_to),
            escalate_after_seconds=duration.seconds(repo.escalate_after),
            staging=staging,
            production=production,
        )

    def _environment(
        self, repo: str, name: Environment, repo_table: Mapping[str, Any]
    ) -> EnvironmentConfig:
        key, table = f"{repo}.{name}", _table(repo_table, name)
        production = name == "production"
        if isinstance(repo_table.get(name), dict):  # if not, the repository's own check says so
            self._valid(ProductionTable if production else EnvironmentTable, key, table)
        target = partial(self._target, environment=name, zone=_known_zone(repo_table))
        services: dict[str, TargetConfig] = {}
        for service, options in _tables(_table(table, "services")):
            where = f"{key}.services.{service}"
            self._service_name(where, service)
            rules = ServiceRules if production else NoRules
            services[service] = target(where, options, service, rules)
        jobs: dict[str, TargetConfig] = {}
        for job, options in _tables(_table(table, "jobs")) if production else []:
            where = f"{key}.jobs.{job}"
            self._job_name(where, job, services)
            jobs[job] = target(where, options, job, JobRules)
            self._job(where, jobs[job], services)
        tests = [
            target(f"{key}.{E2E}", e2e, None, NoRules) for k, e2e in _tables(table) if k == E2E
        ]
        return EnvironmentConfig(e2e=tests[0] if tests else None, services=services, jobs=jobs)

    def _job_name(self, key: str, name: str, services: Mapping[str, TargetConfig]) -> None:
        self._service_name(key, name)
        if name in services:
            self.problems.append(f"{key}: that is what a service is called")

    def _job(self, key: str, job: TargetConfig, services: Mapping[str, TargetConfig]) -> None:
        if job.before is not None and job.before not in services:
            names = ", ".join(services)
            self.problems.append(f"{key}.before: {job.before!r} is no service; there are: {names}")
        if "current" in job.options:
            self.problems.append(f"{key}.current: a job has no version that runs")

    def _service_name(self, key: str, name: str) -> None:
        if not SERVICE_NAME.fullmatch(name) or len(name) > LONGEST_SERVICE_NAME:
            self.problems.append(f"{key}: a service name is [a-z][a-z0-9_]*, up to 40 characters")
        if name == E2E:
            self.problems.append(f"{key}: that is what the tests are called")
        if name in ALL:
            self.problems.append(f"{key}: that is what people call all services")

    def _target(
        self,
        key: str,
        table: Mapping[str, Any],
        service: str | None,
        kind: type[Rules],
        environment: Environment,
        zone: ZoneInfo,
    ) -> TargetConfig:
        options = dict(table)
        deployer = options.pop("deployer", None)
        own = [name for name in kind.model_fields if name in options]
        rules = self._valid(kind, key, {name: options.pop(name) for name in own}) or kind()
        if not isinstance(deployer, str) or deployer not in self._deployers:
            known = ", ".join(self._deployers)
            self.problems.append(f"{key}.deployer: {deployer!r} is unknown; there are: {known}")
        else:
            wrong = self._deployers[deployer].problems(options, service, environment)
            self.problems += [f"{key}.{option}: {problem}" for option, problem in wrong]
        return TargetConfig(deployer=str(deployer), options=options, **_own(rules, zone))

    def _valid(self, model: type[_Model], key: str, table: Any) -> _Model | None:
        try:
            return model.model_validate(table)
        except ValidationError as error:
            self.problems += [
                f"{f'{key}.{where}' if key and where else key or where}: {sentence}"
                for where, sentence in invalid(error)
            ]
            return None


def _own(rules: Rules, zone: ZoneInfo) -> dict[str, Any]:
    """Return the rules as the core has them; what is not set is the repository's."""
    own: dict[str, Any] = {}
    for name in type(rules).model_fields:
        value = getattr(rules, name)
        if name == "freeze" and value is not None:
            own[name] = _freezes(value, zone)
        elif value is not None:
            own[name] = tuple(cast("list[str]", value)) if isinstance(value, list) else value
    return own


def _freezes(tables: Sequence[FreezeTable], zone: ZoneInfo) -> tuple[Freeze, ...]:
    return tuple(
        Freeze(
            calendar=cron.Cron(table.cron, duration.seconds(table.duration), zone),
            reason=table.reason,
        )
        for table in tables
    )


def _schedule(table: UndeployedTable | None, zone: ZoneInfo) -> cron.Cron | None:
    return cron.Cron(table.cron, 0, zone) if table else None


def _calling(repo: RepoTable) -> list[str]:
    """Return what is wrong with when people are called, by its key."""
    found = out_of_order(repo.hours, repo.remind_after, repo.escalate_to, repo.escalate_after)
    if "escalate_after" in repo.model_fields_set and not repo.escalate_to:
        found.append("escalate_after: escalate_to names nobody")
    lasts = duration.seconds(repo.approval_expires)
    if "remind_after" in repo.model_fields_set and lasts <= duration.seconds(repo.remind_after):
        found.append(f"approval_expires: has to be longer than remind_after, {repo.remind_after!r}")
    return found


def _known_zone(repo_table: Mapping[str, Any]) -> ZoneInfo:
    """Return a repository's zone; UTC for what is none, which its own check reports."""
    name = repo_table.get("zone")
    with suppress(ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo(name) if isinstance(name, str) else ZoneInfo("UTC")
    return ZoneInfo("UTC")


def _entries(value: Any) -> dict[str, Any]:
    """Return a table; an empty one for what is none, which its own check reports."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _table(parent: Mapping[str, Any], key: str) -> dict[str, Any]:
    return _entries(parent.get(key))


def _tables(parent: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [(key, cast("dict[str, Any]", v)) for key, v in parent.items() if isinstance(v, dict)]
