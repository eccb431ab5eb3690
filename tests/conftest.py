"""Fixtures' table of contents: the servers are in `fixtures/servers.py`, the models in `fixtures/models.py`."""

from __future__ import annotations

pytest_plugins = ["fixtures.drivers", "fixtures.layers", "fixtures.loops", "fixtures.servers"]
