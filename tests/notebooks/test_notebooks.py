"""The teaching notebooks run from the first cell to the last, and are kept without outputs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(path.stem for path in FOLDER.glob("*.ipynb"))
#: In place of the values in the cell that is tagged "parameters": as little work as still goes the whole road.
QUICK = {
    "first-atlas": {"STEPS": 2, "GRID": 2},
    "what-makes-it-say-wok": {"STEPS": 2, "DRAWN": 300, "EPOCHS": 6, "AUDITED": 240},
}
#: What the last results say, or name.
TOLD = {"first-atlas": "sample.html", "what-makes-it-say-wok": "the hardest control"}


def read(name: str) -> Any:
    return nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)  # type: ignore[no-untyped-call]


def quickly(notebook: Any, values: dict[str, int]) -> None:
    (cell,) = (cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", ()))
    for name, value in values.items():
        cell.source, found = re.subn(rf"^{name} = \d+", f"{name} = {value}", cell.source, flags=re.MULTILINE)
        assert found == 1


def results(notebook: Any) -> str:
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    return "".join(output.get("text", "") + str(output.get("data", "")) for output in outputs)


def test_the_notebooks_are_those_that_are_tested() -> None:
    assert set(NOTEBOOKS) == set(QUICK)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_is_kept_without_outputs_and_its_links_lead_somewhere(name: str) -> None:
    notebook = read(name)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None
        for target in re.findall(r"\]\(([^)\s#]+)", cell.source if cell.cell_type == "markdown" else ""):
            assert target.startswith("https://") or (FOLDER / target).exists(), target


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_runs_from_the_first_cell_to_the_last(name: str, tmp_path: Path) -> None:
    notebook = read(name)
    quickly(notebook, QUICK[name])
    NotebookClient(notebook, timeout=None, kernel_name="python3", resources={"metadata": {"path": tmp_path}}).execute()
    assert "image/png" in results(notebook)
    assert TOLD[name] in results(notebook)
    # What a build says does not look like an error.
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    assert {output["name"] for output in outputs if "Rendering" in output.get("text", "")} == {"stdout"}
    # What they write goes into a temporary folder of their own.
    assert not list(tmp_path.iterdir())
