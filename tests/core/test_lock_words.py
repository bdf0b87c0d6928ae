"""Words that lock and unlock: what they mean, and what is answered where they mean nothing."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from app.core import lock_words
from app.core.config import EnvironmentConfig, TargetConfig
from app.core.errors import UserError
from app.core.hours import Hours
from app.core.lock_form import FORM, NotOfTheForm
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
        ("lock backend because of the incident", None, "because of the incident"),
        ("lock backend because of a load test, for 2h", None, "because of a load test, for 2h"),
        ("lock backend because the fix is for 2d", None, "the fix is for 2d"),
        ("lock backend for 1h because wait until 15:00", "2026-11-25 13:00", "wait until 15:00"),
        ("lock backend, please, because she said please", None, "she said please"),
        ("lock backend until 3pm", "2026-11-25 15:00", ""),
        ("lock backend till 3:30 PM because load test", "2026-11-25 15:30", "load test"),
        ("lock backend 'til 12 am because load test", "2026-11-26 00:00", "load test"),
        ("lock backend until noon", "2026-11-26 12:00", ""),
        ("lock backend until Midnight because load test", "2026-11-26 00:00", "load test"),
        ("lock backend until tomorrow", "2026-11-26 09:00", ""),
        ("lock backend till tomorrow noon. Thanks!", "2026-11-26 12:00", ""),
        ("lock backend until 2026-12-31 noon", "2026-12-31 12:00", ""),
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
        ("lock backend for 1 hour, because load test", "2026-11-25 13:00", "load test"),
        ("lock backend for 1d", "2026-11-26 12:00", ""),
        ("lock backend for an hour", "2026-11-25 13:00", ""),
        ("lock backend for a day because load test", "2026-11-26 12:00", "load test"),
        ("lock backend for half an hour", "2026-11-25 12:30", ""),
        ("lock backend for a half hour, thanks", "2026-11-25 12:30", ""),
        ("lock backend for an hour and a half", "2026-11-25 13:30", ""),
        ("lock backend for 1h 30m", "2026-11-25 13:30", ""),
        ("lock backend for 1h30m because load test", "2026-11-25 13:30", "load test"),
        ("lock backend for 1 hour and 30 minutes", "2026-11-25 13:30", ""),
        ("lock backend for 1 day, 2 hours and 5 minutes", "2026-11-26 14:05", ""),
        ("lock backend for 90 minutes", "2026-11-25 13:30", ""),
        ("lock backend for Two Hours", "2026-11-25 14:00", ""),
        ("lock backend for a week", "2026-12-02 12:00", ""),
        ("lock backend until tomorrow at 10:00", "2026-11-26 10:00", ""),
        ("lock backend until monday at 9am", "2026-11-30 09:00", ""),
        ("lock backend until Tuesday 9:00 because load test", "2026-12-01 09:00", "load test"),
        ("lock backend until wed noon", "2026-12-02 12:00", ""),
        ("lock the backend service until 15:00", "2026-11-25 15:00", ""),
    ],
)
def test_a_lock_is_understood(text: str, until: str | None, reason: str) -> None:
    found = wish(text)
    assert found.repo == SHOP
    assert (found.services, found.reason) == (("backend",), reason)
    assert found.until == (ms(until) if until else None)


@pytest.mark.parametrize(
    "text",
    [
        *("hey can you lock backend?", "hey, could you please lock the backend?"),
        *("please lock backend", "would you lock backend please", "ok, lock backend"),
        *("hi deploybot, can you lock backend", "hello! lock backend"),
    ],
)
def test_a_lock_may_be_asked_for_politely(text: str) -> None:
    assert wish(text) == LockWish(SHOP, ("backend",), None, "")
    assert lock_words.is_about_locks(text)


# Days whose hour the words leave open: 2026-11-25 is a Wednesday.

OFFICE = Hours(frozenset(range(5)), begin=8 * 60 + 30, end=17 * 60, zone=BERLIN)
LATE = Hours(frozenset(range(5)), begin=14 * 60, end=20 * 60, zone=BERLIN)
NIGHTLY = Hours(frozenset(range(5)), begin=14 * 60, end=24 * 60, zone=BERLIN)


@pytest.mark.parametrize(
    ("hours", "day", "until", "chosen"),
    [
        (None, "monday", "2026-11-30 00:00", "Monday 00:00 Europe/Berlin, when it begins"),
        (None, "Thurs", "2026-11-26 00:00", "Thursday 00:00 Europe/Berlin, when it begins"),
        (None, "wednesday", "2026-12-02 00:00", "Wednesday 00:00 Europe/Berlin, when it begins"),
        (OFFICE, "MON", "2026-11-30 08:30", "Monday 08:30 Europe/Berlin, when working hours begin"),
        (OFFICE, "sunday", "2026-11-29 00:00", "Sunday 00:00 Europe/Berlin, when it begins"),
        (OFFICE, "monday 7:00", "2026-11-30 07:00", ""),
        (None, "tonight", "2026-11-25 18:00", "tonight 18:00 Europe/Berlin"),
        (OFFICE, "Tonight", "2026-11-25 18:00", "tonight 18:00 Europe/Berlin"),
        (
            LATE,
            "tonight",
            "2026-11-25 20:00",
            "tonight 20:00 Europe/Berlin, when working hours end",
        ),
        (
            NIGHTLY,
            "tonight",
            "2026-11-26 00:00",
            "tonight 00:00 Europe/Berlin, when working hours end",
        ),
    ],
)
def test_an_hour_that_is_left_open_is_chosen_and_told(
    hours: Hours | None, day: str, until: str, chosen: str
) -> None:
    shop = repo_config(zone=BERLIN, hours=hours)
    found = lock_words.parse(f"lock backend until {day}", [shop], NOON)
    assert found == LockWish(shop, ("backend",), ms(until), "", chosen)


def test_on_a_day_off_tonight_is_in_the_evening() -> None:
    shop = repo_config(zone=BERLIN, hours=LATE)
    found = lock_words.parse("lock backend until tonight", [shop], ms("2026-11-28 12:00"))
    assert isinstance(found, LockWish)
    assert found.until == ms("2026-11-28 18:00")


def test_a_tonight_that_has_begun_is_over() -> None:
    said = refusal("lock backend until tonight", ms("2026-11-25 18:00"))
    over = f"<!date^{ms('2026-11-25 18:00') // 1000}^"
    assert said.startswith(f"tonight is over ({over}")
    assert said.endswith(FORM)


def test_all_are_all_services_of_production() -> None:
    for words in ("lock all for 2h", "lock everything because load test"):
        assert wish(words).services == ("frontend", "backend")


@pytest.mark.parametrize(
    ("text", "services"),
    [
        ("lock backend and frontend", ("backend", "frontend")),
        ("lock the frontend and the backend for 2h", ("frontend", "backend")),
        ("lock `backend`, frontend until noon because load test", ("backend", "frontend")),
        ("lock shop backend & frontend, please", ("backend", "frontend")),
        ("lock backend, and frontend, until 15:00", ("backend", "frontend")),
        ("lock backend and backend", ("backend",)),
        ("lock backend and everything else", None),
        ("lock frontend and all", ("frontend", "backend")),
        ("lock both", ("frontend", "backend")),
        ("hey, lock both services for 2h?", ("frontend", "backend")),
        ("lock both backend and frontend", ("backend", "frontend")),
        ("lock both of them down", None),
        ("lock all services", ("frontend", "backend")),
        ("lock the backend and frontend services", ("backend", "frontend")),
    ],
)
def test_several_services_are_named_in_a_list(text: str, services: tuple[str, ...] | None) -> None:
    if services is None:
        assert refusal(text) == FORM
    else:
        assert wish(text).services == services


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("lock backend because load test until 15:00", "until 15:00"),
        ("lock backend because the fix is for 2d.", "for 2d"),
        ("lock backend for 1h because we wait until 15:00", ""),
        ("lock backend because of what we wait for", ""),
        ("lock backend because we test until monday", "until monday"),
        ("lock backend because we test for half an hour!", "for half an hour"),
        ("lock backend", ""),
    ],
)
def test_an_end_that_stands_in_the_reason_is_pointed_at(text: str, named: str) -> None:
    said = lock_words.unread_end(wish(text))
    if named:
        assert said == (
            "No end is set: what stands behind “because” is the reason, also "
            f"“{named}”. An end stands in front of it: `lock backend {named} because …`."
        )
    else:
        assert said == ""


@pytest.mark.parametrize(
    ("now", "clock", "until"),
    [
        (ms("2026-10-24 23:00"), "02:30", ms("2026-10-25 02:30", fold=0)),
        (ms("2026-10-25 02:45", fold=0), "02:30", ms("2026-10-25 02:30", fold=1)),
        (ms("2026-10-25 02:45", fold=1), "02:30", ms("2026-10-26 02:30")),
        (ms("2026-03-28 23:00"), "02:30", ms("2026-03-29 03:30")),
        (ms("2026-03-29 01:59"), "03:00", ms("2026-03-29 03:00")),
        (ms("2026-11-25 11:59"), "noon", ms("2026-11-25 12:00")),
        (ms("2026-11-25 23:59"), "midnight", ms("2026-11-26 00:00")),
        (ms("2026-11-26 00:00"), "midnight", ms("2026-11-27 00:00")),
        (ms("2026-11-26 00:00"), "tomorrow", ms("2026-11-27 09:00")),
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
        *("could you unlock backend please", "hey, can you unlock the backend service?"),
        *("unlock backend, thanks", "unlock backend. Thank you!", "please unlock backend thx"),
    ],
)
def test_an_unlock_is_understood(text: str) -> None:
    assert lock_words.parse(text, [SHOP], NOON) == UnlockWish(SHOP, ("backend",))


@pytest.mark.parametrize(
    ("text", "services", "reason"),
    [
        ("unlock backend because it is done", ("backend",), "it is done"),
        ("unlock backend, because: done, thanks", ("backend",), "done, thanks"),
        ("unlock backend and frontend because done", ("backend", "frontend"), "done"),
        ("unlock all, cheers", ("frontend", "backend"), ""),
    ],
)
def test_an_unlock_may_have_a_reason(text: str, services: tuple[str, ...], reason: str) -> None:
    assert lock_words.parse(text, [SHOP], NOON) == UnlockWish(SHOP, services, reason)


@pytest.mark.parametrize(
    "text",
    [
        "lock",
        "unlock",
        "unlock please",
        "lock `,`",
        "lock backend and",
        "lock backend and until 15:00",
        "lock backend, the release train waits",
        "lock backend until",
        "lock backend until the afternoon",
        "lock backend until tomorrow midnight",
        "lock backend until 2026-12-31",
        "lock backend because",
        "lock backend until 15:00 load test",
        "unlock backend because",
        "unlock backend until 15:00",
        "unlock backend, it was only a drill",
        "lock backend until 15:00 for 2h",
        "lock backend until next monday",
        "lock backend until someday",
        "lock backend for an hour or two",
        "lock backend for 1h 30m until 15:00",
        "lock both of them",
        "lock services",
        "can you lock backend tomorrow",
    ],
)
def test_what_is_not_of_the_form_is_answered_by_the_form(text: str) -> None:
    assert refusal(text) == FORM


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lock api", "I know no service “api” here. There are: backend, frontend, all. Say it"),
        (
            "lock backend and api",
            "I know no service “api” here. There are: backend, frontend, all.",
        ),
        ("lock <!here>", "I know no service “&lt;!here&gt;” here."),
        ("lock backend until 25:00", "25:00 is no time. Say it"),
        ("lock backend until 2026-02-30 10:00", "2026-02-30 10:00 is no time. Say it"),
        ("lock backend until 2026-11-25 11:00", "2026-11-25 11:00 is over ("),
        ("lock backend until 2028-01-01 11:00", "2028-01-01 11:00 is more than 366 days away."),
        ("lock backend for ever", "“ever” is no time to lock for. Say it"),
        ("lock backend until 0001-01-01 00:00", "0001-01-01 00:00 is over. Say it"),
        ("lock backend for 0m", "“0m” is no time to lock for. Say it"),
        ("lock backend for 5 weeks", "“5 weeks” is no time to lock for. Say it"),
        ("lock backend until monday 25:00", "monday 25:00 is no time. Say it"),
        ("lock backend for 60d", "“60d” is no time to lock for. Say it"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_a_sentence(text: str, said: str) -> None:
    assert refusal(text).startswith(said)


@pytest.mark.parametrize(
    ("text", "near"),
    [("lock backend and api", True), ("lock api and backend", False), ("lock backend now", True)],
)
def test_words_are_near_the_form_where_they_begin_with_a_service(text: str, near: bool) -> None:
    with pytest.raises(NotOfTheForm) as other:
        lock_words.parse(text, [SHOP], NOON)
    assert other.value.near is near


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
        ("why is backend locked?", False),
        ("is backend locked?", False),
        ("don't lock backend", False),
        ("please don't lock backend", False),
        ("hey, do not unlock backend", False),
        ("we should lock backend tomorrow", False),
        ("can we lock backend?", False),
        ("can you tell me who locked backend?", False),
        ("hey <@U02BOB>, can you lock backend?", False),
        ("hey bob, can you lock backend?", False),
        ("ok, who locks backend?", False),
    ],
)
def test_only_words_that_begin_with_it_are_for_code(text: str, about: bool) -> None:
    assert lock_words.is_about_locks(text) is about


def test_what_is_not_about_locks_has_the_form_as_its_answer() -> None:
    assert refusal("deploy backend") == FORM


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
        ("lock blog and backend", "acme/blog", ("blog", "backend")),
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


def test_both_is_of_the_repository_that_has_two() -> None:
    api = repo_config(name="acme/api", production=EnvironmentConfig(services={"api": _target}))
    found = lock_words.parse("unlock both", [SHOP, api], NOON)
    assert found == UnlockWish(SHOP, ("frontend", "backend"))


@pytest.mark.parametrize(
    ("repos", "there"),
    [
        (1, "acme/api has 3 (a, b and c)"),
        (2, "no repository here has exactly two"),
    ],
)
def test_both_is_refused_where_there_are_not_two(repos: int, there: str) -> None:
    three = EnvironmentConfig(services=dict.fromkeys("abc", _target))
    found = [repo_config(name=f"acme/{name}", production=three) for name in ("api", "web")]
    with pytest.raises(NotOfTheForm) as refused:
        lock_words.parse("lock both", found[:repos], NOON)
    assert str(refused.value) == (
        f"“both” is for two services, and {there}. Name the ones that you mean, or say `all`."
    )


def test_services_of_several_repositories_are_locked_one_by_one() -> None:
    with pytest.raises(UserError) as refused:
        lock_words.parse("lock blog and frontend", [SHOP, BLOG], NOON)
    assert str(refused.value) == (
        "blog and frontend are of several repositories. Say it for each by itself."
    )
