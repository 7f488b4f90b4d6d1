"""The version of this package; the server's is another one."""

__version__ = "0.1.0"
