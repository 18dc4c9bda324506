"""What the ledger owes to the stores, and how it gets there: outbox, records, verification."""
