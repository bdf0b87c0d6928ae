"""The question about undeployed changes in Slack: in the channel, two answers, then settled."""

from typing import Any

from app.core import events as ev
from app.core.undeployed import Asked
from tests.shop import ALICE, BOB, REPO
from tests.story import NEW, OLD, THREAD, Story


def story(*merges: ev.Merged) -> Story:
    started = ev.ThreadStarted(
        thread_id=THREAD,
        repo=REPO,
        branch="main",
        channel="C01DEPLOYS",
        origin="schedule",
        sha=NEW,
    )
    shown = merges or (
        ev.Merged(sha=NEW, title="Tax <!here>", author="alice", number=41, url="https://x.y/41"),
        ev.Merged(sha=OLD, title="Direct push", author="zoe"),
    )
    told = Story().then(started, ev.UndeployedFound(sha=NEW, merges=shown, was={"backend": OLD}))
    told.facts |= {
        **asked_by(THREAD),
        "running/backend": f'{{"sha": "{OLD}"}}',
    }
    return told


def asked_by(thread_id: str) -> dict[str, str]:
    """Return the fact that a thread asks about the backend."""
    facts = Asked(1, thread_id, (NEW,)).as_facts(["backend"])
    return {name: told for name, told in facts.items() if told}


def words(told: Story) -> str:
    block: dict[str, Any] = told.show()["status"].blocks[0]
    return str(block["text"]["text"])


def test_it_names_commits_and_authors_in_the_channel_and_asks() -> None:
    told = story()
    assert words(told) == (
        "📦 *1 merge and 1 commit are not on production:*\n"
        f"• <https://x.y/41|#41> Tax &lt;!here&gt; (<@{ALICE}>)\n"
        "• `1111111` Direct push (zoe)\n"
        "Deploy `4af9ec0`, the newest that passed staging, to backend?"
    )
    assert list(told.buttons("status")) == ["deploy_undeployed", "not_now"]
    message = told.show()["status"]
    assert not message.in_thread
    assert message.text == "📦 *1 merge and 1 commit are not on production:*"


def test_many_are_cut_visibly_and_one_is_one() -> None:
    many = [ev.Merged(sha=f"{n:040x}", title=f"Change {n}") for n in range(14)]
    assert "• … and 4 more (cut)\nDeploy" in words(story(*many))
    assert words(story(ev.Merged(sha=NEW))).startswith("📦 *1 commit is not on production:*")


def test_a_pull_request_is_named_once_though_its_own_commit_is_there_too() -> None:
    merge = ev.Merged(sha=NEW, title="Tax", author="alice", number=41, url="https://x.y/41")
    own = ev.Merged(sha=OLD, title="Tax", author="alice")
    others = own.model_copy(update={"author": "zoe"})
    assert words(story(merge, own, others)).split("\n")[:3] == [
        "📦 *1 merge and 1 commit are not on production:*",
        f"• <https://x.y/41|#41> Tax (<@{ALICE}>)",
        "• `1111111` Tax (zoe)",
    ]


def test_each_author_is_called_once_however_many_merges_are_theirs() -> None:
    merge = ev.Merged(sha=NEW, title="Tax", author="alice", number=41, url="https://x.y/41")
    second = merge.model_copy(update={"number": 42})
    third = merge.model_copy(update={"number": 43, "author": "bob"})
    assert words(story(merge, second, third)).split("\n")[1:4] == [
        f"• <https://x.y/41|#41> Tax (<@{ALICE}>)",
        "• <https://x.y/41|#42> Tax (alice)",
        f"• <https://x.y/41|#43> Tax (<@{BOB}>)",
    ]


def test_what_people_or_tests_said_no_to_says_so_and_calls_nobody_for_it() -> None:
    merge = ev.Merged(sha=NEW, title="Tax", author="zoe", number=41, url="https://x.y/41")
    hows = (("rejected", BOB), ("stopped", "U0ZOE"), ("red", ""), ("rolled back", ""))
    turned = [
        merge.model_copy(update={"number": n, "how": how, "user": user})
        for n, (how, user) in enumerate(hows, 41)
    ]
    assert words(story(*turned)).split("\n")[:5] == [
        "📦 *4 merges are not on production:*",
        "• <https://x.y/41|#41> Tax (zoe) · ⚠️ rejected by bob in its thread",
        "• <https://x.y/41|#42> Tax (zoe) · ⚠️ stopped by `U0ZOE` in its thread",
        "• <https://x.y/41|#43> Tax (zoe) · ⚠️ red on staging",
        "• <https://x.y/41|#44> Tax (zoe) · ⚠️ was rolled back",
    ]


def test_not_now_takes_the_buttons_away() -> None:
    told = story().then(ev.UndeployedAnswered(user=BOB, deploy=False))
    assert words(told).endswith(
        f"Not now, says <@{BOB}>. I ask again when something new is merged."
    )
    assert told.buttons("status") == {}


def test_deploy_shows_what_goes_on_below_the_question() -> None:
    told = story().then(ev.UndeployedAnswered(user=BOB, deploy=True))
    told.then(ev.HumanSaid(user=BOB, text="deploy backend 4af9ec0"))
    assert words(told).endswith(f"<@{BOB}> asked for the deploy.\n*Production*  🤔 reading")
    assert list(told.buttons("status")) == ["stop"]


def test_a_newer_question_settles_it() -> None:
    told = story()
    told.facts |= asked_by("acme/shop/ffffffffff")
    assert words(told).endswith("A newer question took the place of this one.")
    assert told.buttons("status") == {}
