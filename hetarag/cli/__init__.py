"""The commands of `hetarag`, a file per group."""
