"""A drawing of growth, as SVG: seconds over domains, both logarithmic. Pure."""

import math
import statistics
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

_WIDTH, _HEIGHT = 720, 440
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 190, 60, 60
_COLOURS = ("ours", "floor")
_STYLE = """
    .ground { fill: #ffffff; stroke: #d0d7de; }
    text    { fill: #1f2328; font-size: 13px; }
    .title  { font-size: 17px; font-weight: 600; }
    .grid   { stroke: #d0d7de; }
    .ours   { stroke: #0969da; fill: #0969da; }
    .floor  { stroke: #9a6700; fill: #9a6700; }
    .linear { stroke: #59636e; stroke-dasharray: 4 4; }
    .line   { fill: none; stroke-width: 2; }
    @media (prefers-color-scheme: dark) {
      .ground { fill: #0d1117; stroke: #3d444d; }
      text    { fill: #f0f6fc; }
      .grid   { stroke: #3d444d; }
      .ours   { stroke: #4493f8; fill: #4493f8; }
      .floor  { stroke: #d29922; fill: #d29922; }
      .linear { stroke: #9198a1; }
    }
"""

Lines = Mapping[str, Mapping[int, Sequence[float]]]
"""Name → number of domains → the seconds that were measured; all of the same numbers."""


def drawing(title: str, lines: Lines) -> str:
    """Return it: of each line the medians, joined, with all that lies between least and most.

    The dashed line is what the first line would be, were each domain as cheap as among the most.
    """
    counts = sorted(next(iter(lines.values())))
    values = [value for line in lines.values() for many in line.values() for value in many]
    scale = _Scale(counts, values)
    body = [
        *(_grid_x(scale, count) for count in counts),
        *(_grid_y(scale, power) for power in range(scale.low, scale.high + 1)),
        _linear(scale, next(iter(lines.values()))),
    ]
    for (name, line), colour in zip(lines.items(), _COLOURS, strict=False):
        body += _line(scale, name, line, colour)
    words = "; ".join(
        f"{name}: " + ", ".join(f"{n} {statistics.median(line[n]):.3g} s" for n in counts)
        for name, line in lines.items()
    )
    content = "\n  ".join(body)
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" \
aria-labelledby="title description" font-family="system-ui, sans-serif">
  <title id="title">{escape(title)}</title>
  <desc id="description">{escape(words)}</desc>
  <style>{_STYLE}  </style>
  <rect class="ground" x="0.5" y="0.5" width="{_WIDTH - 1}" height="{_HEIGHT - 1}" rx="8"/>
  <text class="title" x="{_LEFT}" y="34">{escape(title)}</text>
  {content}
  <text x="{_WIDTH - _RIGHT}" y="{_HEIGHT - 16}" text-anchor="end">domains</text>
  <text x="14" y="{_TOP - 10}">seconds</text>
</svg>
"""


class _Scale:
    """Numbers to places; whole powers of ten on the axis of seconds."""

    def __init__(self, counts: Sequence[int], values: Sequence[float]) -> None:
        self._first, self._last = math.log10(counts[0]), math.log10(counts[-1])
        self.low = math.floor(math.log10(min(values)))
        self.high = max(self.low + 1, math.ceil(math.log10(max(values))))

    def x(self, count: float) -> float:
        share = (math.log10(count) - self._first) / ((self._last - self._first) or 1)
        return round(_LEFT + share * (_WIDTH - _LEFT - _RIGHT), 1)

    def y(self, seconds: float) -> float:
        share = (math.log10(seconds) - self.low) / (self.high - self.low)
        return round(_HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM), 1)


def _grid_x(scale: _Scale, count: int) -> str:
    x = scale.x(count)
    return (
        f'<path class="grid" d="M{x} {_TOP} V{_HEIGHT - _BOTTOM}"/>'
        f'<text x="{x}" y="{_HEIGHT - _BOTTOM + 20}" text-anchor="middle">{count:,}</text>'
    )


def _grid_y(scale: _Scale, power: int) -> str:
    y = scale.y(10.0**power)
    return (
        f'<path class="grid" d="M{_LEFT} {y} H{_WIDTH - _RIGHT}"/>'
        f'<text x="{_LEFT - 8}" y="{y + 4}" text-anchor="end">{10.0**power:g}</text>'
    )


def _linear(scale: _Scale, line: Mapping[int, Sequence[float]]) -> str:
    counts = sorted(line)
    most = statistics.median(line[counts[-1]])
    # Where it would leave the drawing it is cut off.
    at = max(counts[0], counts[-1] * 10.0**scale.low / most)
    return (
        f'<path class="line linear" d="M{scale.x(at)} {scale.y(most * at / counts[-1])} '
        f'L{scale.x(counts[-1])} {scale.y(most)}"/>'
    )


def _line(scale: _Scale, name: str, line: Mapping[int, Sequence[float]], colour: str) -> list[str]:
    places = [(scale.x(n), scale.y(statistics.median(line[n]))) for n in sorted(line)]
    path = " L".join(f"{x} {y}" for x, y in places)
    spread = [
        f'<path class="line {colour}" d="M{scale.x(n)} {scale.y(min(values))} '
        f'V{scale.y(max(values))}"/>'
        for n, values in line.items()
    ]
    dots = [f'<circle class="{colour}" cx="{x}" cy="{y}" r="3.5"/>' for x, y in places]
    x, y = places[-1]
    return [
        f'<path class="line {colour}" d="M{path}"/>',
        *spread,
        *dots,
        f'<text x="{x + 10}" y="{y + 4}">{escape(name)}</text>',
    ]
