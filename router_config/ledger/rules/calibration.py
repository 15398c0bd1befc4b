"""How many tokens a model really counts for a prompt of a given estimate: learned from what its answers report.

Providers add what nobody sees (chat templates, preambles, tool schemas in their own notation), and count by tokenizers
of their own. A curve keeps, by kind of text and size of the estimate, the most that was reported lately. Between the
sizes seen it is bounded by how steep a tokenizer can be. Pure logic; moments are epoch seconds.
"""

import json
from bisect import bisect
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

TextKind = Literal["prose", "code", "foreign", "dense", "tools"]
"""Of what a prompt mostly is: sentences; code, JSON or numbers; other scripts; base64, hex; anything with tools."""

STEEPEST: Final = 1.6
"""Tokens that a model counts at most for each of our estimate, besides what it adds to every request."""

UNSEEN_TOKENS: Final = 256
"""Tokens that a model may add to every request, as long as it has reported nothing."""

FADES: Final = 0.1
"""Share of what a point is too high by that it loses at each answer. It rises at once, so it is a high quantile."""

MARGIN: Final = 1.25
"""On the steepness seen so far, for sizes beyond those seen."""

POINTS_KEPT: Final = 64
"""Of each kind of text; the one that was not confirmed for longest goes first."""

NEAR: Final = 16
"""Tokens by which an estimate may be smaller and still be counted as the larger one."""

ROUNDED: Final = 0.5
"""Of a count of tokens, which is a whole number."""

FRAME: Final = 7
"""Tokens of each estimate for what stands around a message, of which a model may count none."""

CONFIRMED_EVERY: Final = 10.0
"""Seconds after which a point that stays as it is gets a new moment."""

MOST_TIMES: Final = 8
MOST_ADDED: Final = 16_384
"""A report of more than so many times the estimate and so many tokens besides is cut to that."""

_ERROR_ANSWERS: Final = 20


class Point(NamedTuple):
    """For an estimate of so many tokens the model counts so many, as of a moment."""

    estimate: float
    counted: float
    at: float


@dataclass(slots=True)
class Curve:
    """What is known of one model.

    answers: how many reported their tokens. silent: how many reported none. error: by how much, as a share of the
    truth, the tokens reserved for a prompt differed lately, on average.
    """

    answers: int = 0
    silent: int = 0
    error: float = 0.0
    points: dict[str, dict[int, Point]] = field(default_factory=dict)

    def tokens(self, kind: TextKind, estimate: int, cautious: int = 0) -> int:
        """Tokens of a prompt that the model counts at most.

        cautious: as long as nothing is known, so many may be taken for what the model adds.
        """
        points = self.points.get(kind)
        if points:
            size = _size(estimate)
            own = points.get(size)
            if own is not None:
                return int((own[1] if estimate <= own[0] else _from(own, estimate, STEEPEST)) + 0.999)
            return int(_between(points, size, estimate, _unknown(estimate, cautious)) + 0.999)
        if self.points:  # Of other kinds.
            least = min((point for theirs in self.points.values() for point in theirs.values()), key=_counted)
            return int(_below(least, 0, _unknown(0, cautious)) + STEEPEST * estimate + 0.999)
        return estimate if self.silent else _unknown(estimate, cautious)

    def learn(self, kind: TextKind, estimate: int, counted: int, now: float, cautious: int = 0) -> None:
        """Take over what an answer says: the kind and the estimate of its prompt, and what the model counted."""
        points, size = self.points.get(kind), _size(estimate)
        own = None if points is None else points.get(size)
        self.answers += 1
        same = own is not None and own[0] == estimate and own[1] == counted and now <= own[2] + CONFIRMED_EVERY
        if same and self.answers > _ERROR_ANSWERS:  # Nearly always.
            self.error -= self.error / _ERROR_ANSWERS
            return
        estimate = estimate or 1
        counted = min(counted, MOST_TIMES * estimate + MOST_ADDED)
        if own is None:
            expected: float = self.tokens(kind, estimate, cautious)
            height: float = counted
        else:
            expected = own[1] if estimate <= own[0] else _from(own, estimate, STEEPEST)
            height = max(counted, counted + (expected - counted) * (1 - FADES))
        if not same:
            self._put(kind, size, Point(estimate, height, now))
        self.error += (abs(expected - counted) / counted - self.error) / min(self.answers, _ERROR_ANSWERS)

    def _put(self, kind: TextKind, size: int, point: Point) -> None:
        points = self.points.setdefault(kind, {})
        points[size] = point
        if len(points) > POINTS_KEPT:
            del points[min(points, key=lambda each: points[each].at)]

    def merge(self, other: "Curve") -> None:
        """Take over what another process has learned later than this one."""
        for kind, theirs in other.points.items():
            ours = self.points.setdefault(kind, {})
            for size, point in theirs.items():
                if size not in ours or ours[size].at < point.at:
                    ours[size] = point
        if other.answers > self.answers:
            self.answers, self.error = other.answers, other.error
        self.silent = max(self.silent, other.silent)


def curve_text(curve: Curve) -> str:
    points = {kind: list(points.values()) for kind, points in curve.points.items()}
    return json.dumps([curve.answers, curve.silent, round(curve.error, 4), points], separators=(",", ":"))


def curve_of(text: str | bytes) -> Curve:
    """The curve of its text; an empty one for a text of another version."""
    try:
        answers, silent, error, kinds = json.loads(text)
        points = {kind: {_size(int(each[0])): Point(*each) for each in given} for kind, given in kinds.items()}
        return Curve(answers, silent, error, points)
    except (ValueError, TypeError, AttributeError, KeyError):
        return Curve()


def merged(old: str | bytes | None, new: str) -> str:
    """Two curves of one model as one."""
    if old is None:
        return new
    curve = curve_of(old)
    curve.merge(curve_of(new))
    return curve_text(curve)


def _size(estimate: int) -> int:
    """The number of a size: each estimate below 16 has its own, and each octave above has eight."""
    if estimate < 16:
        return max(0, estimate)
    bits = estimate.bit_length()
    return bits * 8 + (estimate >> (bits - 4) & 7)


def _from(point: Point, estimate: float, steepness: float) -> float:
    """The most that a model counts which counted so much at that point: smaller prompts may save nothing."""
    x, y, _ = point
    if estimate <= x:
        return y
    bound = y + steepness * (estimate - x)
    return min(bound, (y + ROUNDED) * (estimate - FRAME) / (x - FRAME)) if x > FRAME else bound


def _unknown(estimate: int, cautious: int) -> int:
    """What is taken of a model of which nothing is known; no more than `cautious` of it for caution."""
    return estimate if cautious <= estimate else min(cautious, int(UNSEEN_TOKENS + STEEPEST * estimate))


def _below(point: Point, estimate: int, unknown: int) -> float:
    """The bound for an estimate by a larger one: who knows how much of that is added to every request."""
    if point.estimate <= estimate + NEAR:
        return point.counted
    return max(unknown, estimate + point.counted - point.estimate)


def _counted(point: Point) -> float:
    return point.counted


def _between(points: dict[int, Point], size: int, estimate: int, unknown: int) -> float:
    """The bound by the nearest points below and above."""
    sizes = sorted(points)
    place = bisect(sizes, size)
    above = points[sizes[place]] if place < len(sizes) else None
    if place == 0 and above is not None:
        return min(above.counted, _below(above, estimate, unknown))
    first, last = points[sizes[0]], points[sizes[-1]]
    run = last.estimate - first.estimate
    seen = (last.counted - first.counted) / run * MARGIN if run >= 16 else STEEPEST
    bound = _from(points[sizes[place - 1]], estimate, min(STEEPEST, max(0.1, seen)))
    return bound if above is None else min(bound, above.counted)
