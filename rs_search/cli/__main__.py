"""``rs-search`` and ``python -m rs_search.cli``."""

from __future__ import annotations

import logging
import sys
from importlib.util import find_spec

NEEDED = ("click", "rich")


def main() -> int:
    """Run the command line; gives the exit code."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        print(f'rs-search: needs {" and ".join(missing)}: pip install "rs-search[cli]"', file=sys.stderr)
        return 2
    from rs_search.cli.application import application

    # `check` and `--explain` tell what the library warns of.
    logging.getLogger("rs_search").addHandler(logging.NullHandler())
    # What `rs-search` is given as a script: modules are looked for where it is run, as `python -m` does.
    sys.path.insert(0, "")
    code: int = application.main(prog_name="rs-search", standalone_mode=False)
    return code


if __name__ == "__main__":
    sys.exit(main())
