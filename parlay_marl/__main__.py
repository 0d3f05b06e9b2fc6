"""`python -m parlay_marl` is the command `parlay`."""

from parlay_marl.cli import main

if __name__ == "__main__":
    main()
