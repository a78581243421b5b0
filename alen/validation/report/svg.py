"""Small pictures as SVG text: axes, lines, bars and points. Colours come from the page's style sheet by class."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape

WIDTH, HEIGHT = 420, 340
LEFT, RIGHT, TOP, BOTTOM = 68, 24, 14, 52

Point = tuple[float, float]


@dataclass
class Plot:
    """A picture with x from 0 to 1 and y from 0 to ``top``. ``title`` and ``describe`` are read to those who cannot see
    it. What is drawn later lies above."""

    name: str
    title: str
    describe: str
    across: str
    up: str
    top: float = 1.0
    percent_up: bool = True
    _parts: list[str] = field(default_factory=list)

    def line(self, points: Sequence[Point], kind: str) -> None:
        """A line through points. ``kind`` is a class of the style sheet, here and below."""
        path = " ".join(f"{self._x(x):.1f},{self._y(y):.1f}" for x, y in points)
        self._parts.append(f'<polyline class="line {kind}" points="{path}"/>')

    def area(self, points: Sequence[Point], kind: str) -> None:
        path = " ".join(f"{self._x(x):.1f},{self._y(y):.1f}" for x, y in points)
        self._parts.append(f'<polygon class="{kind}" points="{path}"/>')

    def segment(self, start: Point, end: Point, kind: str) -> None:
        (x1, y1), (x2, y2) = (self._at(start), self._at(end))
        self._parts.append(f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>')

    def dot(self, point: Point, kind: str, tip: str, radius: float = 4.0) -> None:
        """A point; ``tip`` shows under the mouse."""
        x, y = self._at(point)
        tip = f"<title>{escape(tip)}</title>"
        self._parts.append(f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}">{tip}</circle>')

    def bar(self, low: Point, high: Point, kind: str, tip: str) -> None:
        (x1, y1), (x2, y2) = (self._at(low), self._at(high))
        tip = f"<title>{escape(tip)}</title>"
        size = f'width="{max(0.0, x2 - x1 - 1):.1f}" height="{max(0.0, y1 - y2):.1f}"'
        self._parts.append(f'<rect class="{kind}" x="{x1:.1f}" y="{y2:.1f}" {size}>{tip}</rect>')

    def label(self, point: Point, text: str, anchor: str = "start", *, dy: float = 0.0) -> None:
        x, y = self._at(point)
        self._parts.append(f'<text x="{x:.1f}" y="{y + dy:.1f}" text-anchor="{anchor}">{escape(text)}</text>')

    def svg(self) -> str:
        """The whole picture."""
        head = (
            f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="{self.name}-title {self.name}-desc">'
            f'<title id="{self.name}-title">{escape(self.title)}</title>'
            f'<desc id="{self.name}-desc">{escape(self.describe)}</desc>'
        )
        return head + "".join(self._axes()) + "".join(self._parts) + "</svg>"

    def _axes(self) -> Iterable[str]:
        for step in range(5):
            share = step / 4
            x, y = self._x(share), self._y(share * self.top)
            yield f'<line class="grid" x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}"/>'
            yield f'<text class="tick" x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{self._tick(share)}</text>'
            yield f'<text class="tick" x="{x:.1f}" y="{HEIGHT - BOTTOM + 19}" text-anchor="middle">{25 * step} %</text>'
        middle = (LEFT + WIDTH - RIGHT) / 2
        yield f'<text class="axis" x="{middle}" y="{HEIGHT - 8}" text-anchor="middle">{escape(self.across)}</text>'
        at = (TOP + HEIGHT - BOTTOM) / 2
        turned = f'transform="translate(16 {at}) rotate(-90)"'
        yield f'<text class="axis" {turned} text-anchor="middle">{escape(self.up)}</text>'

    def _tick(self, share: float) -> str:
        return f"{100 * share * self.top:.0f} %" if self.percent_up else f"{share * self.top:g}"

    def _at(self, point: Point) -> Point:
        return self._x(point[0]), self._y(point[1])

    def _x(self, value: float) -> float:
        return LEFT + value * (WIDTH - RIGHT - LEFT)

    def _y(self, value: float) -> float:
        return HEIGHT - BOTTOM - value / self.top * (HEIGHT - BOTTOM - TOP)


def interval_bar(value: float, low: float, high: float) -> str:
    """A share between 0 and 1 with its interval, as wide as there is room."""
    return (
        '<svg class="interval" viewBox="0 0 200 10" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="rail" x="0" y="4" width="200" height="2"/>'
        f'<rect class="span" x="{200 * low:.1f}" y="2" width="{max(1.0, 200 * (high - low)):.1f}" height="6"/>'
        f'<rect class="mark" x="{min(197.0, 200 * value):.1f}" y="0" width="3" height="10"/></svg>'
    )


def balance_bar(value: float, reach: float) -> str:
    """A number left or right of a middle line, full width at ``reach``."""
    length = 50 * max(-1.0, min(1.0, value / reach)) if reach else 0.0
    kind, x = ("good", 50.0) if length >= 0 else ("bad", 50 + length)
    return (
        '<svg class="balance" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="{kind}" x="{x:.1f}" y="1" width="{abs(length):.1f}" height="8"/>'
        '<rect class="rail" x="49.6" y="0" width="0.8" height="10"/></svg>'
    )
