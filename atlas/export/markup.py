"""The frame of a page: its policy, its style, and data that may stand in a script."""

from __future__ import annotations

import base64
import hashlib
import html
import json
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Several views share the window: side by side, or one below the other where it is higher than wide.
_SHARED: Final = (
    "body{display:grid;grid-auto-flow:column;grid-auto-columns:minmax(0,1fr);grid-template-rows:100%;gap:2px}\n"
    "@media(max-aspect-ratio:1){body{grid-auto-flow:row;grid-auto-rows:minmax(0,1fr);grid-template-rows:none}}\n"
)


def head(title: str, style: str, scripts: Sequence[str], neighbours: str, places: Sequence[str]) -> str:
    """Everything before the data of a page.

    Parameters
    ----------
    title : str
        Of the page; text, never markup.
    style : str
        Style sheet of the viewer.
    scripts : sequence of str
        The scripts that the page holds. No others will run.
    neighbours : str
        Further sources of scripts, as the policy names them; "" for none.
    places : sequence of str
        An id for each view, which gets an element of its own.
    """
    # Only these very scripts run, whatever a label says, and nothing is fetched from anywhere.
    hashes = " ".join(f"'sha256-{_sha256(script)}'" for script in scripts)
    policy = (
        f"default-src 'none'; script-src {hashes} {neighbours}; style-src 'unsafe-inline'; "
        f"img-src data: blob:; worker-src blob:; base-uri 'none'; form-action 'none'"
    )
    alone = len(places) == 1
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<meta name="generator" content="activation-atlas">\n'
        f"<title>{html.escape(title)}</title>\n<style>html,body{{height:100%;margin:0}}"
        f"#atlas{{height:100%}}\n{'' if alone else _SHARED}{style}</style>\n</head>\n<body>\n"
        + "".join(f'<div id="{place}"></div>\n' for place in places)
        + "<noscript>This page shows an activation atlas; it needs JavaScript, and no network.</noscript>\n"
    )


def script_json(value: object) -> str:
    """JSON that may stand inside a script: nothing in it can close the script or start a comment."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return (
        text.replace("<", "\\u003c").replace(">", "\\u003e").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    )


def _sha256(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
