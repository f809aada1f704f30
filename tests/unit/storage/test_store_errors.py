"""What a user reads of a backend's error."""

from __future__ import annotations

import socket

from mixup_cli.storage.store_errors import failure


def test_a_host_without_an_address_is_said_to_be_unknown() -> None:
    """Its number is below zero, for which the system has no words."""
    problem = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    assert "Name or service not known" in str(failure("https://nowhere.invalid/x", problem, 5))
