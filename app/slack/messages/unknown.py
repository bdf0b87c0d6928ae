"""The call for a person when nobody knows whether production changed: edits alone call nobody."""

from app.core.cards import Asked
from app.core.config import RepoConfig
from app.core.records import Run
from app.core.state import State
from app.slack import blocks, text
from app.slack.blocks import Message
from app.slack.messages import people
from app.slack.messages.runs import stated
from app.slack.messages.shown import action


def unknown_alert(state: State, repo: RepoConfig, run: Run) -> Message | None:
    """Ask those who approved to settle an unknown outcome; None where nothing was unknown."""
    asked = state.asked(run.call_id)
    settled = stated(run)
    if asked is None or (run.outcome != "unknown" and not settled):
        return None
    what = action([asked.spec])
    if settled:
        said = f"Settled: {settled} ({what})."
        return Message(said, (blocks.context(blocks.mrkdwn(said)),), passed=True)
    whom = [text.user(slack_id) for slack_id in _approvers(asked)]
    called = people.all_of(whom) if whom else (people.owner(state, repo) or "Somebody")
    said = f"{called}: nobody can tell whether this happened: {what}. Please say so on its card."
    return Message(text=said, blocks=(blocks.section(f"❓ {said}"),))


def _approvers(asked: Asked) -> list[str]:
    return [approval.user for approval in asked.card.approvals_of(asked.step)]
