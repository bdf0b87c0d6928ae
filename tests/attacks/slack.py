"""A Slack that keeps every payload it was ever sent, and what no payload may be."""

import itertools
import re
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from app.core.cards import Card
from app.core.spec import ActionSpec, plan_hash
from tests import payloads
from tests.fakes import FakeChat
from tests.shop import ALICE, BOB, CARA

Blocks = Sequence[Mapping[str, Any]]

_OURS = re.compile(
    rf"@({ALICE}|{BOB}|{CARA})|!date\^\d+\^[^|^]+\|[^|]+|https://github\.com/acme/shop/[^|\s]+\|[^|]+"
)
_CALLS = re.compile(r"@(?:channel|here|everyone)")
_CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)  # in which Slack mentions nobody
_HIDDEN = re.compile(r"[\u200b\u202e\x1b\x00\U000e0000-\U000e007f]")
# What a waiting card is made of, from top to bottom; in brackets what may be missing.
_SHOWN = "section,(section,)?(section,)?"  # the change, its commits, what ships with it
_CARD = f"header,(context,context,)?{_SHOWN}{{urgent}}{{exact}}section,(context,)?(section,)?"
_BELOW = "actions,context,"
_URGENT = "🚨 *Urgent.* "
_WAYS = {
    "deploy": "deploy {} to production",
    "rollback": "roll back {} in production",
    "job": "run {} in production",
}
_ANSWER = "Or answer in this thread in your own words."


class Slack(FakeChat):
    """Takes every message, and fails on one that says what only code may say."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[tuple[str, Blocks]] = []
        self.wrong: list[str] = []

    async def post(
        self, channel: str, text: str, blocks: Blocks, thread_ts: str | None, key: str
    ) -> str:
        with self._checked(text, blocks):
            return await super().post(channel, text, blocks, thread_ts, key)

    async def update(self, channel: str, ts: str, text: str, blocks: Blocks) -> None:
        with self._checked(text, blocks):
            await super().update(channel, ts, text, blocks)

    async def ephemeral(self, channel: str, user: str, text: str, thread_ts: str | None) -> None:
        with self._checked(text, []):
            payloads.check(text, [])
            await super().ephemeral(channel, user, text, thread_ts)

    @contextmanager
    def _checked(self, text: str, blocks: Blocks) -> Generator[None]:
        """Fail on a mention, link or hidden character that is not ours; keep why a check failed."""
        self.sent.append((text, blocks))
        try:
            for shown in (text, *payloads.texts(blocks)):
                for token in payloads.TOKEN.findall(shown):
                    assert _OURS.fullmatch(token), f"not ours: {token!r} in {shown!r}"
            for shown in (text, *marked(blocks)):
                assert not _CALLS.search(_CODE.sub("", shown)), shown
                assert not _HIDDEN.search(shown), shown
            yield
        except AssertionError as error:
            self.wrong.append(str(error))  # the sender survives it, the test does not
            raise


def marked(blocks: Blocks) -> list[str]:
    """Return the texts in which Slack formats, links and mentions."""
    found = [value for key, value in payloads.pairs(blocks) if key in ("text", "elements")]
    found += [element for value in found if isinstance(value, list) for element in value]  # pyright: ignore
    return [
        str(value["text"])  # pyright: ignore
        for value in found
        if isinstance(value, Mapping) and value.get("type") == "mrkdwn"  # pyright: ignore
    ]


def check_card(card: Card, blocks: Blocks, urgent: bool = False) -> None:
    """Fail unless the message of a waiting card shows, in its place, the very action that runs."""
    specs = card.request.specs
    assert plan_hash(specs) == card.request.spec_hash
    order = "".join(f"{block['type']}," for block in blocks)
    made_of = _CARD.format(urgent="section," if urgent else "", exact="section," * len(specs))
    assert re.fullmatch(made_of + _BELOW, order), order
    plan = f" · plan {card.request.plan}" if card.request.plan > 1 else ""
    assert blocks[0]["text"]["text"] == f"{'🚨 ' if urgent else ''}{_title(specs)}{plan}"
    assert blocks[-1]["elements"][0]["text"] == _ANSWER
    value = f"{specs[0].thread_id}:{card.request.call_id}"
    assert payloads.buttons(blocks) == {
        "approve": value,
        "reject": value,
        "reject_with_feedback": value,
    }
    sections = [block["text"]["text"] for block in blocks if block["type"] == "section"]
    exact = list(map(_exact, specs))
    assert [section for section in sections if section in exact] == exact, sections
    above = sections[sections.index(exact[0]) - 1]
    assert above.startswith(_URGENT) == urgent, above
    assert sum("🚨" in section for section in sections) == urgent, sections
    for line in "\n".join(sections).split("\n"):
        assert not line.startswith(("✅", "✋", "⏸", "*Approved")), line
    for block in blocks[1:-1]:
        for element in block.get("elements", ()) if block["type"] == "context" else ():
            assert element["type"] == "plain_text" or element["text"].endswith("wrote:"), element


def _title(specs: Sequence[ActionSpec]) -> str:
    """Name what happens, step by step; the same thing with several services at once."""
    parts: list[str] = []
    for kind, group in itertools.groupby(specs, key=lambda spec: spec.kind):
        names = [spec.service for spec in group]
        listed = " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)
        parts.append(_WAYS[kind].format(listed))
    title = ", then ".join(parts)
    return f"{title[0].upper()}{title[1:]}"


def _exact(spec: ActionSpec) -> str:
    argv = f'["deploy", "{spec.service}", "production", "{spec.sha}"]'
    call = f'`{spec.tool}(sha="{spec.sha}")`'
    return f"{call}\nruns deployer `command` with\n`argv = {argv}`"
