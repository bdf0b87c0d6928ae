"""The situations that evaluation cases begin in, each built from real events by the fold."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from app.core import events as ev
from app.core.config import EnvironmentConfig, RepoConfig, TargetConfig
from app.core.spec import ActionSpec, spec_hash

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
    running: dict[str, str] = field(default_factory=dict[str, str])
    blocks: dict[str, ev.Block] = field(default_factory=dict[str, ev.Block])
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
        return RepoConfig(
            name="acme/shop",
            branch="main",
            channel="C01DEPLOYS",
            approvers=("U02BOB",),
            staging=environment,
            production=environment,
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
        if touched:
            self.add(ev.ChangeSeen(touched=touched, channel="C01DEPLOYS"))
        self.add(ev.StagingEnded(sha=SHA, passed=True, summary="e2e tests green"))
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
        changed = tuple(r.service for r in reversed(running) if r.back_to)
        facts = ev.FactsFetched(
            running=tuple(running), commits=commits, staged=commits, changed_last=changed
        )
        self.add(facts)

    def said(self, *words: str) -> None:
        """Let a person write."""
        self.add(*(ev.HumanSaid(user="U03CARA", text=text, ts=None) for text in words))

    def card(self, tool: str, sha: str = SHA, facts: ev.CardFacts | None = None) -> str:
        """Put up a card, with what code found out about it, and return its call id."""
        self.calls += 1
        call_id = f"call{self.calls}"
        kind, service = ("deploy", tool[7:-8]) if tool.startswith("deploy") else ("rollback", "")
        service = service or tool[9:-8]
        spec = ActionSpec(
            tool=tool,
            kind="deploy" if kind == "deploy" else "rollback",
            repo="acme/shop",
            service=service,
            environment="production",
            sha=sha,
            deployer="command",
            arguments={},
            channel="C01DEPLOYS",
            thread_id=THREAD,
            call_id=call_id,
            production_was=self.running.get(service, WAS),
            policy_version="p1",
            expires_at=self.now + 86_400_000,
        )
        requested = ev.ApprovalRequested(
            call_id=call_id,
            spec=spec,
            spec_hash=spec_hash(spec),
            plan=1,
            facts=facts or ev.CardFacts(),
        )
        proposed = ev.ToolProposed(call_id=call_id, tool=tool, arguments={"sha": sha}, by="eval")
        self.add(proposed, requested)
        return call_id

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
        attempt = self.began(tool, sha)
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

    def began(self, tool: str, sha: str = SHA) -> ev.Attempt:
        """Put up a card, approve it and start it."""
        call_id = self.card(tool, sha)
        requested = self.entries[-1].event
        assert isinstance(requested, ev.ApprovalRequested)
        spec = requested.spec
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
            attempt=attempt, call_id=call_id, fence=1, locks=(), send_by=self.now
        )
        granted = ev.ApprovalGranted(call_id=call_id, spec_hash=requested.spec_hash, user="U02BOB")
        self.add(granted, started, ev.ToolSent(attempt_id=attempt.attempt_id))
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


def _backend_alone(thread: Thread, words: list[str]) -> None:
    thread.merged(("backend",))
    thread.said(*words)


def _backend_alone_card(thread: Thread, words: list[str]) -> None:
    _backend_alone(thread, [])
    thread.card("deploy_backend_to_prod")
    thread.said(*words)


def _backend_alone_shipped(thread: Thread, words: list[str]) -> None:
    _backend_alone(thread, [])
    thread.ran("deploy_backend_to_prod")
    thread.said(*words)


def _card(thread: Thread, words: list[str]) -> None:
    thread.merged()
    thread.card("deploy_frontend_to_prod")
    thread.said(*words)


def _card_of_bob_and_cara(thread: Thread, words: list[str]) -> None:
    thread.merged()
    people = (ev.Candidate(user="U02BOB", name="bob"), ev.Candidate(user="U03CARA", name="cara"))
    own = ev.Candidate(user="U01ALICE", name="alice", why="own change")
    facts = ev.CardFacts(
        approvers=("S0WEB",), candidates=(own, *people), barred=("U01ALICE",), staging="passed"
    )
    thread.card("deploy_frontend_to_prod", facts=facts)
    thread.said(*words)


def _locked_card(thread: Thread, words: list[str]) -> None:
    service = thread.services[-1]
    until = BEGIN + 120 * MINUTE
    thread.blocks[service] = ev.Block(
        service=service, user="U02BOB", reason=thread.title, since=BEGIN, until=until
    )
    thread.merged()
    thread.card(f"deploy_{service}_to_prod")
    thread.said(*words)


def _card_rejected(thread: Thread, words: list[str]) -> None:
    thread.merged()
    thread.rejected(thread.card("deploy_frontend_to_prod"), " ".join(words))


def _backend_shipped(thread: Thread, words: list[str]) -> None:
    thread.merged()
    thread.rejected(thread.card("deploy_frontend_to_prod"), thread.earlier or "backend first")
    thread.ran("deploy_backend_to_prod")
    thread.said(*words)


def _frontend_card_after_backend(thread: Thread, words: list[str]) -> None:
    _backend_shipped(thread, [])
    thread.card("deploy_frontend_to_prod")
    thread.said(*words)


def _staged(thread: Thread, words: list[str]) -> None:
    thread.merged()
    thread.said(*words)


def _everything_there(thread: Thread, words: list[str]) -> None:
    thread.running = dict.fromkeys(thread.services, SHA)
    _staged(thread, words)


def _all_shipped(thread: Thread, words: list[str]) -> None:
    thread.merged()
    thread.shipped()
    thread.said(*words)


def _finished(thread: Thread, words: list[str]) -> None:
    thread.merged()
    thread.shipped()
    thread.tested(True)
    thread.said(*words)


def _deploy_failed(thread: Thread, words: list[str]) -> None:
    thread.merged()
    thread.ran("deploy_frontend_to_prod", "failed")
    thread.said(*words)


def _deploying(thread: Thread, words: list[str]) -> None:
    thread.merged()
    thread.began("deploy_frontend_to_prod")
    thread.fetched()
    thread.said(*words)


def _asked(thread: Thread, words: list[str]) -> None:
    thread.merged()
    thread.add(ev.ApprovalRejected(call_id=thread.card("deploy_frontend_to_prod"), user="U02BOB"))
    text = "What should I do instead?"
    thread.add(ev.BotSaid(call_id="ask1", text=text, because="question"))
    thread.said(*words)


def _mention(thread: Thread, words: list[str]) -> None:
    thread.mentioned(" ".join(words))


def _mention_after(thread: Thread, words: list[str]) -> None:
    thread.running = dict.fromkeys(thread.services, SHA)
    thread.mentioned(" ".join(words))


def _deploy_pressed(thread: Thread, words: list[str]) -> None:
    thread.started("schedule", SHA, None)
    merges = (ev.Merged(sha=SHA, title=thread.title, author="alice", number=12),)
    was = dict.fromkeys(thread.services, WAS)
    thread.add(ev.UndeployedFound(sha=SHA, merges=merges, was=was))
    thread.add(ev.UndeployedAnswered(user="U03CARA", deploy=True))
    thread.said(*words)
    thread.fetched()


def _waiting(thread: Thread, words: list[str]) -> None:
    thread.merged()
    until = thread.now + 60 * MINUTE
    thread.add(ev.WaitStarted(call_id="wait1", until=until, reason="a person asked"))
    thread.said(*words)


def _flaky(thread: Thread, words: list[str]) -> None:
    thread.started("merge", SHA, None)
    attempt = ev.Attempt(
        attempt_id="e2e1",
        kind="e2e",
        repo="acme/shop",
        environment="staging",
        service=None,
        sha=SHA,
        deployer="command",
        arguments={},
    )
    test = "checkout pays"
    before = (ev.FailedBefore(test=test, failed=3, green=3, runs=20),)
    ended = ev.ToolEnded(
        attempt_id="e2e1", outcome="failed", summary="1 test failed", failing_tests=(test,)
    )
    thread.add(
        ev.ToolStarted(attempt=attempt, call_id=None, fence=1, locks=(), send_by=thread.now),
        ended,
        ev.StagingEnded(sha=SHA, passed=False, summary="e2e: 1 test failed", before=before),
    )
    thread.fetched()
    thread.said(*words)


def _red(thread: Thread, words: list[str]) -> None:
    thread.merged()
    thread.shipped()
    thread.tested(False)
    thread.said(*words)


def _rollback_card(thread: Thread, words: list[str]) -> None:
    _red(thread, [])
    thread.card(f"rollback_{thread.services[-1]}_in_prod", WAS)
    thread.said(*words)


SITUATIONS: Mapping[str, Callable[[Thread, list[str]], None]] = {
    "the merge touches the backend alone": _backend_alone,
    "the merge touches the backend alone, a card waits for it": _backend_alone_card,
    "the merge touches the backend alone, which was shipped": _backend_alone_shipped,
    "staging is green": _staged,
    "a card waits for frontend": _card,
    "a card waits for frontend, which bob and cara can approve": _card_of_bob_and_cara,
    "a card waits for backend, which bob has locked": _locked_card,
    "the card for frontend was rejected with these words": _card_rejected,
    "the card for frontend was rejected without words": _asked,
    "backend was shipped first": _backend_shipped,
    "backend was shipped, a card waits for frontend": _frontend_card_after_backend,
    "everything was on production before": _everything_there,
    "everything was shipped": _all_shipped,
    "finished and green": _finished,
    "the deploy of frontend failed": _deploy_failed,
    "frontend is being deployed": _deploying,
    "a mention with these words": _mention,
    "a mention, after another thread shipped everything": _mention_after,
    "asked about undeployed changes, a person pressed Deploy": _deploy_pressed,
    "an hour's wait has begun": _waiting,
    "staging is red by a test that is known to be flaky": _flaky,
    "red after everything was shipped": _red,
    "red, a card waits for the rollback": _rollback_card,
}
