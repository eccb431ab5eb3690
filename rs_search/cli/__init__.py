"""The command line ``rs-search`` (extra ``cli``): everything here may import the library, nothing there this."""
