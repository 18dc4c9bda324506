"""Training of the cross-encoder: write questions, chain them, train."""
