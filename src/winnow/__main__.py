"""`python -m winnow`: the same as the command `winnow`."""

from winnow.cli import main

main()
