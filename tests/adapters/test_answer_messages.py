"""How an answer of code's looks in Slack: links that code made, people named, nothing else live."""

from app.core import events as ev
from app.slack.permalinks import permalink
from tests.shop import ALICE, CARA
from tests.story import START, Story

PIECES = (
    ev.Piece(text=str(START), kind="time"),
    ev.Piece(text=" · backend "),
    ev.Piece(text="4af9ec0", kind="code"),
    ev.Piece(text=" · "),
    ev.Piece(text="#41", kind="link", to="https://github.com/acme/shop/pull/41"),
    ev.Piece(text=" <!channel> *now* by "),
    ev.Piece(text=ALICE, kind="user"),
    ev.Piece(text=", "),
    ev.Piece(text=CARA, kind="user"),
    ev.Piece(text=" "),
    ev.Piece(text="thread", kind="message", to="C01DEPLOYS|1800000000.000001"),
)


def told(story: Story) -> str:
    message = story.show()["say:0"]
    return str(message.blocks[0]["text"]["text"])


def story(cut: int = 0) -> Story:
    answer = ev.AnswerTold(call_id="c", title="Went out today: 1", lines=(PIECES,), cut=cut)
    return Story().mentioned().then(answer)


def test_an_answer_links_its_pull_requests_and_threads() -> None:
    asked = story()
    asked.facts["slack"] = "https://acme.slack.com/"
    assert told(asked) == (
        "Went out today: 1\n"
        "• <!date^1800000000^{date_short_pretty} at {time}|2027-01-15 08:00 UTC> · backend "
        "`4af9ec0` · <https://github.com/acme/shop/pull/41|#41> &lt;!channel&gt; \u2217now\u2217 "
        "by alice, `U03CARA` "
        "<https://acme.slack.com/archives/C01DEPLOYS/p1800000000000001|thread>"
    )


def test_nobody_is_called_who_has_no_login_here_but_named_as_slack_does() -> None:
    dan = ev.Piece(text="U04DAN", kind="user", to="Dan <!here>")
    answer = ev.AnswerTold(call_id="c", title="x", lines=((dan,),))
    assert told(Story().mentioned().then(answer)) == "x\n• Dan &lt;!here&gt;"


def test_without_slacks_address_a_thread_is_only_named() -> None:
    assert told(story()).endswith(" thread")
    assert permalink({}, "C01DEPLOYS|1.1") == ""


def test_what_is_left_out_is_counted() -> None:
    assert told(story(cut=4)).endswith("\n• … and 4 more (cut)")


def test_an_address_that_is_none_links_nothing() -> None:
    evil = ev.Piece(text="#1", kind="link", to="javascript:alert(1)")
    answer = ev.AnswerTold(call_id="c", title="x", lines=((evil,),))
    assert told(Story().mentioned().then(answer)) == "x\n• #1"
