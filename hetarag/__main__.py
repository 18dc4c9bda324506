"""`python -m hetarag` is `hetarag`."""

from hetarag.cli import main

main()
