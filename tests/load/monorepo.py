"""A monorepo of five services with a channel each, and what each of its pull requests changes."""

import random
from collections.abc import Mapping

from app.core.config import EnvironmentConfig, RepoConfig, TargetConfig
from app.core.ids import thread_id_for
from app.core.spec import Environment
from tests.shop import ALICE, BOB, CARA, REPO

SERVICES = ("web", "api", "billing", "search", "mail")
# Two thirds of the pull requests are of one service; some are of neighbours, few of all.
SHARED = (("web", "api"), ("api", "billing"), ("search", "mail"), SERVICES)
OF_ONE = 2 / 3
SEED = 7


def sha_of(number: int) -> str:
    """Return the commit that a pull request was merged as; later ones contain all before."""
    return f"{number:07x}".ljust(40, "0")


def number_of(sha: str) -> int:
    """Return which pull request was merged as this commit."""
    return int(sha[:7], 16)


def thread_of(number: int) -> str:
    """Return the thread of a merge."""
    return thread_id_for(REPO, "main", sha_of(number))


def touched(number: int) -> tuple[str, ...]:
    """Return the services that a pull request changes."""
    draw = random.Random(f"{SEED} {number}")
    return (draw.choice(SERVICES),) if draw.random() < OF_ONE else draw.choice(SHARED)


def files(number: int) -> list[str]:
    """Return the files that a pull request changes."""
    return [f"{service}/{number}.py" for service in touched(number)]


def channel_of(service: str) -> str:
    """Return the Slack channel of a service."""
    return f"C{1 + SERVICES.index(service):02}{service.upper()}"


def monorepo() -> RepoConfig:
    """Configure it: one card for all that a merge ships, tests in both environments."""
    return RepoConfig(
        name=REPO,
        branch="main",
        channel="C00ALL",
        approvers=(CARA,),
        people={"alice": ALICE, "bob": BOB},
        approval="plan",
        staging=_environment("staging"),
        production=_environment("production"),
    )


def _environment(name: Environment) -> EnvironmentConfig:
    services: Mapping[str, TargetConfig] = {
        service: TargetConfig(
            deployer="target",
            options={"at": f"{name} {service}"},
            paths=(f"{service}/**",),
            channel=channel_of(service),
        )
        for service in SERVICES
    }
    tests = TargetConfig(deployer="target", options={"at": f"{name} e2e"})
    return EnvironmentConfig(e2e=tests, services=services)
