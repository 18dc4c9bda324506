"""Training of what the package carries: the link ranker and the cross-encoder."""
