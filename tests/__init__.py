"""A package, so that tests can share what is not a fixture, whatever else is called `tests` on this machine."""
