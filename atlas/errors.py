"""The one error that a user is meant to read."""

from __future__ import annotations


class AtlasError(Exception):
    """Something the user can put right: one line that names the thing and the remedy.

    The command line prints the message alone and exits with status 1; everything else that escapes is a bug and keeps
    its traceback.
    """
