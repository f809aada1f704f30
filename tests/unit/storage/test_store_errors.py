"""What a user reads of a backend's error."""

from __future__ import annotations

import socket

import pytest

from mixup_cli.storage.store_errors import failure, without_secrets


def test_a_host_without_an_address_is_said_to_be_unknown() -> None:
    """Its number is below zero, for which the system has no words."""
    problem = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    assert "Name or service not known" in str(failure("https://nowhere.invalid/x", problem, 5))


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("s3://AKIA:wJalr/K7MD@bucket/x", "s3://bucket/x"),
        ("s3://user@bucket/x", "s3://bucket/x"),
        ("https://host/x?token=1", "https://host/x"),
        ("s3://bucket/photos@2x/a:b@c.png", "s3://bucket/photos@2x/a:b@c.png"),
        ("https://host:8080/photos@2x", "https://host:8080/photos@2x"),
    ],
)
def test_users_and_queries_are_cut_out_of_urls(url: str, shown: str) -> None:
    """A secret key of S3 may have a slash in it."""
    assert without_secrets(f"{url} failed") == f"{shown} failed"
