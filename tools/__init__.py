"""Tools that write files of this repository and check that they are up to date."""
