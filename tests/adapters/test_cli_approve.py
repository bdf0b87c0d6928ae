"""`deploybot token` and `deploybot approve`: the buttons of a card while Slack is down."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import jwt
import pytest

from app import signed
from app.approving import Wish, decide, make_token
from app.core import events as ev
from app.core.errors import UserError
from app.core.ports import Write
from app.redis.connect import connect
from app.redis.embedded import start_embedded, stop_embedded
from app.redis.log import RedisLog
from tests.adapters.test_cli import GOOD, deploybot
from tests.core.test_audit import problems
from tests.shop import ALICE, BOB, CARA, repo_config
from tests.story import THREAD, Story, card_facts

KEY, OTHER_KEY = "k" * 32, "o" * 32
NOW = 1_800_000_000
DAY = 24 * 3600
TWO = GOOD.replace('approvers = ["U02BOB"]', 'approvers = ["U02BOB", "U03CARA", "S0WEB"]').replace(
    "{ bob =", "{ bobby ="
)


def story(needed: int = 1, more: tuple[ev.PlanStep, ...] = ()) -> Story:
    """Let a card of nobody's change wait, under the rules of the file."""
    approvers = (BOB, CARA, "S0WEB")
    repo = repo_config(approvers=approvers, people={"bobby": BOB}, approvals_needed=needed)
    told = Story(repo).merged().staged()
    facts = card_facts(barred=(), needed=needed, unchecked=("the weather",))
    return told.asks(facts=facts, more=more)


@pytest.fixture
async def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RedisLog]:
    """Give the log of a service that is configured in the folder, which is this one."""
    (tmp_path / "deploybot.toml").write_text(TWO)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DEPLOYBOT_SIGNING_KEY", KEY)
    for name in ("REDIS_URL", "DEPLOYBOT_TOKEN", "DEPLOYBOT_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    store = tmp_path / ".deploybot" / "redis"
    log = RedisLog(connect(await start_embedded(store)))
    now = await log.now("acme/shop")
    await log.set_offset("acme/shop", NOW * 1000 - now)
    yield log
    await log.close()
    await stop_embedded(store)


async def waits(log: RedisLog, told: Story) -> str:
    """Let the story have happened, and return the hash of its card."""
    await log.append(Write(THREAD, [entry.event for entry in told.entries]))
    return told.state.cards["c1"].request.spec_hash


def token(user: str = BOB, key: str = KEY, groups: tuple[str, ...] = (), issued: int = NOW) -> str:
    return signed.sign(key, user, groups, issued, DAY)


async def runs(text: str, folder: Path, wish: Wish, typed: str = "") -> None:
    """Decide with a token in a file."""
    file = folder / "token"
    file.write_text(f"{text}\n")
    await decide(wish, file, lambda question: typed)


async def refused(text: str, folder: Path, wish: Wish, typed: str = "") -> str:
    with pytest.raises(UserError) as error:
        await runs(text, folder, wish, typed)
    return str(error.value)


async def newest(log: RedisLog) -> ev.Event:
    return (await log.read(THREAD))[-1].event


# What is signed.


@pytest.mark.parametrize(
    "claims",
    [{"sub": ALICE}, {"aud": "another"}, {"iss": "another"}, {"exp": NOW + 99 * DAY}],
)
def test_an_altered_token_is_refused(claims: dict[str, object]) -> None:
    head, body, signature = token().split(".")
    own = jwt.decode(token(), options={"verify_signature": False})
    forged = jwt.encode({**own, **claims}, OTHER_KEY, algorithm="HS256").split(".")[1]
    with pytest.raises(UserError, match="not one that was signed with this"):
        signed.read(KEY, ".".join((head, forged, signature)), NOW)
    assert signed.read(KEY, ".".join((head, body, signature)), NOW).person.user_id == BOB


def test_a_token_of_another_algorithm_or_purpose_is_refused() -> None:
    own = jwt.decode(token(), options={"verify_signature": False})
    unsigned = jwt.encode(own, "", algorithm="none")
    other = jwt.encode({**own, "aud": "login"}, KEY, algorithm="HS256")
    endless = jwt.encode({k: v for k, v in own.items() if k != "exp"}, KEY, algorithm="HS256")
    for text in (unsigned, other, endless, "", "a.b.c"):
        with pytest.raises(UserError, match="not one that was signed with this"):
            signed.read(KEY, text, NOW)


def test_a_token_is_good_for_its_time() -> None:
    assert signed.read(KEY, token(), NOW + DAY - 1).expires == NOW + DAY
    with pytest.raises(UserError, match="This token has expired"):
        signed.read(KEY, token(), NOW + DAY)


def test_without_a_key_nothing_is_signed_or_read() -> None:
    for act in (lambda: signed.sign("", BOB, (), NOW, DAY), lambda: signed.read("", "x", NOW)):
        with pytest.raises(UserError, match="DEPLOYBOT_SIGNING_KEY is not set"):
            act()


def test_a_token_is_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DEPLOYBOT_SIGNING_KEY", KEY)
    assert make_token(BOB, ["S0WEB"], "30d") == 0
    printed = signed.read(KEY, capsys.readouterr().out, 0)
    assert (printed.person.user_id, printed.person.groups) == (BOB, {"S0WEB"})


@pytest.mark.parametrize(
    ("user", "group", "lasts", "said"),
    [
        ("bob", "S0WEB", "1d", "--user has to be a Slack user id (U…), and 'bob' is not."),
        (BOB, "U03CARA", "1d", "--group has to be a Slack user group id (S…)"),
        (BOB, "web", "1d", "--group has to be a Slack user group id (S…)"),
        (BOB, "S0WEB", "31d", "--for: '31d' is longer than 30 days."),
    ],
)
def test_what_is_no_token_is_a_sentence(user: str, group: str, lasts: str, said: str) -> None:
    with pytest.raises(UserError) as error:
        make_token(user, [group], lasts)
    assert str(error.value).startswith(said)


# What is decided.


async def test_the_exact_card_is_shown_and_approved(
    tmp_path: Path, log: RedisLog, capsys: pytest.CaptureFixture[str]
) -> None:
    spec_hash = await waits(log, story())
    await runs(token(), tmp_path, Wish(THREAD), spec_hash[:8])
    out = capsys.readouterr().out
    assert "deploy backend in production: 1111111000" in out
    assert "-> 4af9ec0000" in out
    assert 'argv = ["./deploy.sh", "backend", "production", "4af9ec0' in out
    assert f"hash: {spec_hash}\n" in out
    assert "not checked: the weather\n" in out
    granted = await newest(log)
    assert isinstance(granted, ev.ApprovalGranted)
    assert (granted.user, granted.spec_hash, granted.by) == (BOB, spec_hash, "command line")
    assert out.endswith(f"approved by U02BOB, on the command line with token {granted.token}.\n")


async def test_the_hash_has_to_be_typed(tmp_path: Path, log: RedisLog) -> None:
    spec_hash = await waits(log, story())
    for typed in ("", "y", spec_hash[:7], "0" * 8):
        said = await refused(token(), tmp_path, Wish(THREAD), typed)
        assert said == "That is not the hash of this card, so nothing was recorded."
    said = await refused(token(), tmp_path, Wish(THREAD, hash_typed="1" * 64), spec_hash)
    assert said.startswith("That is not the hash")
    await runs(token(), tmp_path, Wish(THREAD, "c1", spec_hash))
    assert (await newest(log)).type == "approval_granted"


async def test_a_token_that_was_used_approves_nothing_twice(tmp_path: Path, log: RedisLog) -> None:
    wish = Wish(THREAD, "c1", await waits(log, story()))
    await runs(token(), tmp_path, wish)
    again = await refused(token(), tmp_path, wish)
    assert again == "You approved this already; it is under way."


async def test_who_is_no_approver_is_told_so(tmp_path: Path, log: RedisLog) -> None:
    wish = Wish(THREAD, "c1", await waits(log, story()))
    said = await refused(token(ALICE), tmp_path, wish)
    assert said == "You are not an approver of backend. These are: bobby, U03CARA, S0WEB."


async def test_the_groups_of_a_token_are_signed(tmp_path: Path, log: RedisLog) -> None:
    wish = Wish(THREAD, "c1", await waits(log, story()))
    await runs(token(ALICE, groups=("S0WEB",)), tmp_path, wish)
    assert (await newest(log)).type == "approval_granted"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (token(key=OTHER_KEY), "This token is not one that was signed with this"),
        (token(issued=NOW - DAY), "This token has expired."),
    ],
)
async def test_a_token_that_counts_for_nothing(
    tmp_path: Path, log: RedisLog, text: str, said: str
) -> None:
    wish = Wish(THREAD, "c1", await waits(log, story()))
    assert (await refused(text, tmp_path, wish)).startswith(said)


async def test_a_plan_is_shown_step_by_step_and_approved_as_a_whole(
    tmp_path: Path, log: RedisLog, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "deploybot.toml").write_text(TWO + also_frontend())
    spec_hash = await waits(log, story(more=(frontend(),)))
    await runs(token(), tmp_path, Wish(THREAD), spec_hash[:8])
    out = capsys.readouterr().out
    backend_at, frontend_at = (
        out.index(f"deploy {name} in production:") for name in ("backend", "frontend")
    )
    assert backend_at < frontend_at
    assert out.count("hash: ") == 1
    granted = await newest(log)
    assert isinstance(granted, ev.ApprovalGranted)
    assert (granted.spec_hash, granted.covers) == (spec_hash, ("backend", "frontend"))


async def test_of_a_plan_the_steps_of_ones_own_are_approved(tmp_path: Path, log: RedisLog) -> None:
    (tmp_path / "deploybot.toml").write_text(TWO + also_frontend(', approvers = ["U04DAN"]'))
    wish = Wish(THREAD, "c1", await waits(log, story(more=(frontend(("U04DAN",)),))))
    await runs(token(), tmp_path, wish)
    granted = await newest(log)
    assert isinstance(granted, ev.ApprovalGranted)
    assert granted.covers == ("backend",)


async def test_a_plan_with_a_step_that_is_not_configured_any_more(
    tmp_path: Path, log: RedisLog
) -> None:
    wish = Wish(THREAD, "c1", await waits(log, story(more=(frontend(),))))
    said = await refused(token(), tmp_path, wish)
    assert said == "frontend is no longer configured, so this cannot happen. Reject it."


def also_frontend(rules: str = "") -> str:
    """Configure the frontend, too, with rules of its own."""
    return f'production.services.frontend = {{ deployer = "command", argv = ["true"]{rules} }}\n'


def frontend(approvers: tuple[str, ...] = (BOB, CARA, "S0WEB")) -> ev.PlanStep:
    """Build the second step of a plan."""
    repo = repo_config(approvers=approvers, people={"bobby": BOB})
    facts = card_facts(barred=(), approvers=approvers)
    return ev.PlanStep(spec=Story(repo).request("c1.2", "frontend").spec, facts=facts)


async def test_what_was_approved_ahead_is_shown_and_taken_back(
    tmp_path: Path, log: RedisLog, capsys: pytest.CaptureFixture[str]
) -> None:
    told = Story(repo_config(people={})).merged().starts("s").prepares().approves_ahead(CARA)
    spec_hash = await waits(log, told)
    await runs(token(ALICE), tmp_path, Wish(THREAD, reject=True, reason="no"), spec_hash[:8])
    assert "staging: not over, this runs when it is green\n" in capsys.readouterr().out
    rejected = await newest(log)
    assert isinstance(rejected, ev.ApprovalRejected)
    assert (rejected.user, rejected.text) == (ALICE, "no")


async def test_one_of_two_approvals_comes_by_command(tmp_path: Path, log: RedisLog) -> None:
    (tmp_path / "deploybot.toml").write_text(
        TWO.replace("approvers =", "approvals_needed = 2\napprovers =", 1)
    )
    told = story(needed=2).approves(CARA)
    wish = Wish(THREAD, "c1", await waits(log, told))
    said = await refused(token(CARA), tmp_path, wish)
    assert said.startswith("You approved this already; 1 of 2 approvals are there")
    await runs(token(), tmp_path, wish)
    assert (await newest(log)).type == "approval_granted"


async def test_a_card_is_rejected_with_words(tmp_path: Path, log: RedisLog) -> None:
    wish = Wish(THREAD, "c1", await waits(log, story()), reject=True, reason="the backend first")
    await runs(token(ALICE), tmp_path, wish)
    rejected = await newest(log)
    assert isinstance(rejected, ev.ApprovalRejected)
    assert (rejected.user, rejected.text, rejected.by) == (
        ALICE,
        "the backend first",
        "command line",
    )


async def test_a_card_that_there_is_not(tmp_path: Path, log: RedisLog) -> None:
    await waits(log, story().then(ev.ApprovalRejected(call_id="c1", user=BOB)))
    nothing = await refused(token(), tmp_path, Wish(THREAD))
    assert nothing == f"{THREAD} has no card that waits."
    unknown = await refused(token(), tmp_path, Wish(THREAD, "c9"))
    assert unknown == f"{THREAD} has not the card 'c9'."
    foreign = await refused(token(), tmp_path, Wish("acme/blog/0123456789"))
    assert foreign == "'acme/blog/0123456789' is in no repository that is configured."


async def test_the_token_comes_from_a_file_or_the_environment(
    tmp_path: Path, log: RedisLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    wish = Wish(THREAD, "c1", await waits(log, story()))
    with pytest.raises(UserError, match="Name a file with your token by --token-file"):
        await decide(wish, None)
    with pytest.raises(UserError, match="cannot be read, or holds no token"):
        await decide(wish, tmp_path / "none")
    monkeypatch.setenv("DEPLOYBOT_TOKEN", token())
    await decide(wish, None)
    assert (await newest(log)).type == "approval_granted"


async def test_without_a_key_nobody_is_asked_anything(
    tmp_path: Path, log: RedisLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DEPLOYBOT_SIGNING_KEY")
    assert (await refused(token(), tmp_path, Wish(THREAD))).startswith("DEPLOYBOT_SIGNING_KEY is")


async def test_an_end_of_input_is_no_answer(tmp_path: Path, log: RedisLog) -> None:
    await waits(log, story())
    (tmp_path / "token").write_text(token())
    arguments = ["approve", THREAD, "--token-file", "token"]
    done = await asyncio.to_thread(deploybot, tmp_path, *arguments, DEPLOYBOT_SIGNING_KEY=KEY)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert done.stderr == "That is not the hash of this card, so nothing was recorded.\n"
    assert "Type the first 8 characters of the hash to approve it:" in done.stdout


async def test_a_short_key_is_refused(tmp_path: Path) -> None:
    done = await asyncio.to_thread(
        deploybot, tmp_path, "token", "--user", BOB, "--for", "1d", DEPLOYBOT_SIGNING_KEY="short"
    )
    assert done.returncode == 2
    assert "DEPLOYBOT_SIGNING_KEY: has to have at least 32 bytes" in done.stderr


# What is seen of it.


def by_command() -> Story:
    told = story()
    spec_hash = told.state.cards["c1"].request.spec_hash
    return told.then(
        ev.ApprovalGranted(
            call_id="c1", spec_hash=spec_hash, user=BOB, by="command line", token="t1"
        )
    )


def test_slack_and_the_audit_say_which_way_it_came() -> None:
    assert "approved by <@U02BOB> on the command line <!date^" in by_command().says("card:c1")
    told = story().then(ev.ApprovalRejected(call_id="c1", user=BOB, by="command line", token="t"))
    assert "rejected by <@U02BOB> on the command line" in told.says("card:c1")
    ran = by_command().starts("p1", "production", call_id="c1").entries
    assert "An approval names another hash than the card." not in problems(ran)
