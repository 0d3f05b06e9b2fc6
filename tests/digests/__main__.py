"""Compare the digests of games with those in the file, or write them: `python -m tests.digests [--write] [NAME]`."""

from __future__ import annotations

import argparse
import sys
import time

from tests.digests.groups import INTERFACES, differences, digests_of, read, write


def main() -> int:
    """Run the command; return 1 where digests differ from those in the file."""
    parser = argparse.ArgumentParser(prog="python -m tests.digests", description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the digests into the file")
    parser.add_argument("interfaces", nargs="*", metavar="INTERFACE", help=f"of {', '.join(INTERFACES)}; default: all")
    given = parser.parse_args()
    chosen = given.interfaces or list(INTERFACES)
    if unknown := [name for name in chosen if name not in INTERFACES]:
        parser.error(f"unknown interface {unknown[0]!r}; choose from {', '.join(INTERFACES)}")
    known, differ = read(), False
    for interface in chosen:
        began = time.process_time()
        found = digests_of(interface)
        lines = differences(known.get(interface, {}), found)
        known[interface], differ = found, differ or bool(lines)
        print(f"{interface}: {len(found)} groups, {len(lines)} differ, {time.process_time() - began:.1f} s of CPU")
        print("".join(f"  {line}\n" for line in lines), end="", flush=True)
    if given.write:
        write(known)
        return 0
    return int(differ)


if __name__ == "__main__":
    sys.exit(main())
