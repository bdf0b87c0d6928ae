"""What locks and freezes look like in Slack: in their own thread, and where they stop something."""

from typing import Any

import pytest

from app.core import events as ev
from app.core import ledger
from app.core.ports import Write
from app.core.state import State
from app.slack.messages import next_change
from app.slack.sender import SlackSender
from tests.fake_calendar import freeze
from tests.fakes import FakeChat, FakeLog
from tests.shop import REPO
from tests.story import ALICE, BOB, START, THREAD, Story, repo_config

EVIL = "<!channel> <@U02BOB> *b* `c` :tada: https://evil.example"
HOUR = 3_600_000


def waiting(**repo: Any) -> Story:
    return Story(repo_config(**repo)).merged().staged().asks()


def mentioned() -> Story:
    """Begin by alice's mention, whose only words are a lock."""
    story = Story()
    story.mentioned().entries.pop()
    return story


# The thread that locks.


def test_a_command_has_a_message_of_its_own_in_the_channel() -> None:
    story = Story().began_by_command().locks("backend", until=START + HOUR, reason="load test")
    assert list(story.show()) == ["status"]
    assert not story.show()["status"].in_thread
    said = story.says("status")
    assert "🔒 *backend* is locked by <@U01ALICE> until <!date^1800003600^" in said
    assert (
        ": load test\nNothing begins on it in production meanwhile; what already runs goes on."
        in said
    )
    assert "Whoever locked it, or an approver, ends that with `unlock backend`." in said
    assert story.buttons("status") == {}
    assert "thinking" not in said


def test_an_hour_that_code_chose_is_told_with_the_lock() -> None:
    chosen = "Monday 08:30 Europe/Berlin, when working hours begin"
    story = Story().began_by_command().locks("backend", until=START + HOUR, chosen=chosen)
    assert f"{{time}}|2027-01-15 09:00 UTC> ({chosen})\nNothing begins" in story.says("status")


def test_a_mention_that_locks_is_answered_by_the_threads_own_message() -> None:
    story = mentioned().locks("backend")
    assert list(story.show()) == ["status"]
    assert story.show()["status"].in_thread
    assert "🔒 *backend* is locked by <@U01ALICE>\nNothing begins" in story.says("status")


def test_a_lock_in_a_deploys_thread_has_a_message_of_its_own() -> None:
    story = waiting().locks("frontend", "backend", reason="surgery")
    said = story.says("lock:0")
    assert "🔒 *frontend* and *backend* are locked by <@U01ALICE>: surgery" in said
    assert "ends that with `unlock frontend and backend`" in said


def test_the_end_of_a_lock_is_told_where_it_was_placed() -> None:
    story = Story().began_by_command().locks("backend", reason="load test").unlocks("backend")
    assert (
        "🔓 *backend* was locked by <@U01ALICE>: load test · unlocked by <@U02BOB>"
        in story.says("status")
    )
    assert "🔓 *backend* is unlocked by <@U02BOB>." in story.says("lock:1")


def test_the_reason_of_an_unlock_is_told() -> None:
    unlocked = ev.ServiceUnlocked(services=("backend",), user=BOB, reason="it *passed*")
    story = Story().began_by_command().locks("backend").then(unlocked)
    assert "🔓 *backend* is unlocked by <@U02BOB>: it " in story.says("lock:1")


def test_what_is_left_of_a_lock_is_told() -> None:
    story = Story().began_by_command().locks("frontend", "backend").unlocks("backend")
    assert "🔒 *frontend* is locked by <@U01ALICE>" in story.says("status")


def test_a_lock_that_is_over_by_itself_is_told_as_over() -> None:
    story = Story().began_by_command().locks("backend", until=START + HOUR)
    repo, facts = story.repo, story.facts
    assert next_change(story.state, repo, story.now, facts) == START + HOUR
    story.now = START + HOUR
    assert "🔓 *backend* was locked by <@U01ALICE> · over" in story.says("status")
    assert next_change(story.state, repo, story.now, facts) is None


def test_of_a_lock_that_ended_in_parts_each_end_is_told_of_its_own_services() -> None:
    story = Story().began_by_command().locks("frontend", "backend", until=START + HOUR)
    story.unlocks("backend")
    story.now = START + HOUR
    assert (
        "🔓 *frontend* and *backend* were locked by <@U01ALICE> · "
        "*frontend* over, *backend* unlocked by <@U02BOB>"
    ) in story.says("status")


def test_who_ended_which_part_of_a_lock_is_told() -> None:
    story = Story().began_by_command().locks("frontend", "backend")
    story.unlocks("backend").unlocks("frontend", user=ALICE)
    said = "· *frontend* unlocked by <@U01ALICE>, *backend* unlocked by <@U02BOB>"
    assert said in story.says("status")
    story = Story().began_by_command().locks("frontend", "backend").unlocks("frontend", "backend")
    assert "were locked by <@U01ALICE> · unlocked by <@U02BOB>" in story.says("status")


def test_a_lock_that_another_thread_replaced_is_over_here() -> None:
    story = Story().began_by_command().locks("backend")
    again = ev.ServiceLocked(services=("backend",), user=ALICE)
    story.facts |= {
        key: value or ""
        for key, value in ledger.write(State(thread_id="acme/shop/f"), [again], START).facts.items()
    }
    assert "🔓 *backend* was locked by <@U01ALICE> · over" in story.says("status")


def test_a_lock_replaced_in_its_thread_is_told_once() -> None:
    story = Story().began_by_command().locks("backend").locks("backend", until=START + HOUR)
    assert "🔓" in story.says("status")
    assert "🔒 *backend* is locked" in story.says("lock:1")


def test_a_lock_thread_that_goes_on_with_a_deploy_tells_both() -> None:
    story = mentioned().locks("backend").then(ev.HumanSaid(user=BOB, text="deploy frontend"))
    said = story.says("status")
    assert "*Production*  🤔 reading" in said
    assert "🔒 *backend* is locked by <@U01ALICE>" in said


def test_a_reason_mentions_nobody_and_formats_nothing() -> None:
    story = waiting().locks("backend", reason=EVIL)
    for slot in ("lock:0", "card:c1", "status"):
        said = story.says(slot)
        assert "<!channel>" not in said
        assert "<@U02BOB> *b*" not in said
        assert "&lt;!channel&gt;" in said


# Where they stop something.


def test_the_card_and_the_status_say_who_locked_it_and_why() -> None:
    story = waiting().locks("backend", until=START + HOUR, reason="load test")
    card = story.says("card:c1")
    assert "🔒 backend is locked by alice since <!date^" in card
    assert "until <!date^1800003600^" in card
    assert ": load test\nNothing begins on it meanwhile, also no rollback. Whoever locked" in card
    assert "approve" in story.buttons("card:c1")
    status = story.says("status")
    assert "🔒 backend is locked by alice since" in status
    assert "· card: deploy backend to production" in status


@pytest.mark.parametrize("story", [waiting(), waiting().locks("frontend")])
def test_a_card_that_nothing_stops_says_nothing_of_it(story: Story) -> None:
    assert "is locked" not in story.says("card:c1")
    assert "🔔 waiting for approval" in story.says("status")


WINDOW = freeze(START, START + HOUR)


@pytest.mark.parametrize(
    ("story", "invites"),
    [
        (waiting(), True),
        (waiting().locks("frontend"), True),
        (waiting().locks("backend"), False),
        (waiting(freeze=(WINDOW,)), False),
        (Story(repo_config(freeze=(WINDOW,))).merged().staged().asks(kind="rollback"), True),
    ],
)
def test_approve_is_a_plain_button_while_something_stands_against_it(
    story: Story, invites: bool
) -> None:
    blocks = story.show()["card:c1"].blocks
    made = [element for block in blocks for element in block.get("elements", ())]
    [approve] = [element for element in made if element.get("action_id") == "approve"]
    assert approve.get("style") == ("primary" if invites else None)


def test_a_card_is_as_before_when_the_lock_is_over() -> None:
    before = waiting()
    after = waiting().locks("backend").unlocks("backend")
    assert after.show()["card:c1"].blocks == before.show()["card:c1"].blocks


def test_a_deploys_card_says_that_it_is_frozen() -> None:
    story = waiting(freeze=(freeze(START, START + HOUR),))
    card = story.says("card:c1")
    assert "❄️ backend is frozen since <!date^1800000000^" in card
    assert ": weekend\nNothing is deployed in a freeze; a rollback would be possible." in card
    assert "❄️ backend is frozen since" in story.says("status")


def test_a_rollbacks_card_says_that_a_freeze_does_not_hold_it_up() -> None:
    repo = repo_config(freeze=(freeze(START, START + HOUR),))
    story = Story(repo).merged().staged().asks(kind="rollback")
    assert ": weekend\nA freeze does not hold up a rollback." in story.says("card:c1")
    assert "🔔 waiting for approval" in story.says("status")


def test_an_approved_action_says_what_it_waits_for() -> None:
    block = ev.Block(service="backend", user=ALICE, since=START, reason=EVIL)
    story = waiting().approves().then(ev.BlockWaited(block=block))
    told = "waiting, and going on when it is over: backend is locked by <@U01ALICE> since"
    assert told in story.says("card:c1")
    assert told in story.says("status")
    assert "<!channel>" not in story.says("status")


@pytest.mark.parametrize(
    ("story", "at"),
    [
        (waiting(), None),
        (waiting().locks("backend", until=START + HOUR), START + HOUR),
        (waiting(freeze=(freeze(START + HOUR, START + 2 * HOUR),)), START + HOUR),
        (waiting(freeze=(freeze(START, START + 2 * HOUR),)), START + 2 * HOUR),
        (Story(repo_config(freeze=(freeze(START + HOUR, START),))).merged().staged(), None),
    ],
)
def test_a_card_changes_by_itself_when_a_lock_or_a_freeze_begins_or_ends(
    story: Story, at: int | None
) -> None:
    story.facts = {k: v for k, v in story.facts.items() if k.startswith("lock/")}
    state = story.state
    state.lockings.clear()  # as in another thread than the lock's
    assert next_change(state, story.repo, story.now, story.facts) == at


# The sender.


async def test_a_waiting_card_shows_a_lock_of_another_thread_and_its_end() -> None:
    log, chat, story = FakeLog(), FakeChat(), waiting()
    sender = SlackSender(log, chat, {REPO: story.repo}, seconds_between_posts=0)

    async def settle() -> str:
        while await sender.step():
            pass
        return next(m for m in chat.messages if "Approve" in m.words).words

    await log.append(Write(THREAD, [entry.event for entry in story.entries]))
    assert "is locked" not in await settle()
    now = await log.now(REPO)
    elsewhere = State(thread_id="acme/shop/fedcba9876")
    locked = ev.ServiceLocked(services=("backend",), user=ALICE, until=now + HOUR)
    await log.append(ledger.write(elsewhere, [locked], now))
    assert "backend is locked by alice" in await settle()
    log.advance(HOUR)
    assert "is locked" not in await settle()
    await log.append(ledger.write(elsewhere, [locked.model_copy(update={"until": None})], now))
    assert "backend is locked by alice" in await settle()
    unlocked = ev.ServiceUnlocked(services=("backend",), user=BOB)
    await log.append(ledger.write(elsewhere, [unlocked], now))
    assert "is locked" not in await settle()
