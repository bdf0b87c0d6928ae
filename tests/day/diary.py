"""What everybody saw on the day, and how often each was called; knows no deploys.

A message notifies whom it mentions, and who follows its thread: who began it, wrote in it, or was
mentioned in it before. An edit notifies nobody.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.day.company import NAMES

BOT = "deploybot"
TERMINAL = "a terminal"
_MENTION = re.compile(r"<@([UW][A-Z0-9]+)>")
Blocks = Sequence[Mapping[str, Any]]


@dataclass
class Post:
    """One message: as it was posted, whom it notified, and what it became by edits."""

    at: int
    channel: str
    ts: str
    root: str
    author: str
    text: str
    mentions: tuple[str, ...] = ()
    notifies: tuple[str, ...] = ()
    only_for: str = ""
    edits: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])
    clicks: list[str] = field(default_factory=list[str])


@dataclass
class Diary:
    """All posts in their order; who follows which thread."""

    posts: list[Post] = field(default_factory=list[Post])
    followers: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    clicks: Counter[str] = field(default_factory=Counter[str])

    def posted(
        self, at: int, channel: str, ts: str, root: str | None, author: str, text: str, said: str
    ) -> Post:
        """Note a message; `said` is all that it says with Slack's own mentions."""
        root = root or ts
        mentioned = [NAMES[user] for user in _MENTION.findall(said) if user in NAMES]
        mentions = tuple(name for name in dict.fromkeys(mentioned) if name != author)
        following = self.followers.setdefault(root, set())
        called = {*mentions, *following} - {author}
        following |= called | ({author} - {BOT})
        post = Post(at, channel, ts, root, author, text, mentions, tuple(sorted(called)))
        self.posts.append(post)
        return post

    def edited(self, at: int, channel: str, ts: str, text: str) -> None:
        """Note that a message changed."""
        post = self.find(channel, ts)
        if text != (post.edits[-1][1] if post.edits else post.text):
            post.edits.append((at, text))

    def whispered(self, at: int, channel: str, ts: str, root: str, user: str, text: str) -> None:
        """Note an answer that one person alone sees."""
        name = NAMES[user]
        self.posts.append(Post(at, channel, ts, root, BOT, text, notifies=(name,), only_for=name))

    def clicked(self, at_told: str, channel: str, ts: str, name: str, label: str) -> None:
        """Note a click on a message's button."""
        self.clicks[name] += 1
        self.find(channel, ts).clicks.append(f"{at_told} {name} clicks *{label}*")

    def typed(self, at: int, name: str, said: str) -> None:
        """Note a command that somebody typed, and its answer; it takes the place of a click."""
        self.clicks[name] += 1
        place = f"{TERMINAL} {len(self.posts)}"
        self.posts.append(Post(at, TERMINAL, place, place, name, said))

    def find(self, channel: str, ts: str) -> Post:
        """Return a message that everybody sees."""
        return next(p for p in self.posts if (p.channel, p.ts) == (channel, ts) and not p.only_for)

    def notifications(self, name: str) -> int:
        """Count how often the bot notified a person."""
        return sum(p.author == BOT and name in p.notifies for p in self.posts)

    def most_called(self, words: str) -> int:
        """Count how often the bot notified whom it notified most in a thread about something."""
        root = next(post.ts for post in self.posts if post.ts == post.root and words in post.text)
        told = [post for post in self.posts if post.root == root and post.author == BOT]
        return max(Counter(name for post in told for name in post.notifies).values())

    def mentioned(self, name: str) -> int:
        """Count the bot's messages that mention a person."""
        return sum(p.author == BOT and name in p.mentions for p in self.posts)
