"""What a team configures for one repository, parsed; knows nothing of files or the environment."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, tzinfo
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, InstanceOf

from app.core.freezes import Freeze
from app.core.hours import Hours
from app.core.schedules import Schedule


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TargetConfig(_Frozen):
    """One thing that a deployer acts on: a service in an environment, or its e2e tests.

    `options` are the deployer's own keys, already checked against its `Options` model.
    `approvers`, `approvals_needed`, `channel` and `freeze` are None where the repository's values
    apply. `paths` are the globs of the files that a change of a service touches; empty: every
    change does. A job is due when a change has files of its `paths`, in front of the service that
    it runs `before`. `risky` are the globs of the files whose change is approved with a second
    click.
    """

    deployer: str
    options: Mapping[str, Any]
    approvers: tuple[str, ...] | None = None
    approvals_needed: int | None = None
    channel: str | None = None
    paths: tuple[str, ...] = ()
    freeze: tuple[Freeze, ...] | None = None
    before: str | None = None
    risky: tuple[str, ...] | None = None


class EnvironmentConfig(_Frozen):
    """The services of one environment in their default order, its jobs, and its e2e tests."""

    e2e: TargetConfig | None = None
    services: Mapping[str, TargetConfig]
    jobs: Mapping[str, TargetConfig] = {}

    @property
    def targets(self) -> Mapping[str, TargetConfig]:
        """Return the services and the jobs, whose names are all different."""
        return {**self.services, **self.jobs}

    @property
    def order(self) -> tuple[str, ...]:
        """Return the default order: the services, each job right in front of its service."""
        names = [job for job, its in self.jobs.items() if its.before is None]
        for service in self.services:
            names += [job for job, its in self.jobs.items() if its.before == service]
            names.append(service)
        return tuple(names)


class RepoConfig(_Frozen):
    """Everything configured for one repository; `people` maps GitHub logins to Slack user ids.

    With `approval` "call" each step has a card of its own, with "plan" all steps have one; a
    rollback of several services has one either way.
    Reminders and escalations count working time: without `hours`, that is all time.
    """

    name: str
    branch: str
    mode: Literal["live", "shadow"] = "live"
    channel: str
    approvers: tuple[str, ...]
    approvals_needed: int = 1
    allow_self_approval: bool = False
    approval: Literal["call", "plan"] = "call"
    approval_expires_seconds: int = 24 * 3600
    instructions: str = ""
    people: Mapping[str, str] = {}
    risky: tuple[str, ...] = ()
    zone: InstanceOf[tzinfo] = UTC
    freeze: tuple[Freeze, ...] = ()
    undeployed: InstanceOf[Schedule] | None = None
    hours: InstanceOf[Hours] | None = None
    remind_after_seconds: int = 30 * 60
    escalate_to: tuple[str, ...] = ()
    escalate_after_seconds: int = 2 * 3600
    supersede: Literal["ask", "newest", "never"] = "ask"
    urgent_label: str = "urgent"
    staging: EnvironmentConfig
    production: EnvironmentConfig

    def slack_user(self, login: str) -> str | None:
        """Return the Slack user of a GitHub login, whose case does not count."""
        people = {mapped.lower(): user for mapped, user in self.people.items()}
        return people.get(login.lower())

    def channel_of(self, services: Sequence[str]) -> str:
        """Return the channel that some services share, the repository's where they share none."""
        own = {self.production.services[name].channel for name in services}
        return (own.pop() if len(own) == 1 else None) or self.channel

    @property
    def channels(self) -> tuple[str, ...]:
        """Return every channel that this repository is deployed from."""
        own = (target.channel for target in self.production.services.values())
        return tuple(dict.fromkeys([self.channel, *filter(None, own)]))

    @property
    def sorts_changes(self) -> bool:
        """Tell whether it depends on a change's files which services and jobs it is for."""
        return any(target.paths for target in self.production.targets.values())

    def approvers_of(self, service: str) -> tuple[str, ...]:
        """Return the Slack users and user groups who may approve for a service."""
        own = self.production.targets[service].approvers
        return self.approvers if own is None else own

    def approvals_needed_for(self, service: str) -> int:
        """Return how many different people must approve for a service."""
        own = self.production.targets[service].approvals_needed
        return self.approvals_needed if own is None else own

    def risky_of(self, service: str) -> tuple[str, ...]:
        """Return the globs of the files that make a change of a service risky."""
        own = self.production.targets[service].risky
        return self.risky if own is None else own

    def freezes_of(self, service: str) -> tuple[Freeze, ...]:
        """Return when a service is to be left as it is."""
        own = self.production.targets[service].freeze
        return self.freeze if own is None else own

    @property
    def all_approvers(self) -> tuple[str, ...]:
        """Return everybody who may approve for some production service, each once."""
        lists = map(self.approvers_of, self.production.targets)
        return tuple(dict.fromkeys(who for approvers in lists for who in approvers))

    def policy_version(self, service: str) -> str:
        """Return a short hash of the rules that an approval for a service is given under.

        Freezes are no part of it: they are asked for anew at each click and each start.
        """
        rules = [
            sorted(self.approvers_of(service)),
            self.approvals_needed_for(service),
            self.allow_self_approval,
        ]
        return hashlib.sha256(json.dumps(rules).encode()).hexdigest()[:12]
