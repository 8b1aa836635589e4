"""A view that keeps what it sends: there is no browser."""

from __future__ import annotations

from typing import Any

from atlas.widgets import AtlasView

Message = tuple[dict[str, Any], list[bytes]]


class Listening(AtlasView):
    """Keeps what it sends: there is no browser."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        self.sent: list[Message] = []
        super().__init__(*arguments, **settings)

    def send(self, content: dict[str, Any], buffers: list[bytes] | None = None) -> None:
        self.sent.append((content, buffers or []))

    def ask(self, **request: Any) -> Message:
        """What comes back for a message of the browser."""
        self._handle_custom_msg({"id": 7, **request}, [])
        return self.sent[-1]
