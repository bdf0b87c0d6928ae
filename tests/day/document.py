"""Writes the day down: every message as it was seen, and what the day asked of each person."""

import re
from dataclasses import dataclass

from tests.day.clock import told
from tests.day.company import CHANNELS, EVERYBODY, ON_HOLIDAY
from tests.day.diary import BOT, TERMINAL, Diary, Post
from tests.day.edits import changed, telling

ROLES = {
    "alice": "web team",
    "bob": "web team, approves frontend",
    "cara": "core team, approves backend",
    "dave": "core team",
    "erin": "core team, approves backend",
    "finn": "on call, approves both",
    "grace": "leads both teams, called when nobody answers",
}
INTRODUCTION = """# An ordinary day

Twenty merges, two teams, one monorepo, one hotfix: every message that people saw, on a Monday and
in the night after it. `make a-day` writes this file by playing the day with the service's own
doors, store, worker and sender, a local Slack, the planner without a model, and a clock that stands
still while something happens. `tests/scenarios/test_a_day.py` fails when the day is another one.
Times are in London, which is UTC in November. Nobody hears of the twentieth merge: it changes the
README, and nothing of any service.

A message notifies whom it mentions, and who follows its thread: who wrote there, or was mentioned
there before. Edits notify nobody. A message is shown as it was posted, with each edit that asked
for something else (who may approve, or the buttons to answer with: only the lines that went and
came, where those are fewer), and below *later* as the last edit left it. Edits that only told how
far something was are left out. A command that is typed where a click would do counts as a click.
"""


@dataclass(frozen=True)
class Asked:
    """What the day asked of one person; `waited` are the minutes that others let them wait."""

    clicks: int
    mentions: int
    notifications: int
    cards: int
    waited: int


def asked_of(diary: Diary, name: str) -> Asked:
    """Count what the day asked of somebody."""
    cards = [post for post in diary.posts if _is_card(post)]
    own = [post for post in cards if _author(diary, post) == name]
    return Asked(
        clicks=diary.clicks[name],
        mentions=diary.mentioned(name),
        notifications=diary.notifications(name),
        cards=len(own),
        waited=sum(_waited(post) for post in own),
    )


def document(diary: Diary) -> str:
    """Return the whole day as Markdown."""
    table = ["| | | clicks | mentions | notifications | own cards | waited for people |"]
    table.append("|---|---|---|---|---|---|---|")
    for person in EVERYBODY:
        asked = asked_of(diary, person.name)
        away = ", on holiday" if person.id in ON_HOLIDAY else ""
        table.append(
            f"| {person.name} | {ROLES[person.name]}{away} | {asked.clicks} | {asked.mentions} | "
            f"{asked.notifications} | {asked.cards} | {_hours(asked.waited)} |"
        )
    channel = [post for post in diary.posts if post.author == BOT and post.ts == post.root]
    replies = sum(post.author == BOT for post in diary.posts) - len(channel)
    total = f"{len(channel)} messages of the bot's in channels, {replies} in threads."
    entries = [_entry(diary, post) for post in diary.posts]
    whole = "\n".join(
        [INTRODUCTION, "## What it asked of people\n", *table, "", total, "", *entries]
    )
    return _stable(whole)


def _hours(minutes: int) -> str:
    return f"{minutes // 60} h {minutes % 60} min"


def _entry(diary: Diary, post: Post) -> str:
    place = TERMINAL if post.channel == TERMINAL else f"#{CHANNELS[post.channel]}"
    if post.ts != post.root:
        place += f" / {_title(diary, post)}"
    called = [f"@{name}" for name in post.notifies]
    whom = (
        f"only {called[0]} sees it"
        if post.only_for
        else f"notifies {', '.join(called) or 'nobody'}"
    )
    lines = [f"### {told(post.at)} · {post.author} · {place}\n", f"*{whom}*\n"]
    lines += ["```", post.text, "```"]
    for at, before, text in telling(post.text, post.edits):
        lines += ["", f"edited at {told(at)}:", "", changed(before, text)]
    if post.edits:
        at, text = post.edits[-1]
        lines += ["", f"later (the last edit at {told(at)}):", "", "```", text, "```"]
    lines += ["", *(f"- {click}" for click in post.clicks)] if post.clicks else []
    return "\n".join(lines) + "\n"


def _title(diary: Diary, post: Post) -> str:
    """Name a thread by the first line of its first message."""
    first = next((p for p in diary.posts if p.ts == post.root), None)
    return first.text.partition("\n")[0] if first else "a thread"


def _author(diary: Diary, post: Post) -> str:
    """Return whose change or question a thread is about."""
    first = next(p for p in diary.posts if p.ts == post.root)
    by = re.search(r"^#\d+ by @?(\w+)", first.text, re.MULTILINE)
    return by[1] if by else first.author


def _is_card(post: Post) -> bool:
    return post.author == BOT and "[Reject with feedback]" in post.text


def _waited(post: Post) -> int:
    """Return the minutes between a card and its end as a question, by the clock on the wall."""
    ends = [at for at, text in post.edits if "[Reject with feedback]" not in text]
    return ends[0] // 60_000 - post.at // 60_000 if ends else 0


def _stable(text: str) -> str:
    """Number what is new every time: hashes of specs, threads named after a message, tokens."""
    for pattern in (
        r"(run `)([0-9a-f]{8})",
        r"(thread `)([0-9a-f]{10})",
        r"(token )([0-9a-f]{16})",
    ):
        found = list(dict.fromkeys(re.findall(pattern, text)))
        numbers = {value: str(number) for number, (_, value) in enumerate(found, 1)}
        text = re.sub(pattern, lambda m, v=numbers: f"{m[1]}{v[m[2]]}", text)
    return text
