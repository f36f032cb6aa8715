"""What more than one of these files needs."""

import os
from collections.abc import Iterator

import pytest

from tests.integration import postgresql_server
from tests.integration.postgresql_server import PostgresqlServer


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresqlServer]:
    """A PostgreSQL of our own; SAMEMACHINE_LAB=required makes a failure of what is a skip."""
    programs = postgresql_server.binaries()
    if programs is None:
        why = "no PostgreSQL server is installed: make system"
        if os.environ.get("SAMEMACHINE_LAB") == "required":
            pytest.fail(why)
        pytest.skip(why)
    with postgresql_server.running(programs) as server:
        yield server
