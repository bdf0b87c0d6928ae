"""Forms of one field: a button opens one while it may still count, and its words are the click's.

What the words come to is decided in the core; words that come to nothing are given back.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from slack_bolt.async_app import AsyncAck

from app.core import clicks, glass, overriding
from app.core.clicks import Click, Refused
from app.core.errors import UserError
from app.slack.answers import Answer
from app.slack.clicking import UNKNOWN_THREAD, Clicking, Decide
from app.slack.forms import feedback_form
from app.slack.messages.glass import glass_form
from app.slack.messages.override import override_form
from app.slack.payloads import Clicked, clicked, target, typed
from app.slack.text import inline
from app.slack.web import SlackSilent
from app.slack.whispers import Whispers

NO_WORDS = "Say what I should do instead."
NO_FORM = "I could not open the form. Write here what I should do instead, or press Reject."
NO_GLASS_FORM = "I could not open the form. Press the button once more."

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Form:
    """A form: its field's id, how it looks if it may still count, and what it comes to.

    `by_approvers`: Slack is asked who the person is. Fewer than `shortest` characters are `empty`.
    """

    field: str
    build: Callable[[str, Click], Json | Refused]
    decide: Decide
    by_approvers: bool
    shortest: int
    empty: str
    closed: str


def _feedback(value: str, click: Click) -> Json | Refused:
    decision = clicks.may_reject(click)
    if isinstance(decision, Refused):
        return decision
    return feedback_form(value, click.state.cards[click.call_id])


def _glass(value: str, click: Click) -> Json | Refused:
    lifts = glass.liftable(click)
    if isinstance(lifts, Refused):
        return lifts
    return glass_form(value, click.state.cards[click.call_id], lifts)


def _override(value: str, click: Click) -> Json | Refused:
    staging = overriding.overridable(click)
    if isinstance(staging, Refused):
        return staging
    return override_form(value, click.state, staging)


# By the action id of their button, which is the callback id, too, but for the first.
FORMS: Mapping[str, Form] = {
    "reject_with_feedback": Form(
        field="feedback",
        build=_feedback,
        decide=clicks.reject,
        by_approvers=False,
        shortest=1,
        empty=NO_WORDS,
        closed=NO_FORM,
    ),
    "break_glass": Form(
        field="reason",
        build=_glass,
        decide=glass.break_glass,
        by_approvers=True,
        shortest=glass.SHORTEST_REASON,
        empty=glass.NO_REASON,
        closed=NO_GLASS_FORM,
    ),
    "override": Form(
        field="reason",
        build=_override,
        decide=overriding.override,
        by_approvers=True,
        shortest=overriding.SHORTEST_REASON,
        empty=overriding.NO_REASON,
        closed=NO_GLASS_FORM,
    ),
}
CALLBACKS: Mapping[str, str] = {
    "feedback": "reject_with_feedback",
    "break_glass": "break_glass",
    "override": "override",
}


class Asking:
    """Opens forms and takes what is typed into them."""

    def __init__(self, clicking: Clicking, whispers: Whispers) -> None:
        self._clicking = clicking
        self._whispers = whispers

    async def on_button(self, body: Json, ack: AsyncAck) -> None:
        """Open a form, while the trigger still counts, or say why it would come to nothing."""
        click = clicked(body)
        form, about = FORMS[click.action_id], target(click.value)
        try:
            seen = await self._clicking.look(click, about, form.by_approvers)
            view = form.build(click.value, seen)
            if isinstance(view, Refused):
                raise UserError(view.sentence)
        except UserError as error:
            self._clicking.answer(click, str(error))
        else:
            self._whispers.later(self._open(click, view, form.closed))
        await ack()

    async def on_submission(self, body: Json, ack: AsyncAck) -> None:
        """Take what was typed; what comes too late is given back."""
        action_id = CALLBACKS[body["view"]["callback_id"]]
        form = FORMS[action_id]
        sent = typed(body, form.field)
        about = target(sent.value)
        click = await self._clicking.at_its_card(about, sent.user, action_id)
        if len(sent.text) < form.shortest or about is None or click is None:
            short = len(sent.text) < form.shortest
            errors = {form.field: form.empty if short else UNKNOWN_THREAD}
            await ack(response_action="errors", errors=errors)
            return
        settle = self._clicking.settle
        refusal = await settle(click, about, form.decide, sent.text, form.by_approvers)
        if refusal:
            yours = inline(sent.text, 1500)
            said = f"{refusal} Your words were not passed on: “{yours}”"
            self._clicking.answer(click, said)
        await ack()

    async def _open(self, click: Clicked, view: Json, closed: str) -> None:
        try:
            web = self._whispers.web
            await web.call(Answer, "views.open", trigger_id=click.trigger_id, view=view)
        except SlackSilent:
            self._clicking.answer(click, closed)


def field_of(body: Json) -> str:
    """Return the id of the field of a submitted form, where an error is shown."""
    return FORMS[CALLBACKS[body["view"]["callback_id"]]].field
