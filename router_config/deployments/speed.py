"""How fast models answer, as this process measured it, and in which order equal ones are asked by it.

Pure: the time is an argument. A model is one at its address and endpoint, with whichever key.
"""

from collections import deque
from collections.abc import Sequence
from math import inf
from typing import Final, NamedTuple

from router_config.deployments.deployment import Deployment

NEW: Final = 0.2
"""What a measurement weighs beside all before it."""

FADES: Final = 60.0
"""Seconds after which what was measured weighs half of that: a model that was slow an hour ago may not be now."""

AS_FAST: Final = 1.25
"""Who is expected to take at most so much longer than the fastest is as fast: among those the room left decides."""

LOOKS: Final = 60.0
"""Seconds after which one that is not the fastest is asked once, to notice that it is faster by now."""

SHARE_OF_LOOKS: Final = 0.02
"""At most so many of the requests are spent on that."""

FAILED: Final = 10.0
"""Seconds that a failed attempt counts for at least, however soon it failed."""

NARROW: Final = 0.1
"""Answers whose lengths differ by less than such a part say nothing of what a token takes."""

ENOUGH: Final = 3
"""Answers of a model, before which a slow one is looked at again at once."""

ENOUGH_FOR_QUANTILES: Final = 20
"""Answers of a model, before which nobody knows when it is late."""

STALL: Final = 5.0
"""Times the median: an answer that took longer stalled."""

RECENT: Final = 100
"""Times of answers that are kept of each model for their quantiles."""


class Expected(NamedTuple):
    """What is expected of an answer. first_token: seconds, None where no stream was seen. per_token: seconds."""

    first_token: float | None
    per_token: float
    seconds: float


class Speed:
    """What one model took. Each answer is a point: its tokens and its seconds; the first token of a stream is one at 0.

    The line through them, recent ones first, is what a longer or shorter answer is expected to take.
    """

    def __init__(self) -> None:
        self.measured_at = self.looked_at = float("-inf")
        self.first_tokens: deque[float] = deque(maxlen=RECENT)
        """Seconds to the first tokens of the last streams."""
        self.answers: deque[float] = deque(maxlen=RECENT)
        """Seconds of the last answers that were no streams."""
        self._points = self._counted = 0
        self._x = self._y = self._xx = self._xy = 0.0
        self._first: float | None = None

    def add_first_token(self, seconds: float, now: float) -> None:
        """A stream began to show something after so many seconds."""
        self._count()
        weight = self._weight(now)
        self._first = seconds if self._first is None else self._first + weight * (seconds - self._first)
        self._add(0.0, seconds, weight)
        self.first_tokens.append(seconds)
        self.measured_at = now

    def add_answer(self, tokens: float, seconds: float, now: float, *, streamed: bool = False) -> None:
        """An answer of so many tokens was complete after so many seconds. streamed: its first token was told."""
        if not streamed:
            self._count()
        self._add(float(tokens), seconds, self._weight(now))
        self.measured_at = now

    @property
    def is_sure(self) -> bool:
        """Whether enough answers were measured to compare it with others."""
        return self._counted >= ENOUGH

    @property
    def measured(self) -> bool:
        return self._points > 0

    def expected(self, tokens: float) -> Expected:
        """What an answer of so many tokens will take. Only where something was measured."""
        spread = max(0.0, self._xx - self._x**2)
        narrow = (NARROW * self._x) ** 2
        ratio = self._y / self._x if self._x else 0.0  # By the tokens alone, where all answers were of one length.
        slope = max(0.0, (self._xy - self._x * self._y + narrow * ratio) / (spread + narrow)) if self._x else 0.0
        return Expected(self._first, slope, max(0.0, self._y + slope * (tokens - self._x)))

    def late_after(self, quantile: float, *, streamed: bool) -> float | None:
        """Seconds within which such a part of its answers came, or of its first tokens; None: too few are known.

        Those that took several times as long as usual are left out: stalls would else set the mark for themselves.
        """
        times = sorted(self.first_tokens if streamed else self.answers)
        if len(times) < ENOUGH_FOR_QUANTILES:
            return None
        usual = [each for each in times if each <= STALL * times[len(times) // 2]]
        return usual[min(len(usual) - 1, int(quantile * len(usual)))]

    def _count(self) -> None:
        """The first answer counts until the second is there: it also took connecting, and imports of LiteLLM."""
        self._counted += 1
        if self._counted == 2:
            self._points, self._first = 0, None
            self._x = self._y = self._xx = self._xy = 0.0

    def _weight(self, now: float) -> float:
        if not self._points:
            return 1.0
        faded: float = 0.5 ** (max(0.0, now - self.measured_at) / FADES)
        return max(1.0 / (self._points + 1), 1.0 - (1.0 - NEW) * faded)

    def _add(self, x: float, y: float, weight: float) -> None:
        self._points += 1
        if self._points == 1:
            weight = 1.0
        self._x += weight * (x - self._x)
        self._y += weight * (y - self._y)
        self._xx += weight * (x * x - self._xx)
        self._xy += weight * (x * y - self._xy)


class BySpeed(NamedTuple):
    """Those who are asked first, in an order that room decides, and the others, the faster first."""

    first: Sequence[Deployment]
    others: Sequence[Deployment]


class Speeds:
    """The speeds of all models that this process asked in groups that want to know it."""

    def __init__(self) -> None:
        self._speeds: dict[tuple[str, str], Speed] = {}
        self._credit = 0.0

    def of(self, deployment: Deployment) -> Speed:
        place = deployment.scopes.provider, deployment.model
        found = self._speeds.get(place)
        if found is None:
            found = self._speeds[place] = Speed()
        return found

    def known(self, deployment: Deployment) -> Speed | None:
        """What was measured of a model; None where nothing was."""
        found = self._speeds.get((deployment.scopes.provider, deployment.model))
        return found if found is not None and found.measured else None

    def failed(self, deployment: Deployment, tokens: float, seconds: float, now: float) -> None:
        """An attempt failed by its provider's fault after so many seconds: it counts as a slow answer."""
        self.of(deployment).add_answer(tokens, max(seconds, FAILED), now)

    def beaten(self, deployment: Deployment, tokens: float, seconds: float, now: float) -> None:
        """It had not answered after so many seconds, when another did: it is at least as slow as that."""
        speed = self.of(deployment)
        if not speed.measured or seconds > speed.expected(tokens).seconds:
            speed.add_answer(tokens, seconds, now)

    def ranked(self, equals: Sequence[Deployment], tokens: float) -> list[Deployment]:
        """Equal deployments, the fastest first; those of whom nothing is known are the last."""
        taking = [(known.expected(tokens).seconds if (known := self.known(each)) else inf, each) for each in equals]
        return [each for _, each in sorted(taking, key=lambda one: one[0])]

    def order(self, equals: Sequence[Deployment], tokens: float, now: float) -> BySpeed:
        """Equal deployments by what an answer of so many tokens is expected to take. now: epoch seconds.

        Now and then one that is not the fastest comes first, alone: nobody else would notice that it became faster.
        """
        measured = [(each, found) for each in equals if (found := self.known(each)) is not None]
        if not measured:
            return BySpeed(equals, ())
        taking = sorted(((found.expected(tokens).seconds, each) for each, found in measured), key=lambda one: one[0])
        fast = [each for seconds, each in taking if seconds <= taking[0][0] * AS_FAST]
        slow = [each for _, each in taking[len(fast) :]]
        unknown = [each for each in equals if self.known(each) is None]
        self._credit = min(1.0, self._credit + SHARE_OF_LOOKS)
        looked = self._looked_at([*unknown, *slow], now)
        if looked is not None:
            return BySpeed((looked,), [each for each in (*fast, *slow, *unknown) if each is not looked])
        return BySpeed(fast, [*slow, *unknown])

    def _looked_at(self, others: Sequence[Deployment], now: float) -> Deployment | None:
        """Whom this request is spent on. One of whom little is known yet needs no credit."""
        for each in others:
            speed = self.of(each)
            if not speed.is_sure and speed.looked_at <= speed.measured_at:
                pass  # It may be the fastest, and nobody looks at it now.
            elif now < max(speed.measured_at, speed.looked_at) + LOOKS or self._credit < 1.0:
                continue
            else:
                self._credit -= 1.0
            speed.looked_at = now
            return each
        return None
