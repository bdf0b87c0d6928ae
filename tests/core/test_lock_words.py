"""Words that lock and unlock: what they mean, and what is answered where they mean nothing."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from app.core import lock_words
from app.core.config import EnvironmentConfig, TargetConfig
from app.core.errors import UserError
from app.core.lock_words import LockWish, UnlockWish
from tests.shop import repo_config

BERLIN = ZoneInfo("Europe/Berlin")
SHOP = repo_config(zone=BERLIN)


def ms(text: str, fold: int = 0) -> int:
    """Return a time in Berlin in milliseconds."""
    local = datetime.fromisoformat(text).replace(tzinfo=BERLIN, fold=fold)
    return round(local.timestamp() * 1000)


NOON = ms("2026-11-25 12:00")


def wish(text: str, now: int = NOON) -> LockWish:
    found = lock_words.parse(text, [SHOP], now)
    assert isinstance(found, LockWish)
    return found


def refusal(text: str, now: int = NOON) -> str:
    with pytest.raises(UserError) as refused:
        lock_words.parse(text, [SHOP], now)
    return str(refused.value)


@pytest.mark.parametrize(
    ("text", "until", "reason"),
    [
        ("lock backend", None, ""),
        ("Lock Backend.", None, ""),
        ("lock the backend", None, ""),
        ("lock: `backend`", None, ""),
        ("lock acme/shop backend", None, ""),
        ("lock shop backend", None, ""),
        ("lock backend because load test", None, "load test"),
        ("lock backend, because: load test", None, "load test"),
        ("lock backend until 15:00", "2026-11-25 15:00", ""),
        ("lock backend until 15:00 because load test", "2026-11-25 15:00", "load test"),
        ("lock backend because load test until 15:00", "2026-11-25 15:00", "load test"),
        ("lock backend because of a load test, for 2h", "2026-11-25 14:00", "of a load test"),
        ("lock backend until 3pm", "2026-11-25 15:00", ""),
        ("lock backend till 3:30 PM because load test", "2026-11-25 15:30", "load test"),
        ("lock backend because load test 'til 12 am", "2026-11-26 00:00", "load test"),
        ("lock backend until tomorrow 9am", "2026-11-26 09:00", ""),
        ("please lock the backend until 15:00", "2026-11-25 15:00", ""),
        ("can you lock backend until 15:00 pls?", "2026-11-25 15:00", ""),
        ("LOCK BACKEND UNTIL 15:00, BECAUSE Load Test!", "2026-11-25 15:00", "Load Test!"),
        ("lock backend until 9:30", "2026-11-26 09:30", ""),
        ("lock backend until 12:00", "2026-11-26 12:00", ""),
        ("lock backend until 2026-12-31 9:00", "2026-12-31 09:00", ""),
        ("lock backend for 30m", "2026-11-25 12:30", ""),
        ("lock backend for 2h because a\n  migration", "2026-11-25 14:00", "a migration"),
        ("lock backend for 2 hours", "2026-11-25 14:00", ""),
        ("lock backend for 30 minutes because load test", "2026-11-25 12:30", "load test"),
        ("lock backend because load test for 1 hour", "2026-11-25 13:00", "load test"),
        ("lock backend for 1d", "2026-11-26 12:00", ""),
    ],
)
def test_a_lock_is_understood(text: str, until: str | None, reason: str) -> None:
    found = wish(text)
    assert found.repo == SHOP
    assert (found.services, found.reason) == (("backend",), reason)
    assert found.until == (ms(until) if until else None)


def test_all_are_all_services_of_production() -> None:
    for words in ("lock all for 2h", "lock everything because load test"):
        assert wish(words).services == ("frontend", "backend")


@pytest.mark.parametrize(
    ("now", "clock", "until"),
    [
        (ms("2026-10-24 23:00"), "02:30", ms("2026-10-25 02:30", fold=0)),
        (ms("2026-10-25 02:45", fold=0), "02:30", ms("2026-10-25 02:30", fold=1)),
        (ms("2026-10-25 02:45", fold=1), "02:30", ms("2026-10-26 02:30")),
        (ms("2026-03-28 23:00"), "02:30", ms("2026-03-29 03:30")),
        (ms("2026-03-29 01:59"), "03:00", ms("2026-03-29 03:00")),
    ],
)
def test_a_time_is_the_next_one_also_where_the_clocks_change(
    now: int, clock: str, until: int
) -> None:
    assert wish(f"lock backend until {clock}", now).until == until


def test_without_a_zone_times_are_utc() -> None:
    found = lock_words.parse("lock backend until 15:00", [repo_config()], NOON)
    assert isinstance(found, LockWish)
    assert found.until == round(datetime(2026, 11, 25, 15, tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    "text",
    [
        *("unlock backend", "Unlock the backend!", "unlock shop backend."),
        *("please unlock backend", "can you unlock the backend please?"),
    ],
)
def test_an_unlock_is_understood(text: str) -> None:
    assert lock_words.parse(text, [SHOP], NOON) == UnlockWish(SHOP, ("backend",))


@pytest.mark.parametrize(
    "text",
    [
        "lock",
        "unlock",
        "lock backend and frontend",
        "lock backend until",
        "lock backend until noon",
        "lock backend until 2026-12-31",
        "lock backend because",
        "lock backend until 15:00 load test",
        "unlock backend because it is done",
        "lock backend until 15:00 for 2h",
    ],
)
def test_what_is_not_of_the_form_is_answered_by_the_form(text: str) -> None:
    assert refusal(text) == lock_words.FORM


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lock api", "I know no service “api” here. There are: backend, frontend, all. Say it"),
        ("lock <!here>", "I know no service “&lt;!here&gt;” here."),
        ("lock backend until 25:00", "25:00 is no time. Say it"),
        ("lock backend until 2026-02-30 10:00", "2026-02-30 10:00 is no time. Say it"),
        ("lock backend until 2026-11-25 11:00", "2026-11-25 11:00 is over ("),
        ("lock backend until 2028-01-01 11:00", "2028-01-01 11:00 is more than 366 days away."),
        ("lock backend for ever", "“ever” is no time to lock for. Say it"),
        ("lock backend until 0001-01-01 00:00", "0001-01-01 00:00 is over. Say it"),
        ("lock backend for 0m", "“0m” is no time to lock for. Say it"),
        ("lock backend for 60d", "“60d” is no time to lock for. Say it"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_a_sentence(text: str, said: str) -> None:
    assert refusal(text).startswith(said)


@pytest.mark.parametrize(
    ("text", "about"),
    [
        ("lock backend", True),
        (" unlock it", True),
        ("<@U02BOB> unlock backend", False),
        ("please lock the backend", True),
        ("lock-free queues are hard", False),
        ("locked?", False),
        ("who locked the backend?", False),
        ("unlocking works again", False),
    ],
)
def test_only_words_that_begin_with_it_are_for_code(text: str, about: bool) -> None:
    assert lock_words.is_about_locks(text) is about


def test_what_is_not_about_locks_has_the_form_as_its_answer() -> None:
    assert refusal("deploy backend") == lock_words.FORM


def test_a_reason_is_one_harmless_line_of_200_characters() -> None:
    reason = wish(f"lock backend because \u202e ghp_{'a' * 30} {'x' * 400}\nand more").reason
    assert "ghp_" not in reason
    assert "\u202e" not in reason
    assert "\n" not in reason
    assert len(reason) <= 200


# Several repositories in a channel.

_target = TargetConfig(deployer="command", options={})
BLOG = repo_config(
    name="acme/blog",
    production=EnvironmentConfig(services={"backend": _target, "blog": _target}),
)


@pytest.mark.parametrize(
    ("text", "name", "services"),
    [
        ("lock frontend", "acme/shop", ("frontend",)),
        ("lock blog", "acme/blog", ("blog",)),
        ("lock blog because blog", "acme/blog", ("blog",)),
        ("lock blog backend", "acme/blog", ("backend",)),
        ("lock acme/shop all", "acme/shop", ("frontend", "backend")),
    ],
)
def test_the_service_or_the_name_tells_the_repository(
    text: str, name: str, services: tuple[str, ...]
) -> None:
    found = lock_words.parse(text, [SHOP, BLOG], NOON)
    assert (found.repo.name, found.services) == (name, services)


@pytest.mark.parametrize(("text", "word"), [("lock backend", "backend"), ("unlock all", "all")])
def test_a_service_of_several_repositories_has_to_be_named_with_one(text: str, word: str) -> None:
    with pytest.raises(UserError) as refused:
        lock_words.parse(text, [SHOP, BLOG], NOON)
    assert str(refused.value) == (
        "That can mean acme/shop and acme/blog. Name the repository, "
        f"as in `lock acme/shop {word}`."
    )
