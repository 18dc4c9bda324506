"""What is read from the ledger: evidence, documents, links, tables, conditions on metadata."""
