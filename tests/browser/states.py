"""Every state that people see a card in: what led to it, and which messages show it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from app.core import events as ev
from app.core.hours import Hours
from app.core.undeployed import Asked
from app.demo.local_slack import ALICE, BOB, CARA
from tests.fake_calendar import freeze
from tests.shop import REPO, repo_config
from tests.story import NEW, OLD, START, THREAD, Story, card_facts

HOUR = 3_600_000
PEOPLE = {"alice": ALICE.id, "bob": BOB.id, "cara": CARA.id}


@dataclass(frozen=True)
class Said:
    """What somebody wrote, as part of a picture."""

    user: str
    text: str


@dataclass(frozen=True)
class Screen:
    """One picture: its file's name, a line about it, and what it shows from top to bottom."""

    name: str
    line: str
    story: Story
    shows: tuple[str | Said, ...] = ("card:c1",)


def screens() -> list[Screen]:
    """Return all pictures, in the order in which somebody would look at them."""
    return [make() for make in SCREENS]


def _staged(**repo: Any) -> Story:
    return Story(repo_config(people=PEOPLE, **repo)).merged().staged()


def _running() -> Story:
    return _staged().asks().approves().starts("p", "production", call_id="c1")


def _waiting() -> Screen:
    story = _staged().asks(reason="Next in the default order.")
    line = "A card waits: what changes, the exact call, the evidence, who may approve, until when."
    return Screen("waiting", line, story)


def _staging() -> Screen:
    story = Story(repo_config(people=PEOPLE)).merged()
    story.starts("s", service="frontend").ends("s").starts("t", service="backend")
    story.then(ev.ToolProgressed(attempt_id="t", line="image 3 of 7 pushed"))
    line = "After the merge: the status in the channel, and how far staging is in its thread."
    return Screen("staging", line, story, ("status", "progress:staging:1"))


def _held() -> Screen:
    said = Said(CARA.id, "can you deploy the backend first?")
    story = _staged().asks(service="frontend").then(ev.HumanSaid(user=said.user, text=said.text))
    line = "Somebody wrote: the card is held until their words are read."
    return Screen("held", line, story, ("card:c1", said))


def _in_doubt() -> Screen:
    said = Said(CARA.id, "hm, that test looks flaky to me")
    story = _staged().asks(service="frontend").then(ev.HumanSaid(user=said.user, text=said.text))
    asked = ev.BotSaid(
        call_id="q", text="Is this about the card?", because="question", choices=("keep the card",)
    )
    line = "Nobody can tell whether words are against the card: it stays, held, and says so."
    return Screen("in-doubt", line, story.then(asked), ("card:c1", said))


def _replanned() -> tuple[Said, Story]:
    said = Said(CARA.id, "can you deploy the backend first?")
    story = _staged().asks(service="frontend").then(ev.HumanSaid(user=said.user, text=said.text))
    story.then(ev.ApprovalSuperseded(call_id="c1", user=CARA.id))
    return said, story.asks("c2", plan=2, quote=said.text, quoted_user=CARA.id)


def _superseded() -> Screen:
    said, story = _replanned()
    line = "The words led to another plan: the old card is settled in two lines."
    return Screen("superseded", line, story, ("card:c1", said))


def _plan_two() -> Screen:
    _, story = _replanned()
    return Screen("plan-2", "The new card quotes the words that led to it.", story, ("card:c2",))


def _one_of_two() -> Screen:
    story = _staged(approvals_needed=2).asks(facts=card_facts(needed=2)).approves()
    return Screen("one-of-two", "Two approvals are needed, and one is there.", story)


def _under_way() -> Screen:
    story = _running().then(ev.ToolProgressed(attempt_id="p", line="image 3 of 7 pushed"))
    return Screen("running", "Approved: the buttons are gone, the deploy runs.", story)


def _done() -> Screen:
    story = _running().then(ev.ChangeSeen(touched=("backend",), channel="C01DEPLOYS"))
    story.ends("p").then(ev.PlanEnded(call_id="d", message="Everything is out."))
    story.starts("e", "production", "e2e").ends("e")
    story.then(ev.VerificationEnded(passed=True, versions={}))
    line = "Done and tested; the way back is a button."
    return Screen("done", line, story, ("status", "card:c1", "say:0"))


def _failed() -> Screen:
    story = _running().ends(
        "p", "failed", "exit code 1", tail=("pushing image", "error: no space left on device")
    )
    return Screen("failed", "The deploy failed, with its last lines.", story)


def _rejected() -> Screen:
    story = _staged().asks()
    story.then(ev.ApprovalRejected(call_id="c1", user=CARA.id, text="not before the sale ends"))
    return Screen("rejected", "Rejected with words: by whom, when, and why.", story)


def _expired() -> Screen:
    story = _staged().asks().then(ev.ApprovalExpired(call_id="c1", reason="nobody decided in time"))
    return Screen("expired", "Expired is not rejected, and one click asks again.", story)


def _stopped() -> Screen:
    story = _staged().asks().then(ev.StopRequested(user=ALICE.id))
    line = "Stopped by words or by the button: nothing new begins."
    return Screen("stopped", line, story, ("status", "card:c1"))


def _on_hold() -> Screen:
    hold = "on hold since the rollback of 1111111 by cara"
    story = _staged().asks(facts=card_facts(hold=hold))
    return Screen("on-hold", "On hold after a rollback: an approver releases it first.", story)


def _locked() -> Screen:
    story = _staged().asks().locks("backend", until=START + HOUR, reason="load test")
    return Screen("locked", "Somebody locked the service: who, until when, and why.", story)


def _on_staging() -> Story:
    story = Story(repo_config(people=PEOPLE)).merged()
    for service in ("frontend", "backend"):
        story.starts(f"s-{service}", service=service).ends(f"s-{service}")
    return story.prepares(facts=card_facts(staging="", needed=1)).starts("s", kind="e2e")


def _approve_ahead() -> Screen:
    line = "While staging runs: the status shows exactly what can be approved for when it is green."
    return Screen("approve-ahead", line, _on_staging(), ("status",))


def _approved_ahead() -> Screen:
    line = "Approved ahead: it runs when staging is green, and can be taken back until then."
    return Screen("approved-ahead", line, _on_staging().approves_ahead(CARA.id))


def _frozen() -> Screen:
    story = _staged(freeze=(freeze(START, START + 60 * HOUR, "no deploys at weekends"),)).asks()
    return Screen("frozen", "A freeze is in force.", story)


def _nobody() -> Screen:
    story = _staged(approvers=(ALICE.id,)).asks(facts=card_facts(approvers=(), barred=(ALICE.id,)))
    return Screen("nobody-can-approve", "Nobody can approve, and how to mend it.", story)


def _unknown() -> Screen:
    story = _running().ends("p", "unknown", "the host died while it ran")
    story.now += 60_000
    line = "Nobody can tell whether it happened: the approvers are called, and choose."
    return Screen("unknown", line, story, ("card:c1", "alert:unknown:p"))


def _staging_red() -> Screen:
    story = Story(repo_config(people=PEOPLE)).merged()
    for service in ("frontend", "backend"):
        story.starts(f"s-{service}", service=service).ends(f"s-{service}")
    story.starts("s", kind="e2e")
    tail = ("FAILED test_checkout", "AssertionError: POST /orders answered 500")
    story.ends("s", "failed", "1 test failed", failing_tests=("test_checkout",), tail=tail)
    story.then(ev.StagingEnded(sha=NEW, passed=False, summary="e2e tests: 1 test failed"))
    line = "Staging is red: the author is called, with the reasons and the way on."
    return Screen("staging-red", line, story, ("status", "alert:staging:1"))


def _rollback() -> Screen:
    story = _running().ends("p").then(ev.PlanEnded(call_id="d", message="Everything is out."))
    for run in ("e", "f"):
        story.starts(run, "production", "e2e")
        story.ends(run, "failed", "1 test failed", failing_tests=("test_checkout",))
    story.then(ev.VerificationEnded(passed=False, versions={}))
    story.asks(
        "c2",
        kind="rollback",
        was=NEW,
        sha=OLD,
        arguments={"argv": ["./deploy.sh", "backend", "production", OLD]},
        facts=card_facts(staging="passed the production tests", barred=()),
        reason="test_checkout failed twice after this deploy, and passed before it.",
    )
    line = "Production is red twice: a rollback is proposed, by a card."
    return Screen("rollback", line, story, ("progress:e2e:e", "card:c2"))


def _glass_broken() -> Screen:
    story = _staged(freeze=(freeze(START, START + 60 * HOUR, "no deploys at weekends"),)).asks()
    broken = ev.GlassBroken(
        call_id="c1",
        spec_hash=story.state.cards["c1"].request.spec_hash,
        user=CARA.id,
        reason="orders fail for everybody since 01:50",
        lifts=("freeze",),
    )
    story.then(broken).starts("p", "production", call_id="c1").ends("p")
    line = "A hotfix in a freeze: the glass was broken, with a reason that stays."
    return Screen("glass-broken", line, story)


def _plan_of_two() -> Story:
    story = Story(repo_config(people=PEOPLE, approval="plan")).merged().staged()
    second = ev.PlanStep(spec=story.request("c1.2", "frontend").spec, facts=card_facts())
    return story.asks(more=(second,))


def _plan() -> Screen:
    return Screen("plan", "One card for a plan: every step, and one approval.", _plan_of_two())


def _plan_red() -> Screen:
    story = _plan_of_two().approves(CARA.id)
    story.starts("p", "production", call_id="c1").ends("p", "failed", "exit code 1")
    return Screen("plan-red", "The first red step ends a plan.", story)


def _pull_of_bob(number: int, title: str) -> ev.Pull:
    url = f"https://github.com/acme/shop/pull/{number}"
    thread_id = "acme/shop/fedcba9876"
    return ev.Pull(
        thread_id=thread_id,
        sha="c" * 40,
        number=number,
        title=title,
        url=url,
        author="bob",
        at=START,
    )


def _newer() -> Screen:
    newer = _pull_of_bob(14, "Larger buttons")
    story = _staged().asks().then(ev.NewerOffered(pulls=(newer,)))
    return Screen("newer", "A newer merge was tested while the card waits: three ways on.", story)


def _overridden() -> Screen:
    story = _staging_red().story
    overridden = ev.StagingOverridden(
        sha=NEW,
        user=CARA.id,
        reason="the payment sandbox is down, this changes a text",
        failing_tests=("test_checkout",),
    )
    override = story.then(overridden).state.stagings[-1].override
    story.asks(facts=card_facts(staging="", override=override))
    line = "Red tests were overridden: by whom and why stays on the card."
    return Screen("overridden", line, story)


def _reminder() -> Screen:
    story = _staged().asks()
    story.now += HOUR // 2
    story.then(ev.ApproversReminded(call_id="c1", whom=(BOB.id, CARA.id), kind="reminder"))
    return Screen("reminder", "Nobody decided for half an hour.", story, ("remind:c1",))


def _lock() -> Screen:
    story = _staged().asks()
    story.locks("frontend", "backend", until=START + HOUR, reason="the database is moved")
    line = "Services are locked by words, in any thread: what it means, and who ends it."
    return Screen("lock", line, story, ("lock:0",))


def _undeployed() -> Screen:
    asked = ev.ThreadStarted(
        thread_id=THREAD, repo=REPO, branch="main", channel="C01DEPLOYS", origin="schedule", sha=NEW
    )
    authors = {"Larger buttons": "bob", "A page for returns": "alice", "Typo": "cara"}
    merges = tuple(
        ev.Merged(
            sha=f"{number:040x}",
            title=title,
            author=author,
            number=number,
            url=f"https://github.com/acme/shop/pull/{number}",
        )
        for number, (title, author) in zip((14, 13, 11), authors.items(), strict=True)
    )
    found = ev.UndeployedFound(sha=NEW, merges=merges, was={"backend": OLD})
    story = Story(repo_config(people=PEOPLE)).then(asked, found)
    story.facts |= {
        name: fact for name, fact in Asked(1, THREAD, (NEW,)).as_facts(["backend"]).items() if fact
    } | {"running/backend": json.dumps({"sha": OLD})}
    line = "On a schedule, in the channel: what was merged and left behind."
    return Screen("undeployed", line, story, ("status",))


def _lapsed() -> Screen:
    story = _on_staging().approves_ahead(CARA.id)
    story.ends("s", "failed", "1 test failed", failing_tests=("test_checkout",))
    story.then(ev.StagingEnded(sha=NEW, passed=False, summary="e2e tests: 1 test failed"))
    reason = "staging of 4af9ec0 is red: e2e tests: 1 test failed"
    story.then(ev.ApprovalExpired(call_id="c1", reason=reason))
    return Screen("lapsed", "What was approved ahead lapses where staging is red.", story)


def _quiet() -> Screen:
    hours = Hours(frozenset(range(5)), 9 * 60, 18 * 60, UTC)
    morning = hours.opens(START)
    story = _staged(hours=hours).asks(facts=card_facts(quiet_until=morning))
    line = "Outside working hours: the card waits, and nobody is called until they begin."
    return Screen("quiet", line, story)


def _escalation() -> Screen:
    story = _reminder().story
    story.now += 2 * HOUR
    story.then(ev.ApproversReminded(call_id="c1", whom=("S09LEADS",), kind="escalation"))
    line = "Nobody decided for two hours: a second group is called."
    return Screen("escalation", line, story, ("escalate:c1",))


def _waits() -> Screen:
    said = Said(CARA.id, "wait for #14")
    story = _staged().asks().then(ev.HumanSaid(user=said.user, text=said.text))
    story.then(ev.ApprovalSuperseded(call_id="c1", user=said.user))
    waits = ev.WaitStarted(
        call_id="w",
        reason="asked for",
        until=story.now + HOUR,
        event="thread/acme/shop/fedcba9876",
        label="#14",
        url="https://github.com/acme/shop/pull/14",
    )
    story.then(waits)
    line = "It waits for an event, and is woken by it; the card that waited is settled."
    return Screen("waits", line, story, ("status", "card:c1", said, "say:0"))


def _migration() -> Screen:
    story = Story(repo_config(people=PEOPLE, approval="plan")).merged().staged()
    files = {"migrate": ev.Files(names=("db/0042.sql",), total=1)}
    risky = "work for migrate is in it: db/0042.sql"
    deploy = ev.PlanStep(
        spec=story.request("c1.2", arguments={"argv": ["./up"]}).spec,
        facts=card_facts(jobs=files, risky=risky),
    )
    facts = card_facts(jobs=files, risky="no rollback takes back what a job did")
    story.asks(
        "c1",
        "migrate",
        kind="job",
        arguments={"argv": ["./up"]},
        facts=facts,
        more=(deploy,),
    )
    line = "A migration is in it: the job comes first, and Approve asks twice (the page does not)."
    return Screen("migration", line, story)


def _rides_along() -> Screen:
    stopped = _pull_of_bob(11, "Prices without tax")
    commits = (
        ev.Commit(sha=NEW, title="Add gift cards", author="alice"),
        ev.Commit(sha="c" * 40, title="Prices without tax", author="bob"),
    )
    declined = ev.Declined(pull=stopped, how="rejected", user=CARA.id)
    facts = card_facts(
        commits=commits,
        commits_total=2,
        declined=(declined,),
        approvers=(CARA.id,),
        barred=(ALICE.id, BOB.id),
    )
    line = "A merge that somebody rejected is in the next one, too: the card says so."
    return Screen("rides-along", line, _staged().asks(facts=facts))


SCREENS: tuple[Callable[[], Screen], ...] = (
    _staging,
    _approve_ahead,
    _approved_ahead,
    _lapsed,
    _waiting,
    _held,
    _in_doubt,
    _superseded,
    _plan_two,
    _one_of_two,
    _under_way,
    _done,
    _failed,
    _rejected,
    _expired,
    _stopped,
    _on_hold,
    _locked,
    _frozen,
    _nobody,
    _unknown,
    _staging_red,
    _rollback,
    _glass_broken,
    _lock,
    _plan,
    _plan_red,
    _newer,
    _overridden,
    _reminder,
    _escalation,
    _quiet,
    _waits,
    _migration,
    _rides_along,
    _undeployed,
)
