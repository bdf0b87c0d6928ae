"""What waits and what blocks a service, told from threads as they are."""

import pytest

from app.core import events as ev
from app.core import obstacles
from app.core.answers import Answer
from app.core.context import render
from app.core.obstacles import Seen
from app.core.ports import Observation
from app.model import offline_answers as say
from app.model.offline import OfflinePlanner
from tests.core.box import SHA, Box
from tests.story import NEW, Story, card_facts, repo_config

PR = "https://github.com/acme/shop/pull/12"
MERGE = ev.Pull(
    thread_id="acme/shop/fedcba9876", sha="b" * 40, number=12, title="Tax", url=PR, author="", at=0
)
FREE = "Nothing blocks backend: no lock, no freeze, no hold, and no deploy is using it."
RED = ev.VerificationEnded(passed=False, failing_tests=("pay",), versions={})
COMMIT = ev.Commit(sha=NEW, title="Gift cards")


def plain(answer: Answer) -> list[str]:
    return [answer.title, *("".join(piece.text for piece in line) for line in answer.lines)]


def approved() -> Story:
    return Story().merged().staged().asks().approves()


def shipped() -> Story:
    return approved().ships()


def lost() -> Story:
    return approved().starts("p", "production", call_id="c1").ends("p", "unknown")


def using(story: Story) -> str:
    """Say why the backend is blocked while a thread has it to itself."""
    seen = Seen((), {}, {"backend": story.state}, (story.state,))
    title, line = plain(obstacles.blocked(repo_config(), seen, ("backend",)))
    assert title == "Blocked:"
    return line.replace(str(story.now), "now")


@pytest.mark.parametrize(
    ("story", "told"),
    [
        (shipped(), ""),
        (shipped().then(RED), ", whose production e2e tests are red: say there what is to happen"),
        (
            shipped().starts("e", "production", kind="e2e"),
            ", whose production e2e tests run since now",
        ),
        (
            approved().starts("p", "production", call_id="c1"),
            ", whose deploy of backend runs since now",
        ),
        (lost(), ": somebody has to say there whether backend was changed"),
        (
            shipped().then(ev.BotSaid(call_id="q", text="Which?", because="question")),
            ", which waits for an answer since now",
        ),
    ],
)
def test_who_has_a_service_to_itself_is_named_with_what_it_waits_for(
    story: Story, told: str
) -> None:
    assert using(story) == f"backend: in use by #12 Add gift cards{told}"


def test_the_card_of_whoever_has_the_service_says_who_may_approve_it() -> None:
    told = "deploy frontend 4af9ec0 waits for approval since now: "
    assert f"; there {told}" in using(shipped().asks("c2", "frontend"))
    red = using(shipped().then(RED).asks("c2", "frontend"))
    assert f", whose production e2e tests are red; there {told}" in red
    assert "can approve this" in red


def test_a_thread_of_a_person_is_named_by_that_person() -> None:
    asked = Story().mentioned()
    asker = asked.state.asked_by
    assert using(asked).startswith(f"backend: in use by a thread of {asker}")
    nobody = asked.state
    nobody.asked_by = None
    seen = Seen((), {}, {"backend": nobody}, ())
    assert plain(obstacles.blocked(repo_config(), seen, ("backend",)))[1].startswith(
        "backend: in use by a thread · "
    )


def test_a_card_that_waits_is_told_where_nothing_blocks_its_service() -> None:
    waits = Story().merged().staged().asks().state
    seen = Seen((), {}, {}, (waits, Story().merged().state))
    title, line = plain(obstacles.blocked(repo_config(), seen, ("backend",)))
    assert title == FREE
    assert line.startswith("deploy backend 4af9ec0 waits for approval since ")
    assert line.endswith("can approve this")
    assert plain(obstacles.blocked(repo_config(), seen, ("frontend",)))[1:] == []
    both = obstacles.blocked(repo_config(), Seen((), {}, {}, ()), ("frontend", "backend"))
    assert plain(both) == [
        "Nothing blocks frontend or backend: "
        "no lock, no freeze, no hold, and no deploy is using them."
    ]


# In threads.


async def told(box: Box) -> list[str]:
    said = (await box.state()).says[-1]
    return plain(Answer(said.text, said.lines))


async def test_a_deploy_that_runs_blocks_the_next_which_is_told_by_whom() -> None:
    box = Box(model=OfflinePlanner())
    box.deployer.prepare("production frontend", *[Observation(status="running")] * 9)
    await box.merges()
    await box.approves()
    await box.says("why is frontend blocked?")
    assert (await told(box))[1].startswith(
        "frontend: in use by #12 Add gift cards, whose deploy of frontend runs since "
    )


async def test_a_lock_that_is_waited_for_is_told_with_its_merge() -> None:
    box = Box()
    box.deployer.prepare("staging frontend", Observation(status="running"))
    await box.merges()
    await box.merges("b" * 40)
    waits = (await box.state()).waits_for_lock
    assert waits
    assert waits.merge
    assert (waits.merge.number, waits.merge.sha) == (12, SHA)


async def test_a_lock_of_a_persons_thread_is_told_with_its_place() -> None:
    box = Box()
    box.deployer.prepare("production backend", Observation(status="unknown"))
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    await box.is_asked_for(SHA)
    await box.approves()
    box.model.will("deploy_backend_to_prod", sha="b" * 40, reason="")
    await box.merges("b" * 40)
    await box.approves()
    waits = (await box.state()).waits_for_lock
    assert waits
    assert (waits.merge, waits.message) == (None, "C01DEPLOYS|1.1")


# What a card shows is not denied.


def with_card(**facts: object) -> Story:
    shown = card_facts(commits=(COMMIT,), commits_total=1)
    running = (ev.Running(service="backend", sha=None, source="unknown"),)
    fetched = ev.FactsFetched.model_validate({"running": running} | facts)
    return Story().merged().staged().then(fetched).asks(facts=shown)


def test_what_changed_is_what_the_card_shows_where_nobody_could_compare() -> None:
    story = with_card()
    assert say.changes(story.state) == "The card above brings, newest first:\n4af9ec0 Gift cards"
    read = render(story.state, story.entries, story.repo, story.now)
    assert "commits that the card shows: 4af9ec0 «Gift cards»" in read
    compared = with_card(commits=(ev.Commit(sha="c" * 40, title="Tax"),))
    assert say.changes(compared.state).startswith("Not on production yet, newest first:\nccccccc")
    read = render(compared.state, compared.entries, compared.repo, compared.now)
    assert "commits that the card shows" not in read


def test_what_nobody_compared_is_not_said_to_be_nothing() -> None:
    known = ev.Running(service="backend", sha=NEW, source="recorded")
    unknown = ev.Running(service="backend", sha=None, source="unknown")
    merged = Story().merged().staged
    assert say.changes(merged().state) == say.NOT_COMPARED
    for facts in (
        ev.FactsFetched(running=(unknown,)),
        ev.FactsFetched(running=(known,), problems=("GitHub could not be asked",)),
    ):
        assert say.changes(merged().then(facts).state) == say.NOT_COMPARED
    same = merged().then(ev.FactsFetched(running=(known,))).state
    assert say.changes(same) == "I know of no commits that production does not have."
