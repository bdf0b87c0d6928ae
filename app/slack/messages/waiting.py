"""What a thread waits for, and what came of it."""

from app.core.events import WaitEnded, WaitStarted
from app.core.records import Say
from app.core.state import State
from app.slack import blocks, text
from app.slack.blocks import Message


def waits(wait: WaitStarted) -> str:
    """Say what is waited for and until when, for the status."""
    what, until = _what(wait), text.when(wait.until)
    reason = f": {text.inline(wait.reason, 200)}" if wait.reason else ""
    if not what:
        return f"⏲️ waiting until {until}{reason}"
    return f"⏲️ waiting for {what} · until {until}{reason}"


def wait_message(state: State, say: Say, wait: WaitStarted) -> Message:
    """Tell people once that the thread waits and how to go on sooner; then what came of it."""
    goes_on = wait in (state.wait, state.wait_held)
    said = _over(wait, say.wait_end) if say.wait_end else _waits(wait)
    short = text.inline(wait.reason, 300) or "waiting"
    return Message(short, (blocks.context(blocks.mrkdwn(f"⏲️ {said}")),), passed=not goes_on)


def _waits(wait: WaitStarted) -> str:
    what, until = _what(wait), text.when(wait.until)
    awaits = f"for {what}, at the longest until {until}" if what else f"until {until}"
    reason = f": {text.inline(wait.reason, 300)}" if wait.reason else ""
    return f"I wait {awaits}{reason}. Write here, or say `stop waiting`, to go on sooner."


def _over(wait: WaitStarted, end: WaitEnded) -> str:
    what, until = _what(wait), text.when(wait.until)
    waited = f"I waited for {what}" if what else f"I waited until {until}"
    match end.because:
        case "time":
            return f"{waited}. It did not come before {until}." if what else f"{waited}."
        case "event":
            return f"{waited}: {text.inline(end.told, 300)}."
        case "person":
            return f"{waited}. {text.user(end.user)} said to go on."
        case "circle":
            return f"{waited}, which waits for this thread, so I wait no longer."


def _what(wait: WaitStarted) -> str:
    """Name what is waited for, with a link where there is one; whose words, by calling them."""
    kind, _, name = wait.event.partition("/")
    match kind:
        case "run":
            return text.link(wait.url, f"workflow run {name}")
        case "workflow":
            return f"the next run of {text.code(name)}"
        case "thread":
            named = wait.label or f"thread {name.rpartition('/')[2]}"
            return f"{text.link(wait.url, named)} to be through"
        case "reply":
            return f"a reply from {text.user(name)}"
        case _:
            return ""
