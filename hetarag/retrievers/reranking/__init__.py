"""What follows the fusion: links, features, trees, the cross-encoder."""
