"""hetarag."""
