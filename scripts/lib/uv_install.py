"""Do what `pip install` would do to another environment, with uv and pip's settings: seconds instead of minutes.

python uv_install.py PYTHON ARGUMENT...    # of an environment with pip and uv; the arguments are those of pip install

uv reads none of pip's files and variables, so the indexes, local wheels and constraints that they name are handed on.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys

SECTIONS = ("global", "install", ":env:")
"""Of pip's settings; a later one outranks the others."""
OPTIONS = {
    "index-url": "--default-index",
    "extra-index-url": "--index",
    "find-links": "--find-links",
    "constraint": "--constraints",
    "trusted-host": "--allow-insecure-host",
}
"""Options of uv, by the name of pip's setting; pip's hold several values with white space between them."""
VARIABLES = {"cert": "SSL_CERT_FILE", "default-timeout": "UV_HTTP_TIMEOUT", "timeout": "UV_HTTP_TIMEOUT"}
"""Variables of uv, for settings that have no option."""


def settings(listed: str) -> dict[str, str]:
    """Return the values that `pip install` uses, from `pip config list`, whose lines are like global.cert='/a.pem'."""
    by_section: dict[str, dict[str, str]] = {section: {} for section in SECTIONS}
    for line in listed.splitlines():
        key, _, value = line.partition("=")
        section, _, name = key.partition(".")
        if section in by_section:
            by_section[section][name] = str(ast.literal_eval(value))
    return {name: value for section in SECTIONS for name, value in by_section[section].items()}


def options(values: dict[str, str]) -> list[str]:
    """Return uv's options for pip's settings. Among several indexes, pip takes the best version: so must uv."""
    found = ["--index-strategy", "unsafe-best-match"]
    for name, option in OPTIONS.items():
        found += [word for value in values.get(name, "").split() for word in (option, value)]
    if values.get("no-index", "") in ("1", "on", "true", "yes"):
        found.append("--no-index")
    return found


def variables(values: dict[str, str]) -> dict[str, str]:
    """Return uv's variables for pip's settings."""
    return {VARIABLES[name]: value for name, value in values.items() if name in VARIABLES}


def main() -> None:
    """Run uv in place of this process. It compiles modules at once, as pip does, unless a variable tells it not to."""
    python, *arguments = sys.argv[1:]
    listed = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True)
    values = settings(listed.stdout)
    command = [sys.executable, "-m", "uv", "pip", "install", "--python", python, *options(values), *arguments]
    os.execve(sys.executable, command, {"UV_COMPILE_BYTECODE": "1"} | os.environ | variables(values))


if __name__ == "__main__":
    main()
