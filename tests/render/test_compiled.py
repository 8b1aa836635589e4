"""Machine code that is kept belongs to the sources that it was made from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from atlas.render.compiled import sources_digest

if TYPE_CHECKING:
    from pathlib import Path


def test_a_change_of_any_module_with_loops_is_noticed_and_of_others_not(tmp_path: Path) -> None:
    (tmp_path / "trunk").mkdir()
    loops, helpers, other = (tmp_path / name for name in ("loops.py", "trunk/helpers.py", "other.py"))
    loops.write_text("from atlas.render.compiled import compiled\nfrom trunk.helpers import double\n")
    helpers.write_text("from atlas.render.compiled import helper\n\n@helper\ndef double(x): return 2 * x\n")
    other.write_text("x = 1\n")
    before = sources_digest(tmp_path)
    assert sources_digest(tmp_path) == before
    other.write_text("x = 2\n")
    assert sources_digest(tmp_path) == before
    helpers.write_text(helpers.read_text().replace("2 * x", "3 * x"))
    assert sources_digest(tmp_path) != before
