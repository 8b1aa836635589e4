"""Quality over time, as an SVG."""

from __future__ import annotations

import math
from html import escape
from typing import Any

_WIDTH, _HEIGHT, _LEFT, _TOP, _RIGHT, _BOTTOM = 720, 420, 64, 48, 24, 56
_APART = 24
_STYLE = "font-family:system-ui,sans-serif;font-size:13px;fill:#333"


def plot(measured: dict[str, Any]) -> str:
    """Mean cosine over seconds an icon: our curve, and lucent's points."""
    found = measured["found"]
    curve = [(row["seconds_an_icon"], row["clean"], str(row["steps"])) for row in found["curve"]]
    points = [
        (found[side]["seconds_an_icon"], found[side]["cosine_clean"], f"lucent, {how}, {steps} steps")
        for side, how, steps in (
            ("a", "one by one", found["steps"]),
            ("a_long", "one by one", 2 * found["steps"]),
            ("b", "batched", found["steps"]),
        )
    ]
    seconds = [x for x, _, _ in (*curve, *points)]
    cosines = [y for _, y, _ in (*curve, *points)]
    low, high = math.floor(math.log10(min(seconds))), math.ceil(math.log10(max(seconds)))
    bottom, top = math.floor(min(cosines) * 20) / 20, math.ceil(max(cosines) * 20) / 20

    def place(x: float, y: float) -> tuple[float, float]:
        across = (math.log10(x) - low) / (high - low)
        up = (y - bottom) / (top - bottom)
        return (
            round(_LEFT + across * (_WIDTH - _LEFT - _RIGHT), 1),
            round(_HEIGHT - _BOTTOM - up * (_HEIGHT - _TOP - _BOTTOM), 1),
        )

    parts = [f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>']
    parts.append(_text(_LEFT, 26, "Achieved cosine over time, mixed4c, 96 px", weight=600))
    for power in range(low, high + 1):
        x, y = place(10.0**power, bottom)
        parts.append(f'<line x1="{x}" y1="{_TOP}" x2="{x}" y2="{y}" stroke="#ddd"/>')
        parts.append(_text(x, y + 20, f"{10.0**power:g} s", anchor="middle"))
    for tick in range(round(bottom * 20), round(top * 20) + 1):
        x, y = place(10.0**low, tick / 20)
        parts.append(f'<line x1="{x}" y1="{y}" x2="{_WIDTH - _RIGHT}" y2="{y}" stroke="#eee"/>')
        parts.append(_text(x - 8, y + 4, f"{tick / 20:.2f}", anchor="end"))
    parts.append(_text((_WIDTH + _LEFT) / 2, _HEIGHT - 14, "seconds an icon", anchor="middle"))
    line = " ".join(f"{x},{y}" for x, y in (place(x, y) for x, y, _ in curve))
    parts.append(f'<polyline points="{line}" fill="none" stroke="#0a6ebd" stroke-width="2"/>')
    labelled = 0.0
    for seconds_, cosine, steps in curve:
        x, y = place(seconds_, cosine)
        parts.append(f'<circle cx="{x}" cy="{y}" r="3.5" fill="#0a6ebd"/>')
        # Of points that are close together only the first has a label: others would run into it.
        if x - labelled >= _APART:
            parts.append(_text(x, y - 9, steps, anchor="middle", colour="#0a6ebd"))
            labelled = x
    for seconds_, cosine, name in points:
        x, y = place(seconds_, cosine)
        parts.append(f'<circle cx="{x}" cy="{y}" r="4.5" fill="#c2571a"/>')
        parts.append(_text(x - 9, y + 4, name, anchor="end", colour="#c2571a"))
    x, y = place(*curve[0][:2])
    parts.append(_text(x + 12, y + 14, "ours, after so many steps", colour="#0a6ebd"))
    body = "\n".join(parts)
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">\n{body}\n</svg>\n'


def _text(x: float, y: float, text: str, *, anchor: str = "start", weight: int = 400, colour: str = "#333") -> str:
    style = f"{_STYLE.replace('#333', colour)};font-weight:{weight}"
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" style="{style}">{escape(text)}</text>'
