"""`python -m parlay_marl` is the command `parlay`."""

from parlay_marl.cli import main

if __name__ == "__main__":
    try:
        main()
    finally:
        # Python remembers that Ctrl-C has ended the last `exec` of a text, such as one that makes a dataclass, and then
        # ends by the signal in place of the exit code.
        exec("")
