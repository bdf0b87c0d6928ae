"""The keys that say when people are called: each mistake with its key and a sentence."""

from pathlib import Path
from typing import Any

import pytest

from app.configuration import load_repos
from app.core.errors import ConfigError
from app.core.hours import Hours
from tests.adapters.test_settings import command_deployer, good, written

SHOP = "acme/shop"


def load(folder: Path, **changes: Any):
    path = written(folder, {SHOP: {**good(), **changes}})
    return load_repos(path, command_deployer(folder))[SHOP]


def problems(folder: Path, **changes: Any) -> list[str]:
    with pytest.raises(ConfigError) as refused:
        load(folder, **changes)
    return [problem.removeprefix(f'repos."{SHOP}".') for problem in refused.value.problems]


def test_all_time_is_working_time_unless_hours_are_given(tmp_path: Path) -> None:
    repo = load(tmp_path)
    assert repo.hours is None
    assert (repo.remind_after_seconds, repo.escalate_to) == (1800, ())


def test_hours_are_read_in_the_repositorys_zone(tmp_path: Path) -> None:
    hours = {"days": "sun,MON-THU", "from": "08:30", "to": "24:00"}
    repo = load(
        tmp_path,
        hours=hours,
        zone="Europe/Berlin",
        remind_after="20m",
        escalate_to=["S0LEADS", "U09BOSS"],
        escalate_after="1h",
    )
    assert repo.hours == Hours(frozenset({6, 0, 1, 2, 3}), 8 * 60 + 30, 24 * 60, repo.zone)
    assert (repo.remind_after_seconds, repo.escalate_after_seconds) == (1200, 3600)
    assert repo.escalate_to == ("S0LEADS", "U09BOSS")


def test_a_working_week_is_monday_to_friday_unless_days_are_given(tmp_path: Path) -> None:
    repo = load(tmp_path, hours={"from": "09:00", "to": "18:00"})
    assert repo.hours
    assert repo.hours.days == frozenset(range(5))
    every = load(tmp_path, hours={"days": "*", "from": "09:00", "to": "18:00"})
    assert every.hours
    assert every.hours.days == frozenset(range(7))


@pytest.mark.parametrize(
    ("days", "meant"),
    [("MON-SUN", {*range(7)}), ("SAT-MON", {5, 6, 0}), ("WED,FRI-SUN", {2, 4, 5, 6})],
)
def test_days_go_around_the_end_of_the_week(tmp_path: Path, days: str, meant: set[int]) -> None:
    repo = load(tmp_path, hours={"days": days, "from": "09:00", "to": "18:00"})
    assert repo.hours
    assert repo.hours.days == meant


@pytest.mark.parametrize(
    ("hours", "problem"),
    [
        ({"from": "09:00"}, "hours.to: missing"),
        ({"to": "18:00"}, "hours.from: missing"),
        ({"from": "9:00", "to": "18:00"}, "hours.from: '9:00': no time like 09:00, up to 24:00"),
        ({"from": "09:00", "to": "25:00"}, "hours.to: '25:00': no time like 09:00, up to 24:00"),
        ({"from": "18:00", "to": "09:00"}, "hours.to: '09:00' is not later than from, '18:00'"),
        ({"from": "09:00", "to": "09:00"}, "hours.to: '09:00' is not later than from, '09:00'"),
        (
            {"days": "FREITAG", "from": "09:00", "to": "18:00"},
            "hours.days: 'FREITAG': no days like MON-FRI, or SUN,TUE",
        ),
        (
            {"days": "MON FRI", "from": "09:00", "to": "18:00"},
            "hours.days: 'MON FRI': no days like MON-FRI, or SUN,TUE",
        ),
        (
            {"days": "MON#1", "from": "09:00", "to": "18:00"},
            "hours.days: 'MON#1': has to name days of each week, like MON-FRI",
        ),
        ({"from": "09:00", "to": "18:00", "zone": "UTC"}, "hours.zone: unknown key"),
        ("09:00-18:00", "hours: not a table"),
    ],
)
def test_hours_that_are_none_are_refused(tmp_path: Path, hours: Any, problem: str) -> None:
    assert problems(tmp_path, hours=hours) == [problem]


def test_calls_that_do_not_fit_together_are_refused(tmp_path: Path) -> None:
    assert problems(tmp_path, escalate_after="3h") == ["escalate_after: escalate_to names nobody"]
    assert problems(tmp_path, escalate_to=["S0LEADS"], remind_after="2h") == [
        "escalate_after: has to be longer than remind_after, '2h'"
    ]
    assert problems(tmp_path, escalate_to=["bob"], remind_after="soon") == [
        "remind_after: 'soon' is no duration like '90s', '10m', '24h' or '7d'",
        "escalate_to.0: 'bob': not a Slack user or user group id (U…, S…)",
    ]
