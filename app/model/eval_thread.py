"""A thread in the making, for evaluation cases: its verbs append what the real program would."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from app.core import events as ev
from app.core.config import EnvironmentConfig, RepoConfig, TargetConfig
from app.core.spec import ActionSpec, EffectKind, plan_hash

SHA = "4af9ec0b7d21c35e8f6049a1d2b3c4e5f6071829"
OTHER = "1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d"
WAS = "9f8e7d6c5b4a39281706f5e4d3c2b1a098765432"
THREAD = "acme/shop/0123456789"
MINUTE = 60_000
BEGIN = 1_900_000_000_000


@dataclass
class Thread:
    """A thread in the making; every verb appends what the real program would append."""

    services: tuple[str, ...] = ("frontend", "backend")
    title: str = "Show prices with tax"
    earlier: str = ""
    log: str = "connection refused"
    entries: list[ev.Entry] = field(default_factory=list[ev.Entry])
    approval: Literal["call", "plan"] = "call"
    jobs: tuple[str, ...] = ()
    due: dict[str, ev.Files] = field(default_factory=dict[str, ev.Files])
    running: dict[str, str] = field(default_factory=dict[str, str])
    blocks: dict[str, ev.Block] = field(default_factory=dict[str, ev.Block])
    touched: tuple[str, ...] = ()
    about: str | None = None
    calls: int = 0

    @property
    def now(self) -> int:
        """Return the time a moment after the newest event."""
        return BEGIN + (len(self.entries) + 1) * MINUTE

    @property
    def repo(self) -> RepoConfig:
        """Return the configuration of the thread's repository."""
        target = TargetConfig(deployer="command", options={})
        services = dict.fromkeys(self.services, target)
        environment = EnvironmentConfig(e2e=target, services=services)
        before = target.model_copy(update={"before": self.services[-1]})
        jobs = dict.fromkeys(self.jobs, before)
        return RepoConfig(
            name="acme/shop",
            branch="main",
            channel="C01DEPLOYS",
            approvers=("U02BOB",),
            approval=self.approval,
            staging=environment,
            production=environment.model_copy(update={"jobs": jobs}),
        )

    def add(self, *events: ev.Event) -> None:
        """Append events, a minute apart."""
        for event in events:
            write = f"w{len(self.entries)}"
            self.entries.append(ev.Entry(at=self.now, write=write, event=event))

    def merged(self, touched: tuple[str, ...] = ()) -> None:
        """Begin with a merge whose staging is green, of files that touch some services or all."""
        pull = ev.PullRequest(
            number=12,
            title=self.title,
            url="https://github.example/acme/shop/pull/12",
            author="alice",
            merged_by="bob",
        )
        self.started("merge", SHA, pull)
        self.touched = touched
        if touched:
            self.add(ev.ChangeSeen(touched=touched, channel="C01DEPLOYS"))
        self.add(ev.StagingEnded(sha=SHA, passed=True, summary="e2e tests green"))
        self.fetched()

    def on_staging(self) -> None:
        """Begin with a merge whose tests run on staging."""
        self.started("merge", SHA, None)
        attempt = ev.Attempt(
            attempt_id="staging",
            kind="e2e",
            repo="acme/shop",
            environment="staging",
            service=None,
            sha=SHA,
            deployer="command",
            arguments={},
        )
        self.add(ev.ToolStarted(attempt=attempt, call_id=None, fence=1, locks=(), send_by=self.now))
        self.fetched()

    def mentioned(self, words: str) -> None:
        """Begin with a mention."""
        self.started("mention", None, None)
        self.said(words)
        self.fetched()

    def started(
        self,
        origin: Literal["merge", "mention", "schedule"],
        sha: str | None,
        pull: ev.PullRequest | None,
    ) -> None:
        """Begin the thread."""
        self.about = sha
        started = ev.ThreadStarted(
            thread_id=THREAD,
            repo="acme/shop",
            branch="main",
            channel="C01DEPLOYS",
            origin=origin,
            sha=sha,
            pull_request=pull,
            asked_by="U03CARA" if origin == "mention" else None,
        )
        self.add(started)

    def fetched(self) -> None:
        """Fetch the facts, as code does before the agent's turn."""
        running = [
            ev.Running(
                service=service,
                sha=self.running.get(service, WAS),
                source="recorded",
                verified_sha=WAS,
                back_to=WAS if self.running.get(service, WAS) != WAS else None,
                blocks=(self.blocks[service],) if service in self.blocks else (),
            )
            for service in self.services
        ]
        commits = (
            ev.Commit(sha=SHA, title=self.title, author="alice"),
            ev.Commit(sha=OTHER, title="Rename the cart", author="dan"),
        )
        about = {self.about} if self.about else {SHA, OTHER}
        ours = self.touched or self.services
        changed = tuple(
            r.service for r in reversed(running) if r.sha in about and r.service in ours
        )
        facts = ev.FactsFetched(
            running=tuple(running),
            commits=commits,
            staged=commits,
            changed_last=changed,
            jobs=self.due,
        )
        self.add(facts)

    def said(self, *words: str) -> None:
        """Let a person write."""
        self.add(*(ev.HumanSaid(user="U03CARA", text=text, ts=None) for text in words))

    def card(self, tool: str, sha: str = SHA, facts: ev.CardFacts | None = None) -> str:
        """Put up a card, with what code found out about it, and return its call id."""
        return self.plan([tool], sha, facts)

    def plan(self, calls: Sequence[str], sha: str = SHA, facts: ev.CardFacts | None = None) -> str:
        """Put up a card for these calls in their order, and return its call id."""
        self.calls += 1
        call_id = f"call{self.calls}"
        found = facts or ev.CardFacts()
        steps = [
            ev.PlanStep(
                spec=self._spec(tool, sha, call_id if n == 0 else f"{call_id}-{n}"), facts=found
            )
            for n, tool in enumerate(calls)
        ]
        requested = ev.ApprovalRequested(
            call_id=call_id,
            spec=steps[0].spec,
            spec_hash=plan_hash([step.spec for step in steps]),
            plan=1,
            facts=found,
            more=tuple(steps[1:]),
        )
        tool, arguments = calls[0], dict[str, Any](sha=sha)
        if len(calls) > 1:
            names = [step.name for step in steps]
            if steps[0].spec.kind == "rollback":
                tool, arguments = "propose_rollback", {"steps": names}
            else:
                tool, arguments["steps"] = "propose_plan", names
        proposed = ev.ToolProposed(call_id=call_id, tool=tool, arguments=arguments, by="eval")
        self.add(proposed, requested)
        return call_id

    def _spec(self, tool: str, sha: str, call_id: str) -> ActionSpec:
        kind, service = _meaning(tool)
        return ActionSpec(
            tool=tool,
            kind=kind,
            repo="acme/shop",
            service=service,
            environment="production",
            sha=sha,
            deployer="command",
            arguments={},
            channel="C01DEPLOYS",
            thread_id=THREAD,
            call_id=call_id,
            production_was=None if kind == "job" else self.running.get(service, WAS),
            policy_version="p1",
            expires_at=self.now + 86_400_000,
        )

    def rejected(self, call_id: str, words: str) -> None:
        """Let an approver reject a card with words."""
        self.add(ev.ApprovalRejected(call_id=call_id, user="U02BOB", text=words))

    def ran(
        self,
        tool: str,
        outcome: Literal["succeeded", "failed"] = "succeeded",
        sha: str = SHA,
    ) -> None:
        """Put up a card, approve it and run it to its end."""
        attempt = self.began(tool, sha=sha)
        ended = ev.ToolEnded(
            attempt_id=attempt.attempt_id,
            outcome=outcome,
            summary="done" if outcome == "succeeded" else "exit code 1",
            tail=() if outcome == "succeeded" else (self.log,),
        )
        self.add(ended)
        if outcome == "succeeded" and attempt.service:
            self.running[attempt.service] = attempt.sha
        self.fetched()

    def began(self, *calls: str, sha: str = SHA) -> ev.Attempt:
        """Put up a card, approve it and start its first step."""
        call_id = self.plan(calls, sha)
        requested = self.entries[-1].event
        assert isinstance(requested, ev.ApprovalRequested)
        granted = ev.ApprovalGranted(call_id=call_id, spec_hash=requested.spec_hash, user="U02BOB")
        self.add(granted)
        return self.starts(requested.spec)

    def starts(self, spec: ActionSpec) -> ev.Attempt:
        """Start a step that was approved."""
        attempt = ev.Attempt(
            attempt_id=f"attempt{self.calls}",
            kind=spec.kind,
            repo=spec.repo,
            environment="production",
            service=spec.service,
            sha=spec.sha,
            deployer="command",
            arguments={},
        )
        started = ev.ToolStarted(
            attempt=attempt, call_id=spec.call_id, fence=1, locks=(), send_by=self.now
        )
        self.add(started, ev.ToolSent(attempt_id=attempt.attempt_id))
        return attempt

    def shipped(self) -> None:
        """Bring every service to production, in the configured order."""
        for service in self.services:
            self.ran(f"deploy_{service}_to_prod")

    def tested(self, passed: bool) -> None:
        """End the plan and the production tests."""
        self.add(ev.PlanEnded(call_id="done1", message="Everything is on production."))
        failing = () if passed else ("test_checkout", self.log)
        self.add(ev.VerificationEnded(passed=passed, versions={}, failing_tests=failing))
        if not passed:
            self.add(ev.RollbackOpened())
        self.fetched()


def _meaning(tool: str) -> tuple[EffectKind, str]:
    """Return what a call of this tool does, and with what."""
    kinds: dict[str, EffectKind] = {"deploy": "deploy", "rollback": "rollback", "run": "job"}
    verb, _, rest = tool.partition("_")
    return kinds[verb], rest.removesuffix("_to_prod").removesuffix("_in_prod")
