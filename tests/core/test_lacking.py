"""Which commits a service lacks, where little is known of them."""

from app.core import lanes
from app.core.events import Commit, Pull
from app.core.lacking import lacking
from app.core.ports import Comparison
from tests.story import NEW, OLD, Story, repo_config


def test_where_github_tells_no_parents_every_commit_counts() -> None:
    commits = (Commit(sha=NEW, title="Tax", author="bob"),)
    found = lacking(repo_config(), "backend", OLD, {}, Comparison(commits, 1, 0))
    assert list(found) == [NEW]


def test_a_newer_merge_that_is_in_no_line_ships_nothing_of_this_one() -> None:
    newer = Pull(
        thread_id="acme/shop/5555555555",
        sha=OLD,
        number=2,
        title="Tax",
        url="https://github.com/acme/shop/pull/2",
        author="bob",
        at=0,
    )
    assert lanes.ships_all(Story().merged().state, newer, {}) is None
