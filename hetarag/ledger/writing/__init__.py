"""What is written to the ledger: versions with their texts, chunks, entities; what they owe."""
