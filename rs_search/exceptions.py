"""The errors under the name that the module has in redis-schematics; they are in `rs_search.errors`."""

from .errors import *  # noqa: F403
from .errors import __all__ as __all__
