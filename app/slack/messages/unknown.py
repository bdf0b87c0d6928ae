"""The call for a person when nobody knows whether production changed: edits alone call nobody."""

from app.core.config import RepoConfig
from app.core.state import Run, State
from app.slack import blocks, text
from app.slack.blocks import Message
from app.slack.messages import people


def unknown_alert(state: State, repo: RepoConfig, run: Run) -> Message | None:
    """Ask those who approved to settle an unknown outcome; None where nothing was unknown."""
    card = state.cards.get(run.call_id or "")
    if card is None or run.outcome != "unknown":
        return None
    what = f"{run.attempt.kind} of {text.inline(run.attempt.service or '', 60)} to production"
    whom = [text.user(slack_id) for slack_id in card.approvers]
    called = people.all_of(whom) if whom else (people.owner(state, repo) or "Somebody")
    said = (
        f"{called}: nobody can tell whether the {what} happened. Please say so on its card above."
    )
    return Message(text=said, blocks=(blocks.section(f"❓ {said}"),))
