"""The stores: one index each over the ledger's records, behind `protocols.Store`.

`registry.open_store` opens one by kind and address; a further store is one file here and one line
there.
"""
