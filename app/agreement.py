"""`deploybot threads agreement`: how often people did by hand what the agent proposed."""

import json
import sys
from collections import Counter
from collections.abc import Sequence

from app.configuration import load_repos_after
from app.core.agreement import Agreement, compare
from app.core.fold import fold
from app.core.untrusted import one_line
from app.parts import build_deployers, build_github, open_log
from app.redis.log import RedisLog
from app.settings import read_settings

NEWEST = 1000
COMPARED = ("agreed", "partly", "not")


async def agreement(*, as_json: bool) -> int:
    """Print for each repository what its threads in shadow mode came to."""
    settings, problems = read_settings()
    deployers = build_deployers(settings, build_github(settings))
    repos = load_repos_after(problems, settings.deploybot_config, deployers)
    async with open_log(settings, is_there=True) as log:
        found = {name: await _compared(log, name) for name in repos}
    if as_json:
        told = {name: _exported(each) for name, each in found.items()}
        sys.stdout.write(f"{json.dumps(told, indent=2)}\n")
        return 0
    for name, each in found.items():
        sys.stdout.writelines(f"{one_line(line)}\n" for line in _told(name, each))
    return 0


async def _compared(log: RedisLog, repo: str) -> list[Agreement]:
    """Compare every thread that began in shadow mode, newest first."""
    now, newer, found = await log.now(repo), set[str](), list[Agreement]()
    for thread_id in await log.threads(repo, NEWEST):
        state = fold(await log.read(thread_id))
        if state.shadow:
            found.append(compare(state, newer, now))
        newer |= {state.sha} if state.sha else set()
    return found


def _told(name: str, found: Sequence[Agreement]) -> list[str]:
    counts = Counter(each.verdict for each in found)
    total = sum(counts[verdict] for verdict in COMPARED)
    rate = f", {100 * counts['agreed'] // total} % agreed fully" if total else ""
    numbers = ", ".join(f"{counts[verdict]} {verdict}" for verdict in COMPARED)
    others = f"{counts['not comparable']} not comparable, {counts['open']} still open"
    lines = [f"{name}: {total} threads compared: {numbers}{rate}; {others}"]
    return lines + [
        f"{each.thread_id} {each.verdict}: {difference}"
        for each in found
        for difference in each.differences
    ]


def _exported(found: Sequence[Agreement]) -> dict[str, object]:
    counts = Counter(each.verdict for each in found)
    total = sum(counts[verdict] for verdict in COMPARED)
    return {
        "compared": total,
        "counts": dict(counts),
        "rate": counts["agreed"] / total if total else None,
        "threads": [
            {
                "thread": each.thread_id,
                "verdict": each.verdict,
                "differences": list(each.differences),
            }
            for each in found
        ],
    }
