"""Contract tests and doubles for parts of hetarag, its own and other packages'.

A package that brings a store, a loader, an embedder or a reader subclasses the contract of its part in its own
tests and overrides one fixture; `hetarag[testing]` brings what that needs, examples/plugin shows it:

    from hetarag.testing.records import StoreUnderTest
    from hetarag.testing.store_contract import StoreContract

    class TestGeoStore(StoreContract):
        @pytest.fixture(scope="class")
        @classmethod
        def store_under_test(cls) -> StoreUnderTest:
            return StoreUnderTest("geo")

Nothing in hetarag imports this package.
"""

from __future__ import annotations

import sys

_CONTRACTS = ("store_contract", "store_search_contract", "loader_contract", "model_contracts")

# Under pytest, an assertion of a contract that fails shows its values; outside it nothing is imported for that.
if (_pytest := sys.modules.get("pytest")) is not None:
    _pytest.register_assert_rewrite(*(f"{__name__}.{module}" for module in _CONTRACTS))
