"""From a question to one SELECT statement, by rules."""
