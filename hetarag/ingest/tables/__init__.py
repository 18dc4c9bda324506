"""Tables of any format: typed cells, headers, columns."""
