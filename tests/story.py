"""A thread told event by event, for tests that look at what follows from it."""

from dataclasses import dataclass, field
from typing import Any

from app.core import events as ev
from app.core import ledger
from app.core.config import RepoConfig
from app.core.fold import fold
from app.core.spec import ActionSpec, plan_hash
from app.core.state import State
from app.slack.blocks import Message
from app.slack.messages import render
from tests import payloads
from tests.shop import ALICE, BOB, CARA, REPO, repo_config

THREAD = "acme/shop/0123456789"
OLD, NEW = "1111111" + "0" * 33, "4af9ec0" + "0" * 33
START = 1_800_000_000_000
_TOOLS = {
    "deploy": "deploy_{}_to_prod",
    "rollback": "rollback_{}_in_prod",
    "job": "run_{}_in_prod",
}


def pull_request(title: str = "Add gift cards") -> ev.PullRequest:
    """Describe the pull request that alice wrote and bob merged."""
    return ev.PullRequest(
        number=12,
        title=title,
        url="https://github.com/acme/shop/pull/12",
        author="alice",
        merged_by="bob",
    )


@dataclass
class Story:
    """Events as they happen, a second apart; `show` renders the thread as it then is."""

    repo: RepoConfig = field(default_factory=repo_config)
    entries: list[ev.Entry] = field(default_factory=list[ev.Entry])
    now: int = START
    plan: int = 1
    facts: dict[str, str] = field(default_factory=dict[str, str])

    def then(self, *happened: ev.Event) -> "Story":
        """Let events happen."""
        for event in happened:
            self.now += 1000
            self.entries.append(ev.Entry(at=self.now, write="w", event=event))
        return self

    def merged(self, title: str = "Add gift cards") -> "Story":
        """Merge the pull request."""
        return self.then(
            ev.ThreadStarted(
                thread_id=THREAD,
                repo=REPO,
                branch="main",
                channel=self.repo.channel,
                origin="merge",
                sha=NEW,
                pull_request=pull_request(title),
            )
        )

    def mentioned(self) -> "Story":
        """Begin by a mention of cara's."""
        return self.then(
            ev.ThreadStarted(
                thread_id=THREAD,
                repo=REPO,
                branch="main",
                channel=self.repo.channel,
                origin="mention",
                asked_by=CARA,
                root_ts="1800000000.000001",
            ),
            ev.HumanSaid(user=CARA, text="what is on production?", ts="1800000000.000001"),
        )

    def began_by_command(self) -> "Story":
        """Begin by the slash command of alice's."""
        return self.then(
            ev.ThreadStarted(
                thread_id=THREAD,
                repo=REPO,
                branch="main",
                channel=self.repo.channel,
                origin="command",
                asked_by=ALICE,
            )
        )

    def locks(self, *services: str, user: str = ALICE, **more: Any) -> "Story":
        """Lock services in this thread: the event, and the facts that come with it."""
        locked = ev.ServiceLocked(services=services, user=user, **more)
        return self.brings(locked)

    def unlocks(self, *services: str, user: str = BOB) -> "Story":
        """Unlock services that this thread locked."""
        return self.brings(ev.ServiceUnlocked(services=services, user=user))

    def brings(self, event: ev.Event) -> "Story":
        """Let an event happen, with the facts that it brings."""
        changed = ledger.write(self.state, [event], self.now + 1000).facts
        kept = {key: value for key, value in self.facts.items() if key not in changed}
        self.facts = kept | {key: value for key, value in changed.items() if value is not None}
        return self.then(event)

    def starts(
        self,
        name: str,
        environment: Any = "staging",
        kind: Any = "deploy",
        service: str | None = "backend",
        call_id: str | None = None,
    ) -> "Story":
        """Start an attempt with this id."""
        attempt = ev.Attempt(
            attempt_id=name,
            kind=kind,
            repo=REPO,
            environment=environment,
            service=None if kind == "e2e" else service,
            sha=NEW,
            deployer="command",
            arguments={"argv": ["./deploy.sh"]},
        )
        started = ev.ToolStarted(
            attempt=attempt, call_id=call_id, fence=1, locks=(), send_by=self.now + 60_000
        )
        return self.then(started)

    def ends(
        self, name: str, outcome: Any = "succeeded", summary: str = "", **more: Any
    ) -> "Story":
        """End an attempt, 11 seconds later."""
        self.now += 10_000
        return self.then(ev.ToolEnded(attempt_id=name, outcome=outcome, summary=summary, **more))

    def staged(self) -> "Story":
        """Pass staging with everything."""
        for service in ("frontend", "backend"):
            self.starts(f"s-{service}", service=service).ends(f"s-{service}")
        self.starts("s-e2e", kind="e2e").ends("s-e2e")
        return self.then(ev.StagingEnded(sha=NEW, passed=True, summary="passed"))

    def asks(self, call_id: str = "c1", service: str = "backend", **more: Any) -> "Story":
        """Put up a card; facts, quote, reason… may be given."""
        return self.then(self.request(call_id, service, **more))

    def prepares(self, call_id: str = "c1", staging: int = 1, **more: Any) -> "Story":
        """Find out what can be approved ahead of the end of staging."""
        facts = more.pop("facts", card_facts(staging=""))
        request = self.request(call_id, ahead=staging, facts=facts, **more)
        return self.then(ev.ApprovalPrepared(staging=staging, request=request))

    def approves_ahead(self, user: str = BOB) -> "Story":
        """Approve what was prepared, which puts up its card."""
        prepared = self.state.prepared
        assert prepared
        assert prepared.request
        call_id, spec_hash = prepared.request.call_id, prepared.request.spec_hash
        granted = ev.ApprovalGranted(call_id=call_id, spec_hash=spec_hash, user=user)
        return self.then(prepared.request, granted)

    def request(
        self, call_id: str = "c1", service: str = "backend", **more: Any
    ) -> ev.ApprovalRequested:
        """Build a card; facts, quote, reason… may be given."""
        kind = more.pop("kind", "deploy")
        tool = _TOOLS[kind]
        spec = ActionSpec(
            tool=tool.format(service),
            kind=kind,
            repo=REPO,
            service=service,
            environment="production",
            sha=more.pop("sha", NEW),
            deployer="command",
            arguments=more.pop("arguments", {"argv": ["./deploy.sh", service, "production", NEW]}),
            channel=self.repo.channel,
            thread_id=THREAD,
            call_id=call_id,
            production_was=more.pop("was", OLD),
            policy_version="" if kind == "job" else self.repo.policy_version(service),
            expires_at=self.now + 86_400_000,
        )
        facts = more.pop("facts", card_facts())
        steps = [spec, *(step.spec for step in more.get("more", ()))]
        return ev.ApprovalRequested(
            call_id=call_id,
            spec=spec,
            spec_hash=plan_hash(steps),
            plan=more.pop("plan", 1),
            facts=facts,
            **more,
        )

    def approves(self, user: str = BOB, call_id: str = "c1") -> "Story":
        """Approve a card."""
        return self.then(ev.ApprovalGranted(call_id=call_id, spec_hash="", user=user))

    def ships(self, call_id: str = "c1", service: str = "backend", kind: str = "deploy") -> "Story":
        """Approve a card and run it to success."""
        self.asks(call_id, service, kind=kind).approves(call_id=call_id)
        self.starts(f"p-{call_id}", "production", kind, service=service, call_id=call_id)
        return self.ends(f"p-{call_id}")

    @property
    def state(self) -> State:
        """What it adds up to."""
        return fold(self.entries)

    def show(self) -> dict[str, Message]:
        """Render every message and check each as Slack would."""
        messages = render(self.state, self.repo, self.now, self.facts)
        for message in messages.values():
            payloads.check(message.text, message.blocks)
        return messages

    def says(self, slot: str) -> str:
        """Return all that a slot's message says."""
        message = self.show()[slot]
        return payloads.words(message.text, message.blocks)

    def buttons(self, slot: str) -> dict[str, str]:
        """Return a slot's buttons."""
        return payloads.buttons(self.show()[slot].blocks)


def card_facts(**changes: Any) -> ev.CardFacts:
    """Find out what code finds out about alice's change."""
    values: dict[str, Any] = {
        "commits": (ev.Commit(sha=NEW, title="Add gift cards", author="alice"),),
        "commits_total": 1,
        "compare_url": "https://github.com/acme/shop/compare/1111111...4af9ec0",
        "pull_request": pull_request(),
        "staging": "passed, 42 tests",
        "approvers": (BOB, CARA),
        "barred": (ALICE,),
    }
    return ev.CardFacts(**(values | changes))
