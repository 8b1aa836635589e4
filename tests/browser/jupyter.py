"""A real JupyterLab, and notebooks that are open in it."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Page

    from tests.browser.conftest import Tab

ROOT = Path(__file__).parents[2]
#: A slow machine that does something else may take its time; waiting ends as soon as there is something to see.
PATIENCE_S = 60


@dataclass
class Lab:
    """A JupyterLab server."""

    url: str
    folder: Path

    def notebook(self, name: str, *cells: str) -> str:
        """Write a notebook; returns the address that opens it alone."""
        content = {
            "cells": [
                {
                    "cell_type": "code",
                    "id": f"c{i}",
                    "source": cell,
                    "metadata": {},
                    "outputs": [],
                    "execution_count": None,
                }
                for i, cell in enumerate(cells)
            ],
            "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
            "nbformat": 4,
            "nbformat_minor": 5,
        }
        (self.folder / name).write_text(json.dumps(content), encoding="utf-8")
        return self.address(name)

    def address(self, name: str) -> str:
        return f"{self.url}/doc/workspaces/{Path(name).stem}/tree/{name}?reset"


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def lab_environment(home: Path) -> dict[str, str]:
    """Folders of its own for a server: nobody's settings, kernels or signatures reach it, and it leaves none behind."""
    folders = {f"JUPYTER_{name}_DIR": str(home / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")} | {
        f"JUPYTERLAB_{name}_DIR": str(home / f"lab-{name.lower()}") for name in ("SETTINGS", "WORKSPACES")
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith("JUPYTER")}
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")])
    return kept | folders | {"IPYTHONDIR": str(home / "ipython"), "OMP_NUM_THREADS": "1", "PYTHONPATH": path}


@contextmanager
def jupyterlab(home: Path, **more: Any) -> Iterator[Lab]:
    """A server, with all that is its own in the folder `home` and `more` of LabApp's settings, until the block ends."""
    environment = lab_environment(home)
    (home / "work").mkdir()
    quiet = home / "lab-settings" / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    quiet.parent.mkdir(parents=True)
    quiet.write_text('{"fetchNews": "false", "checkForUpdates": false}')
    settings = {
        "IdentityProvider.token": "",
        "ServerApp.root_dir": home / "work",
        "ServerApp.port": free_port(),
        "ServerApp.open_browser": False,
        "ServerApp.allow_root": True,
        "ServerApp.disable_check_xsrf": True,
        "LabApp.expose_app_in_browser": True,
    } | {f"LabApp.{name}": value for name, value in more.items()}
    command = [sys.executable, "-m", "jupyterlab", *(f"--{key}={value}" for key, value in settings.items())]
    with (home / "log").open("w") as log:
        process = subprocess.Popen(command, env=environment, cwd=home / "work", stdout=log, stderr=log)
    try:
        # Which port it has in the end, it says itself: the free one may have been taken in the meantime.
        said = home / "runtime" / f"jpserver-{process.pid}.json"
        wait_until(lambda: answers(said), lambda: process.poll() is None, (home / "log").read_text)
        yield Lab(address_in(said), home / "work")
    finally:
        end(process)


def wait_until(sign: Callable[[], bool], alive: Callable[[], bool], log: Callable[[], str]) -> None:
    """Wait for something that a process of ours does; says what it wrote if it ends or takes for ever."""
    last = time.monotonic() + PATIENCE_S
    while not sign():
        assert alive(), log()
        assert time.monotonic() < last, log()
        time.sleep(0.1)


def address_in(said: Path) -> str:
    return f"http://127.0.0.1:{json.loads(said.read_text(encoding='utf-8'))['port']}"


def answers(said: Path) -> bool:
    try:
        with closing(urllib.request.urlopen(f"{address_in(said)}/api")):  # noqa: S310 - our own server
            return True
    except (OSError, ValueError):
        return False


def end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@dataclass
class Notebook:
    """A notebook that is open in a browser."""

    tab: Tab
    lab: Lab

    @property
    def page(self) -> Page:
        return self.tab.page

    def command(self, name: str) -> None:
        self.page.evaluate("name => { window.jupyterapp.commands.execute(name); }", name)

    def run_all(self) -> None:
        self.page.wait_for_function("() => window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel")
        self.page.evaluate(
            """async () => {
                const notebook = window.jupyterapp.shell.currentWidget;
                await Promise.all([window.jupyterapp.restored, notebook.context.ready, notebook.revealed]);
                await notebook.sessionContext.ready;
            }"""
        )
        self.command("notebook:run-all-cells")

    def save(self) -> dict[str, Any]:
        """What the file holds when it is saved."""
        self.page.evaluate("async () => { await window.jupyterapp.shell.currentWidget.context.save(); }")
        path = self.page.evaluate("() => window.jupyterapp.shell.currentWidget.context.path")
        content: dict[str, Any] = json.loads((self.lab.folder / path).read_text(encoding="utf-8"))
        return content

    def python(self, code: str) -> Any:
        """Run an expression in the kernel; gives what it is, by way of JSON."""
        text = self.page.evaluate(
            """async code => {
                const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
                const future = kernel.requestExecute({ code, store_history: false });
                let said = "";
                future.onIOPub = message => {
                    if (message.header.msg_type === "stream") said += message.content.text;
                    if (message.header.msg_type === "error") said += message.content.traceback.join("\\n");
                };
                await future.done;
                return said;
            }""",
            # What else prints meanwhile is not the answer.
            f"import json as _json\nprint('\\n<answer>' + _json.dumps({code}) + '</answer>')",
        )
        found = re.search("<answer>(.*)</answer>", text)
        assert found, text
        return json.loads(found[1])

    def until(self, code: str) -> None:
        """Wait until an expression is true in the kernel."""
        last = time.monotonic() + PATIENCE_S
        while not self.python(f"bool({code})"):
            assert time.monotonic() < last, f"{code} did not become true"
            self.page.wait_for_timeout(50)
