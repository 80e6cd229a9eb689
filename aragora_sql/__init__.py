"""Every store of the Aragora debate platform as named SQL files, in PostgreSQL and SQLite.

>>> from aragora_sql import get_consensus_memory
>>> memory = await get_consensus_memory()   # the environment names the engine
>>> await memory.find_similar("rate limiting", limit=5)

Names are loaded at their first use, so importing the package imports no driver. The list of them is
in :mod:`aragora_sql.exports`, their types are in ``__init__.pyi`` beside this file.
"""

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    if name == "__all__":
        from aragora_sql.exports import starred_names

        return starred_names()
    if name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from aragora_sql.exports import load

    value = globals()[name] = load(name)
    return value


def __dir__() -> list[str]:
    from aragora_sql.exports import exported_names

    return sorted({*globals(), *exported_names()})
