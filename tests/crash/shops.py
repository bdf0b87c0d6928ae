"""The shop as the service that dies has it: plainly, or with all that an ordinary day has."""

from typing import Any

from app.core.config import EnvironmentConfig, RepoConfig, TargetConfig
from app.core.spec import Environment
from tests.crash.target import options
from tests.fake_calendar import EachMinute, freeze
from tests.shop import repo_config

PATHS = {"frontend": ("web/**",), "backend": ("api/**",), "e2e": ()}
JOB = "migrate"
YEAR_2100 = 4_102_444_800_000


def configured(shop: str, name: str) -> RepoConfig:
    """Configure the shop so that each target, of a class or a deployer, knows what it is.

    In an ordinary "day" one card is for a plan, with a job in it, in a freeze without an end. With
    "plans" one card is for a plan, too. What is not on production is asked about each minute where
    that is "scheduled".
    """
    production = _environment(name, "production")
    changes: dict[str, Any] = {}
    if shop == "day":
        job = _target(name, "production", JOB).model_copy(update={"before": "backend"})
        production = production.model_copy(update={"jobs": {JOB: job}})
        changes = {"approval": "plan", "freeze": (freeze(0, YEAR_2100),)}
    if shop == "plans":
        changes = {"approval": "plan"}
    if shop == "scheduled":
        changes = {"undeployed": EachMinute()}
    staging = _environment(name, "staging")
    changes |= {"people": {}, "remind_after_seconds": 0}
    return repo_config("target", staging=staging, production=production, **changes)


def _environment(name: str, environment: Environment) -> EnvironmentConfig:
    targets = {service: _target(name, environment, service) for service in PATHS}
    e2e = targets.pop("e2e")
    return EnvironmentConfig(e2e=e2e, services=targets)


def _target(name: str, environment: Environment, service: str) -> TargetConfig:
    paths = PATHS.get(service, ("api/migrations/**",))
    return TargetConfig(deployer="target", options=options(name, environment, service), paths=paths)
