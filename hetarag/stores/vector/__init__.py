"""Vector stores: Qdrant Edge and Qdrant."""
