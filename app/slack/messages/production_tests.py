"""The e2e tests against production: one message for a run and its re-run."""

from dataclasses import dataclass

from app.core.records import Run
from app.core.rules.staging import LOST_TRIES
from app.core.rules.verification import TRIES
from app.core.state import State
from app.slack import blocks, text
from app.slack.blocks import Block, Message
from app.slack.messages import runs
from app.slack.messages.flaky import known_flaky


@dataclass(frozen=True, slots=True)
class ProductionTests:
    """One verification: its run, its re-run if it was red, and whether it is settled."""

    runs: list[Run]
    settled: bool

    @property
    def running(self) -> bool:
        """Tell whether a run of it is going on."""
        return self.runs[-1].outcome is None

    @property
    def was_red(self) -> bool:
        """Tell whether a run of it ended other than green."""
        return any(run.outcome not in (None, "succeeded") for run in self.runs)

    @property
    def passed(self) -> bool:
        """Tell whether the newest run is green."""
        return self.runs[-1].outcome == "succeeded"

    @property
    def verdict(self) -> str:
        """Return the outcome, or that there is none yet, as mrkdwn."""
        last = self.runs[-1]
        if last.outcome is None:
            return f"⏳ production tests run since {text.when(last.started_at)}"
        if self.passed:
            again = f" in run {len(self.runs)}" if len(self.runs) > 1 else ""
            return f"✅ production tests passed{again} · {runs.duration(last)}"
        if not self.settled and last.outcome == "unknown":
            return "❓ the outcome of the production tests was lost, run again"
        if not self.settled:
            return "❌ production tests red once, run again"
        twice = " twice" if sum(run.outcome == "failed" for run in self.runs) > 1 else ""
        return f"❌ production tests red{twice}: {_reasons(last)}"

    def message(self, whom: str) -> Message:
        """Tell what the tests did and do, and why they are red; `whom` that calls, "" for nobody.

        That they stay red is posted as a message of its own; where it was one before, a card calls.
        """
        sha = self.runs[0].attempt.sha
        lines = [_line(self.runs, number) for number in range(len(self.runs))]
        if not self.settled and len(self.runs) == 1 and self.runs[0].outcome == "failed":
            lines.append("Red once, run again.")
        title = f"*Production tests* {text.short(sha)}"
        parts: list[Block] = [blocks.section("\n".join([title, *lines]))]
        is_red = not self.passed and not self.running and self.settled
        called = f"{whom}: " if whom and is_red else ""
        if called:
            parts.insert(0, blocks.section(f"{called}production is red."))
        if is_red:
            if flaky := known_flaky(self.runs[-1]):
                parts.append(blocks.section(flaky))
            parts += runs.tail(self.runs[-1])
        return Message(
            text=f"{called}Production tests {sha[:7]}: {self.verdict}",
            blocks=tuple(parts),
            edit_every_seconds=3 if self.running else 0,
        )


def production_tests(state: State) -> list[ProductionTests]:
    """Return the verifications of a thread in order, read from its runs.

    A verification ends with a green run or its last try, or when production changes again.
    """
    groups: list[list[Run]] = []
    ended = True
    for run in state.runs.values():
        if run.is_production_effect:
            ended = True
        elif run.attempt.environment == "production":
            groups = groups if not ended else [*groups, []]
            groups[-1].append(run)
            told = [one for one in groups[-1] if one.outcome != "unknown"]
            ended = (
                run.outcome == "succeeded" or len(told) == TRIES or len(groups[-1]) == LOST_TRIES
            )
    newest = state.verification
    open_still = newest is not None and newest.passed is None
    last = len(groups) - 1
    return [ProductionTests(g, not (open_still and n == last)) for n, g in enumerate(groups)]


def _line(tries: list[Run], number: int) -> str:
    """Tell how a run went, and which tests failed, or that they are those of the run before."""
    run = tries[number]
    told = runs.story(run, f"run {number + 1}")
    if not run.failing_tests:
        return told
    same = number > 0 and tries[number - 1].failing_tests == run.failing_tests
    return f"{told}\nFailing: {'the same' if same else runs.failing_tests(run.failing_tests)}"


def _reasons(run: Run) -> str:
    return runs.failing_tests(run.failing_tests) or text.inline(run.summary, 200)
