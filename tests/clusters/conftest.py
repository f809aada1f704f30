"""What tests on a Ray cluster share."""

from __future__ import annotations

import pytest

from tests.clusters.cluster import RayCluster, ray_cluster


@pytest.fixture
def cluster() -> RayCluster:
    """Three nodes, all of them alive."""
    found = ray_cluster()
    if not found.has_others:
        pytest.skip("this system allows no namespaces (unshare --mount --uts --pid), so no other hosts")
    return found
