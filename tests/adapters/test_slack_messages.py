"""What a thread looks like in Slack, from its events alone."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core import events as ev
from app.slack import text
from app.slack.messages import next_change, render
from tests import payloads
from tests.story import BOB, CARA, NEW, THREAD, Story, card_facts, repo_config

EVIL = "<!channel> <@U02BOB> <https://evil.example|Approve> *b* `c` :tada: \u202egnp\u200b @here & "
CARD = f"{THREAD}:c1"


def staged() -> Story:
    return Story().merged().staged()


# The status.


def test_the_status_names_the_change_and_its_people() -> None:
    said = Story().merged().says("status")

    assert "Deploy 4af9ec0 · #12 Add gift cards" in said
    assert "<https://github.com/acme/shop/pull/12|#12> by alice, merged by bob" in said


def test_a_merge_calls_nobody_until_somebody_is_needed() -> None:
    story = Story().merged().starts("s")
    assert "<@" not in story.says("status")
    assert "<@" not in story.says("progress:staging:1")


def test_the_author_of_a_merge_is_called_when_it_is_out() -> None:
    story = staged().ships().then(ev.PlanEnded(call_id="d", message="All out."))
    assert "<@U01ALICE>: All out." in story.says("say:0")
    assert story.show()["say:0"].text == "<@U01ALICE>: All out."


@pytest.mark.parametrize("people", [{}, {"bob": BOB}])
def test_an_author_whom_nobody_knows_in_slack_is_not_called(people: dict[str, str]) -> None:
    story = Story(repo_config(people=people)).merged().staged().ships()
    called = "<@U02BOB>: " if people else ""
    said = story.then(ev.PlanEnded(call_id="d", message="All out.")).show()["say:0"].text
    assert said == f"{called}All out."


def test_a_plan_that_changed_nothing_calls_nobody() -> None:
    story = staged().then(ev.PlanEnded(call_id="d", message="Nothing was deployed."))
    assert story.show()["say:0"].text == "Nothing was deployed."


def test_who_asked_for_a_deploy_reads_its_end_in_their_own_thread() -> None:
    story = Story().mentioned().ships().then(ev.PlanEnded(call_id="d", message="All out."))
    assert story.show()["say:0"].text == "All out."


def test_a_question_gets_its_answer_and_no_status_beside_it() -> None:
    story = Story().mentioned()
    assert story.show()["status"].passed
    assert next_change(story.state, story.repo, story.now) == story.now + 10_000
    story.now += 10_000
    assert not story.show()["status"].passed  # it is read for long
    assert next_change(story.state, story.repo, story.now) is None
    story.then(ev.BotSaid(call_id="r", text="It is fine.", because="reply"))
    assert story.show()["status"].passed
    assert not story.asks().show()["status"].passed


def test_trouble_is_told_where_a_person_only_asked() -> None:
    story = Story().mentioned().then(ev.BotSaid(call_id="r", text="Fine.", because="reply"))
    assert not story.then(ev.StepFailed(error_id="1a2b3c4d")).show()["status"].passed


def test_the_status_is_the_channels_message_of_a_merge_and_a_reply_to_a_mention() -> None:
    assert not Story().merged().show()["status"].in_thread
    assert Story().mentioned().show()["status"].in_thread


@pytest.mark.parametrize(
    ("story", "expected"),
    [
        (Story().merged().starts("s"), "🚀 deploying backend (1 of 2)"),
        (Story().merged().starts("s", kind="e2e"), "🧪 testing"),
        (
            Story().merged().then(ev.LockWaited(target="staging", holder="acme/shop/9999999999")),
            "waiting for `staging`, in use by thread `9999999999`",
        ),
        (staged(), "🤔 thinking"),
        (staged().asks(), "🔔 waiting for approval: deploy backend to production"),
        (staged().asks().approves(), "starting to deploy backend to production"),
        (
            staged().asks().approves().starts("p", "production", call_id="c1"),
            "🚀 deploying backend `4af9ec0`",
        ),
        (
            staged().asks().approves().starts("p", "production", call_id="c1").ends("p", "unknown"),
            "❓ nobody can tell whether backend was changed",
        ),
        (staged().ships().starts("e", "production", "e2e"), "🧪 testing"),
        (staged().asks().then(ev.StopRequested(user=CARA)), "⏹️ stopped by <@U03CARA>"),
        (
            staged().then(ev.BotSaid(call_id="q", text="Which?", because="question")),
            "💬 waiting for words",
        ),
        (
            staged().then(ev.ModelDown(message="timeout", retry_at=1_800_000_100_000)),
            "⚠️ the model does not answer · next try",
        ),
        (
            staged().then(ev.WaitStarted(call_id="w", until=1_800_000_100_000, reason="lunch")),
            "⏲️ waiting until",
        ),
        (
            staged().asks().then(ev.ApprovalExpired(call_id="c1", reason="its time was up")),
            "⌛ approval expired: deploy backend to production",
        ),
    ],
)
def test_the_status_says_what_is_happening_now(story: Story, expected: str) -> None:
    assert expected in story.says("status")


def test_a_rollback_under_way_is_told_as_one() -> None:
    story = staged().asks(kind="rollback").approves()

    assert "↩️ rolling back backend" in story.starts(
        "p", "production", "rollback", call_id="c1"
    ).says("status")


def test_stop_is_offered_only_while_something_can_be_stopped() -> None:
    story = staged().asks()
    assert story.buttons("status") == {"stop": THREAD}

    assert story.then(ev.StopRequested(user=CARA)).buttons("status") == {}


def test_a_finished_deploy_says_so_and_what_it_changed() -> None:
    story = staged().ships().then(ev.PlanEnded(call_id="d", message="Done."))
    story.starts("e", "production", "e2e").ends("e")
    story.then(ev.VerificationEnded(passed=True, versions={}))

    assert "✅ done and tested" in story.says("status")
    assert "Changed here: backend `4af9ec0`" in story.says("status")
    assert story.buttons("status") == {}


# Staging.


def failed_staging(kind: str = "e2e") -> Story:
    story = Story().merged().starts("s", kind=kind)
    tail = tuple(f"line {n}" for n in range(20))
    story.ends("s", "failed", "2 tests failed", failing_tests=("test_cart",), tail=tail)
    return story.then(ev.StagingEnded(sha=NEW, passed=False, summary="e2e: 2 tests failed"))


def test_staging_is_one_message_with_a_line_for_each_service_and_the_tests() -> None:
    story = Story().merged().starts("s", service="frontend").ends("s").starts("t")
    story.then(ev.ToolProgressed(attempt_id="t", line="pushing <image>"))
    said = story.says("progress:staging:1")

    assert "✅ frontend · 11 s\n⏳ backend · since" in said
    assert "`pushing &lt;image&gt;`\n▫️ e2e tests" in said
    assert story.show()["progress:staging:1"].edit_every_seconds == 3


def test_a_failure_on_staging_calls_the_author_once_with_reasons_and_retries() -> None:
    story = failed_staging()
    said = story.says("alert:staging:1")

    assert "<@U01ALICE>: staging failed" in said
    assert "`test_cart`" in said
    assert "line 19" in said
    wanted = {"retry": f"{THREAD}:all", "retry_e2e": f"{THREAD}:e2e"}
    offered = story.buttons("alert:staging:1")
    assert offered.pop("override").startswith(f"{THREAD}:")
    assert offered == story.buttons("status") == wanted


def test_the_tests_alone_can_be_retried_only_if_they_were_reached() -> None:
    assert "retry_e2e" not in failed_staging("deploy").buttons("status")


def test_a_retry_takes_the_buttons_away() -> None:
    story = failed_staging().then(ev.StagingRequested(sha=NEW, scope="all", user=CARA))

    assert story.buttons("alert:staging:1") == {}
    assert "retry" not in story.buttons("status")


# Cards.


def test_a_card_shows_exactly_what_would_happen() -> None:
    said = staged().asks(reason="It is small.").says("card:c1")

    for expected in (
        "Deploy backend to production",
        "`1111111` → `4af9ec0` · <https://github.com/acme/shop/compare/1111111...4af9ec0|compare>",
        "<https://github.com/acme/shop/pull/12|#12> Add gift cards · by alice, merged by bob",
        "`4af9ec0` Add gift cards · alice",
        f'deploy_backend_to_prod(sha="{NEW}")',
        f'argv = ["./deploy.sh", "backend", "production", "{NEW}"]',
        "*Staging:* passed, 42 tests",
        "*May approve:* <@U02BOB> and <@U03CARA> · not alice: no self-approval",
        "*Expires:* <!date^1800086438^{date_short_pretty} at {time}|2027-01-16 08:00 UTC>",
        "model's words: It is small.",
    ):
        assert expected in said


def test_a_cards_reason_names_who_worded_it_also_when_the_card_is_made_anew() -> None:
    story = staged().then(_proposed("c1", "offline planner")).asks(reason="Next in order.")
    assert "offline planner's words: Next in order." in story.says("card:c1")

    story.then(ev.ApprovalExpired(call_id="c1", reason="nobody decided in time"))
    story.then(ev.AskedAgain(call_id="c1", user=CARA), _proposed("c2", CARA))
    story.asks("c2", reason="Next in order.")
    assert "offline planner's words: Next in order." in story.says("card:c2")


def _proposed(call_id: str, by: str) -> ev.ToolProposed:
    return ev.ToolProposed(call_id=call_id, tool="deploy_backend_to_prod", arguments={}, by=by)


def test_a_card_has_its_three_buttons() -> None:
    story = staged().asks()

    assert story.buttons("card:c1") == {
        "approve": CARD,
        "reject": CARD,
        "reject_with_feedback": CARD,
    }
    assert "Risky" not in story.says("card:c1")


def test_a_risky_change_is_asked_about_twice() -> None:
    story = staged().asks(facts=card_facts(risky="it changes infra/db.tf"))

    assert "*Risky:* it changes infra/db.tf" in story.says("card:c1")
    assert "Deploy backend to production?\nRisky: it changes infra/db.tf." in story.says("card:c1")


def test_a_card_in_a_mention_thread_says_who_asked() -> None:
    assert "asked for by <@U03CARA>" in Story().mentioned().asks().says("card:c1")


def test_the_notification_of_a_card_calls_the_approvers() -> None:
    facts = card_facts(approvers=(BOB, "S0WEB"))

    said = staged().asks(facts=facts).show()["card:c1"].text
    assert said.startswith("<@U02BOB> and <!subteam^S0WEB>: approve to deploy backend")


def test_without_approvers_the_card_says_how_to_mend_it() -> None:
    story = staged().asks(facts=card_facts(approvers=()))

    assert "Nobody can approve this" in story.says("card:c1")
    assert "`approvers = [...]` for `acme/shop` in `deploybot.toml`" in story.says("card:c1")
    assert "approve" not in story.buttons("card:c1")


def test_a_card_says_when_every_approver_is_barred() -> None:
    story = staged().asks(facts=card_facts(approvers=(), barred=(BOB,)))
    assert "every approver wrote, merged or pushed it" in story.says("card:c1")
    assert "approve" not in story.buttons("card:c1")


def test_a_card_says_what_could_not_be_checked() -> None:
    story = staged().asks(facts=card_facts(unchecked=("GitHub could not be asked",)), was=None)

    assert "*Not checked:* GitHub could not be asked" in story.says("card:c1")
    assert "Nobody knows what production runs now." in story.says("card:c1")


def test_a_second_plan_quotes_the_words_that_led_to_it() -> None:
    said = staged().asks(plan=2, quote="backend first?", quoted_user=CARA).says("card:c1")

    assert "Deploy backend to production · plan 2" in said
    assert "<@U03CARA> wrote:\n“backend first?”" in said


def test_a_held_card_says_whose_message_is_read() -> None:
    story = staged().asks().then(ev.HumanSaid(user=CARA, text="why?"))

    assert "⏸️ Reading <@U03CARA>'s message" in story.says("card:c1")
    assert "approve" in story.buttons("card:c1")


def test_a_card_held_while_the_model_is_down_can_be_released() -> None:
    story = staged().asks().then(ev.HumanSaid(user=CARA, text="why?"))
    story.then(ev.ModelDown(message="timeout", retry_at=story.now + 30_000))

    assert "the model does not answer" in story.says("card:c1")
    assert "release" in story.buttons("card:c1")
    assert "approve" not in story.buttons("card:c1")


def test_a_target_on_hold_is_released_before_it_is_approved() -> None:
    story = staged().asks(facts=card_facts(hold="1111111 was bad"))
    assert next(iter(story.buttons("card:c1"))) == "release"

    story.then(ev.HoldReleased(service="backend", user=BOB))
    assert next(iter(story.buttons("card:c1"))) == "approve"
    assert "Hold released by <@U02BOB>" in story.says("card:c1")


def test_one_of_two_approvals_is_counted() -> None:
    story = staged().asks(facts=card_facts(needed=2)).approves()

    assert "✅ Approved by <@U02BOB>" in story.says("card:c1")
    assert "1 of 2" in story.says("card:c1")
    assert "approve" in story.buttons("card:c1")


def test_an_approved_card_has_no_buttons_and_says_by_whom() -> None:
    story = staged().asks().approves()
    assert story.buttons("card:c1") == {}

    story.starts("p", "production", call_id="c1")
    story.then(ev.ToolProgressed(attempt_id="p", line="layer 3 of 7"))
    said = story.says("card:c1")
    assert "approved by <@U02BOB>" in said
    assert "deploying since" in said
    assert "`layer 3 of 7`" in said


@pytest.mark.parametrize("possible", [True, False])
def test_a_run_that_cannot_be_cancelled_says_so(possible: bool) -> None:
    story = staged().asks().approves().starts("p", "production", call_id="c1")
    story.then(ev.CancelRequested(attempt_id="p", possible=possible))
    said = story.says("card:c1")
    assert ("being cancelled" in said) == possible
    assert ("cannot be cancelled: runs to its end" in said) != possible


@pytest.mark.parametrize("outcome", ["succeeded", "failed", "cancelled"])
def test_a_settled_card_keeps_who_and_what_came_of_it(outcome: str) -> None:
    story = staged().asks().approves().starts("p", "production", call_id="c1")
    story.ends("p", outcome, "exit code 1", tail=("boom",))
    said = story.says("card:c1")

    assert "approved by <@U02BOB>" in said
    assert outcome in said
    assert story.buttons("card:c1") == {}
    assert ("boom" in said) == (outcome == "failed")


def test_an_unknown_outcome_is_asked_about_and_settled_by_a_person() -> None:
    story = staged().asks().approves().starts("p", "production", call_id="c1")
    story.ends("p", "unknown", "another host started it")
    assert set(story.buttons("card:c1")) == {"happened", "rollback"}
    assert "<@U02BOB>: nobody can tell" in story.says("alert:unknown:p")

    story.now += 60_000
    assert set(story.buttons("card:c1")) == {"happened", "did_not_happen", "rollback"}

    story.then(ev.OutcomeStated(attempt_id="p", happened=True, user=BOB))
    assert "it happened, says <@U02BOB>" in story.says("card:c1")
    assert "Settled: it happened" in story.says("alert:unknown:p")


def test_a_message_that_changes_by_itself_is_looked_at_again() -> None:
    story = staged().asks().approves().starts("p", "production", call_id="c1").ends("p", "unknown")

    run = story.state.unknown
    assert run is not None
    assert next_change(story.state, story.repo, story.now) == run.send_by
    assert next_change(story.state, story.repo, run.send_by) is None


def test_a_rejected_card_keeps_the_words() -> None:
    story = staged().asks()
    story.then(ev.ApprovalRejected(call_id="c1", user=CARA, text="backend <first>"))

    assert "rejected by <@U03CARA>" in story.says("card:c1")
    assert "“backend \u2039first\u203a”" in story.says("card:c1")
    assert story.buttons("card:c1") == {}


def test_an_expired_card_is_not_a_rejected_one_and_can_be_asked_again() -> None:
    story = staged().asks().then(ev.ApprovalExpired(call_id="c1", reason="production changed"))

    assert "expired" in story.says("card:c1")
    assert "nobody rejected it" in story.says("card:c1")
    assert story.buttons("card:c1") == {"ask_again": CARD}


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (ev.ApprovalSuperseded(call_id="c1", user=CARA), "superseded by <@U03CARA>'s message"),
        (ev.StopRequested(user=CARA), "stopped by <@U03CARA>"),
    ],
)
def test_a_card_that_no_longer_counts_is_two_lines(event: ev.Event, expected: str) -> None:
    story = staged().asks().then(event)

    assert expected in story.says("card:c1")
    assert len(story.show()["card:c1"].blocks) == 2


# Production tests and sentences.


def test_green_production_tests_are_told_below_the_done_message_alone() -> None:
    story = staged().ships().then(ev.PlanEnded(call_id="d", message="All out."))
    assert "production tests are next" in story.says("say:0")

    story.starts("e", "production", "e2e").ends("e")
    story.then(ev.VerificationEnded(passed=True, versions={}))
    assert "✅ production tests passed" in story.says("say:0")
    assert story.buttons("say:0") == {"rollback": THREAD}
    assert "progress:e2e:e" not in story.show()


def test_production_tests_that_are_red_once_are_told_below_the_done_message_alone() -> None:
    story = staged().ships().then(ev.PlanEnded(call_id="d", message="All out."))
    story.starts("e", "production", "e2e").ends("e", "failed", "1 failed", failing_tests=("t1",))
    assert "red once, run again" in story.says("say:0")
    assert "progress:e2e:e" not in story.show()

    story.starts("f", "production", "e2e").ends("f")
    story.then(ev.VerificationEnded(passed=True, versions={}))
    assert "✅ production tests passed in run 2" in story.says("say:0")
    assert "progress:e2e:e" not in story.show()


def test_production_tests_that_stay_red_are_one_message_for_both_runs() -> None:
    story = staged().ships().then(ev.PlanEnded(call_id="d", message="All out."))
    for run in ("e", "f"):
        story.starts(run, "production", "e2e")
        story.ends(run, "failed", "1 failed", failing_tests=("t1",))
    story.then(ev.VerificationEnded(passed=False, versions={}))
    assert "red twice: `t1`" in story.says("progress:e2e:e")
    assert story.says("progress:e2e:e").count("Failing: `t1`") == 1
    assert "progress:e2e:f" not in story.show()


def test_production_tests_after_no_end_of_a_plan_are_a_message_of_their_own() -> None:
    story = staged().ships().then(ev.StopRequested(user=CARA))
    story.starts("e", "production", "e2e").ends("e", "failed", "1 failed")
    assert "Red once, run again." in story.says("progress:e2e:e")


def test_a_question_calls_the_person_who_spoke_last_and_offers_its_choices() -> None:
    story = staged().then(ev.HumanSaid(user=CARA, text="deploy it"))
    story.then(ev.BotSaid(call_id="q", text="Which?", because="question", choices=("Both", "None")))
    assert "<@U03CARA> Which?" in story.says("say:0")
    value = f"{THREAD}:q"
    assert story.buttons("say:0") == {"choose_0": f"{value}:0", "choose_1": f"{value}:1"}

    story.then(ev.HumanSaid(user=CARA, text="Both"))
    assert story.buttons("say:0") == {}


def test_messages_come_in_the_order_in_which_they_came_up() -> None:
    story = staged().asks("c1").then(ev.BotSaid(call_id="r", text="Hi.", because="reply"))

    assert list(story.show()) == ["status", "progress:staging:1", "card:c1", "say:0"]


# Text from outside.


def test_text_from_outside_mentions_nobody_and_is_cut_visibly() -> None:
    evil = EVIL * 200
    story = Story().merged(evil).staged().then(ev.HumanSaid(user=CARA, text=evil))
    commits = tuple(ev.Commit(sha=NEW, title=evil, author=evil) for _ in range(30))
    facts = card_facts(commits=commits, staging=evil, unchecked=(evil,) * 9, hold=evil)
    arguments = {f"key{n}": evil for n in range(30)}
    story.asks(facts=facts, arguments=arguments, quote=evil, plan=2, quoted_user=CARA, reason=evil)
    story.then(ev.BotSaid(call_id="r", text=evil, because="reply"))
    story.then(ev.BotSaid(call_id="q", text=evil, because="question", choices=(evil,) * 30))

    for message in story.show().values():  # `show` checks tokens, limits and models
        said = payloads.words(message.text, message.blocks)
        assert "\u202e" not in said
        assert "\u200b" not in said
    assert text.CUT in story.says("card:c1")
    assert text.CUT in story.says("say:0")


def test_a_failing_deploy_of_huge_output_still_fits() -> None:
    story = staged().asks().approves().starts("p", "production", call_id="c1")
    story.ends("p", "failed", EVIL * 99, tail=("`" * 5000,) * 50, failing_tests=(EVIL,) * 99)

    assert text.CUT in story.says("card:c1")


def test_a_secret_in_a_log_line_is_masked() -> None:
    story = staged().asks().approves().starts("p", "production", call_id="c1")
    story.ends("p", "failed", "exit 1", tail=("token=abcd1234efgh",))

    assert "abcd1234efgh" not in story.says("card:c1")


def test_rendering_is_a_function_of_the_events_alone() -> None:
    story = staged().asks()

    assert render(story.state, story.repo, 0) == render(story.state, story.repo, 10**15)


HOSTILE = st.text(alphabet=st.one_of(st.characters(), st.sampled_from("<>&@!|`*_~:\n\u202e\u200d")))


@given(HOSTILE, st.integers(20, 200))
def test_inline_text_is_one_line_without_markup(outside: str, limit: int) -> None:
    made = text.inline(outside, limit)

    assert len(made) <= limit
    assert not set("<>*~`|@\n\r\u202e\u200d") & set(made)


@given(HOSTILE, st.integers(20, 200))
def test_prose_keeps_lines_but_no_markup(outside: str, limit: int) -> None:
    made = text.prose(outside, limit)

    assert len(made) <= limit
    assert not set("<>*~`|@\u202e\u200d") & set(made)
    assert not any(line.startswith("&gt;") for line in made.split("\n"))


@given(HOSTILE, st.integers(20, 200))
def test_code_cannot_be_left(outside: str, limit: int) -> None:
    span, block = text.code(outside, limit), text.code_block(outside, limit)

    assert max(len(span), len(block)) <= limit
    assert span.count("`") == 2
    assert block.count("`") == 6
    assert not set("<>") & set(span + block)


@given(HOSTILE, st.integers(20, 200))
def test_plain_lines_have_no_token(outside: str, limit: int) -> None:
    made = text.line(outside, limit)

    assert len(made) <= limit
    assert not set("<>\n\u202e\u200d") & set(made)


@given(HOSTILE)
def test_only_web_addresses_become_links(outside: str) -> None:
    made = text.link(outside, outside)

    assert not made.startswith("<") or made.startswith(("<http://", "<https://"))
    assert made.count("<") <= 1


def test_a_link_needs_an_http_address() -> None:
    assert text.link("javascript:alert(1)", "#1") == "#1"
    assert text.link("https://a.example/?a=1&b=2", "#1") == "<https://a.example/?a=1&amp;b=2|#1>"


def test_slacks_encoding_of_words_becomes_the_words() -> None:
    said = "<@U0BOT|bot> see <https://a.example|this> in <#C1|deploys> &amp; 1 &lt; 2"

    assert text.decode(said) == "<@U0BOT> see this in deploys & 1 < 2"


def test_the_digest_changes_with_what_is_seen() -> None:
    message = staged().asks().show()["card:c1"]

    assert replace(message, text="other").digest != message.digest
    assert replace(message, edit_every_seconds=9).digest == message.digest
