"""Case after case for as long as was asked, each repeatable, and none too long.

FUZZ_SECONDS says how long (60). FUZZ_SEED begins another series ("7"; also SOAK_SEED), or repeats
one case of it ("7:1234").
"""

import os
import time
from collections.abc import Iterator
from types import TracebackType

from tests.chance import SEED, report
from tests.fuzz.mutation import Mutation

SECONDS = float(os.environ.get("FUZZ_SECONDS", "60"))
# Of this thread alone, so that a busy machine does not count.
MOST_PROCESSOR_SECONDS = 2.0


class Campaign:
    """Gives mutations until the time is over; says which one it was that failed."""

    def __init__(self, what: str) -> None:
        self._what = what
        seed = os.environ.get("FUZZ_SEED", str(SEED))
        self._series, _, self._only = seed.partition(":")
        self._number = int(self._only or 0)

    def __enter__(self) -> "Campaign":
        return self

    def __iter__(self) -> Iterator[Mutation]:
        began = time.monotonic()
        while True:
            before = time.thread_time()
            yield Mutation(f"{self._what}:{self._series}:{self._number}")
            took = time.thread_time() - before
            assert took < MOST_PROCESSOR_SECONDS, f"{took:.1f} s for one case"
            self._number += 1
            if self._only or time.monotonic() - began > SECONDS:
                break
        self._report(time.monotonic() - began)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        if error is not None:
            error.add_note(f"FUZZ_SEED={self._series}:{self._number} repeats it")

    def _report(self, seconds: float) -> None:
        report(
            "fuzz",
            parser=self._what,
            series=self._series,
            cases=self._number,
            seconds=round(seconds, 1),
        )
