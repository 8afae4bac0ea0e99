"""Charts as SVG, made here: readable without a script, on paper, and by who asks for the table below. Pure.

Colours are classes of the style sheet; a second difference (dashes, shades, order) is always there.
"""

from collections.abc import Sequence

from markupsafe import Markup

WIDE, HIGH, LEFT, FOOT = 720, 180, 80, 20
_TOP = 8
_LETTERS = 22  # of a name beside a bar
NARROW, _NAMES = 400, 150  # of what has few bars, and the part of it that their names take
_SVG = Markup(
    '<svg class="chart{more}" viewBox="0 0 {w} {h}" role="img" aria-label="{label}">{inside}</svg>'
)  # the viewer's own words and numbers go in, escaped
_BAR = Markup('<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{h:.1f}"/>')
_TEXT = Markup('<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{text}</text>')
_LINE = Markup('<polyline class="{kind}" points="{points}"/>')


def bars(label: str, names: Sequence[str], series: Sequence[tuple[str, Sequence[int]]], *, open_end: bool) -> Markup:
    """Stacked bars: `series` are (class, a number for each name). The last bar is hatched while its time runs."""
    count = max(1, len(names))
    top = max([1, *(sum(values) for values in zip(*(one for _, one in series), strict=True))])
    step = (WIDE - LEFT) / count
    inside = [_axis(str(top), names)]
    for place in range(len(names)):
        base = float(HIGH - FOOT)
        for kind, values in series:
            height = values[place] / top * (HIGH - FOOT - _TOP)
            base -= height
            if height:
                last = open_end and place == len(names) - 1
                shown = f"{kind} part" if last else kind
                x = LEFT + place * step + step * 0.1
                inside.append(_BAR.format(kind=shown, x=x, y=base, w=step * 0.8, h=height))
    return _SVG.format(w=WIDE, h=HIGH, label=label, more="", inside=Markup("").join(inside))


def lines(
    label: str, names: Sequence[str], series: Sequence[tuple[str, Sequence[float | None]]], highest: str = ""
) -> Markup:
    """Lines that break where there is nothing. `highest` is how the largest value is said."""
    top = max([1e-9, *(value for _, values in series for value in values if value is not None)])
    step = (WIDE - LEFT) / max(1, len(names))
    inside = [_axis(highest or f"{top:g}", names)]
    for kind, values in series:
        run: list[str] = []
        for place, value in enumerate([*values, None]):
            if value is not None:
                y = HIGH - FOOT - value / top * (HIGH - FOOT - _TOP)
                run.append(f"{LEFT + (place + 0.5) * step:.1f},{y:.1f}")
            elif run:
                x, _, y_text = run[0].partition(",")
                points = " ".join(run if len(run) > 1 else [run[0], f"{float(x) + 3:.1f},{y_text}"])
                inside.append(_LINE.format(kind=kind, points=points))
                run = []
    return _SVG.format(w=WIDE, h=HIGH, label=label, more="", inside=Markup("").join(inside))


def heat(label: str, days: Sequence[str], values: Sequence[Sequence[int]]) -> Markup:
    """Weekday by hour: the darker, the more."""
    top = max([1, *(value for row in values for value in row)])
    wide, high = (WIDE - LEFT) / 24, 26
    inside: list[Markup] = []
    for number, (day, row) in enumerate(zip(days, values, strict=True)):
        inside.append(_TEXT.format(x=LEFT - 6, y=number * high + 19, anchor="end", text=day))
        for hour, value in enumerate(row):
            shade = 0 if not value else min(5, 1 + int(4.999 * value / top))
            x = LEFT + hour * wide
            inside.append(_BAR.format(kind=f"h{shade}", x=x, y=number * high, w=wide - 1, h=high - 1))
    bottom = len(days) * high + 18
    hours = range(0, 24, 3)
    inside += [_TEXT.format(x=LEFT + hour * wide, y=bottom, anchor="start", text=f"{hour:02}") for hour in hours]
    return _SVG.format(w=WIDE, h=bottom + 8, label=label, more=" heat", inside=Markup("").join(inside))


def funnel(label: str, steps: Sequence[tuple[str, int]]) -> Markup:
    """Bars from above to below, each a part of the largest. Narrow, so that a phone can show its words."""
    top = max([1, *(value for _, value in steps)])
    inside: list[Markup] = []
    for number, (name, value) in enumerate(steps):
        y, wide = number * 26, value / top * (NARROW - _NAMES - 50)
        inside.append(_TEXT.format(x=_NAMES - 8, y=y + 16, anchor="end", text=_short(name)))
        inside.append(_BAR.format(kind="c1", x=_NAMES, y=y + 3, w=max(1, wide), h=18))
        inside.append(_TEXT.format(x=_NAMES + 6 + wide, y=y + 16, anchor="start", text=str(value)))
    return _SVG.format(w=NARROW, h=len(steps) * 26, label=label, more=" narrow", inside=Markup("").join(inside))


def _short(name: str) -> str:
    """A name that fits beside its bar: wide letters take two places."""
    places = [2 if ord(letter) > 0x2E80 else 1 for letter in name]
    if sum(places) <= _LETTERS:
        return name
    end = next(at for at in range(len(name)) if sum(places[: at + 1]) > _LETTERS - 1)
    return name[:end] + "…"


def spark(values: Sequence[float | None]) -> str:
    """The points of a small line, `x,y` within 120 × 30; "" of fewer than two."""
    known = [0.0 if value is None else float(value) for value in values]
    if len(known) < 2:
        return ""
    top, step = max(1e-9, *known), 120 / (len(known) - 1)
    return " ".join(f"{at * step:.1f},{29 - 28 * value / top:.1f}" for at, value in enumerate(known))


def _axis(top: str, names: Sequence[str]) -> Markup:
    """The largest value, the zero line, and the first and last name."""
    ground = HIGH - FOOT
    parts = [
        _TEXT.format(x=LEFT - 6, y=_TOP + 8, anchor="end", text=top),
        _TEXT.format(x=LEFT - 6, y=ground, anchor="end", text="0"),
        Markup('<line class="axis" x1="{}" y1="{}" x2="{}" y2="{}"/>').format(LEFT, ground, WIDE, ground),
    ]
    if names:
        parts.append(_TEXT.format(x=LEFT, y=HIGH - 4, anchor="start", text=names[0]))
    if len(names) > 1:
        parts.append(_TEXT.format(x=WIDE, y=HIGH - 4, anchor="end", text=names[-1]))
    return Markup("").join(parts)
