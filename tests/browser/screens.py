"""Writes docs/screens: each state of a card as the local Slack's page shows it."""

import asyncio
import json
import tempfile
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from textwrap import indent

from app.demo.local_slack import ALICE, BOB, CARA, LocalSlack, Workspace
from app.slack.chat import SlackChat
from tests.browser.asking import thread
from tests.browser.pictures import Said, Screen
from tests.browser.slack_page import CHANNEL, THREAD, SlackPage, slack_page
from tests.browser.states import screens
from tests.day.company import GRACE
from tests.scenarios.world import CHANNEL as CHANNEL_ID

FOLDER = Path(__file__).parents[2] / "docs" / "screens"
WORDS = FOLDER / "words.txt"
WHOLE = FOLDER.parent / "thread.png"  # of the README
# One width, and no time of day: what did not change gives the same picture.
STYLE = ".thread-pane,.messages .msg{width:640px!important} .msg-time,.msg-edited{display:none}"
INTRODUCTION = """# What people see

Each state of a card, as the local Slack's page shows it (which knows no code blocks, and no
question whether one is sure, so there is no picture of the second click on a risky change).
`make screenshots` makes them: the service's worker, its planner without a model and its buttons
bring about each of them, as [asking.py](../../tests/browser/asking.py) and
[outcomes.py](../../tests/browser/outcomes.py) tell. The hashes of runs are numbered anew, so a
picture changes only where its messages do. [Every button](../buttons.md), and who may press it.
"""


async def main() -> None:
    """Make every picture, and the page that shows them."""
    made = await screens()
    whole = await thread()
    FOLDER.mkdir(parents=True, exist_ok=True)
    for old in FOLDER.glob("*.png"):
        old.unlink()
    with tempfile.TemporaryDirectory() as folder:
        users = (ALICE, BOB, CARA, GRACE)
        workspace = Workspace("http://127.0.0.1:1/nobody-listens", users=users)
        async with LocalSlack.run(workspace) as slack, slack_page(slack, Path(folder)) as shown:
            for screen in made:
                picture = await draw(slack, shown, screen)
                (FOLDER / f"{screen.name}.png").write_bytes(picture)
            WHOLE.write_bytes(await draw(slack, shown, whole))
    (FOLDER / "README.md").write_text(contents(made))
    WORDS.write_text(words([*made, whole]))


def contents(made: Sequence[Screen]) -> str:
    """Return the page that shows every picture."""
    parts = [f"## {s.name}\n\n{s.line}\n\n![{s.line}]({s.name}.png)\n" for s in made]
    return "\n".join([INTRODUCTION, *parts])


def words(made: Sequence[Screen]) -> str:
    """Return what every picture says, which shows when one is not of today any more."""
    return "\n".join(f"{screen.name}\n{indent(screen.words, '    ')}\n" for screen in made)


async def draw(slack: LocalSlack, shown: SlackPage, screen: Screen) -> bytes:
    """Put a thread's messages into the local Slack, and return the picture of those to be seen."""
    await slack.reset()
    places = await _posted(slack, screen)
    await shown.page.open(slack.url)
    where = CHANNEL if set(places) == {"status"} else THREAD  # a thread without replies is none
    if where == THREAD:
        await shown.open_thread(screen.title)
    for part in screen.shows:
        await shown.page.appears(_message(places[part], where))
    await shown.page.evaluate(f"document.head.append({_style()})")
    every = ", ".join(_message(places[part], where) for part in screen.shows)
    return await shown.page.picture(f"[{every}]")


async def _posted(slack: LocalSlack, screen: Screen) -> dict[str | Said, str]:
    """Post a thread's messages, people's words after what they follow; return each one's ts."""
    chat = SlackChat("xoxb-local", slack.api_url, dates=False)
    follows = dict(pairwise(screen.shows))
    places: dict[str | Said, str] = {}
    for slot, message in screen.messages.items():
        root = places.get("status")
        places[slot] = await chat.post(CHANNEL_ID, message.text, message.blocks, root, slot)
        if isinstance(said := follows.get(slot), Said):
            places[said] = await slack.say(CHANNEL_ID, said.user, said.text, root)
    return places


def _style() -> str:
    return f"Object.assign(document.createElement('style'), {{textContent: {json.dumps(STYLE)}}})"


def _message(ts: str, where: str) -> str:
    return f"document.querySelector('{where} .msg[data-ts=\"{ts}\"]')"


if __name__ == "__main__":
    asyncio.run(main())
