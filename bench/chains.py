"""The certificates of the runs: P-256, made once and kept."""

from front import HOST
from harness.certificates import self_signed

MANY = 10_000
_DAYS = 3650


def _named(folder, name):
    """(name, chain, key), with the key where HAProxy looks for it."""
    chain, key = folder / f"{name}.pem", folder / f"{name}.pem.key"
    if not chain.exists() or not key.exists():
        folder.mkdir(parents=True, exist_ok=True)
        _, made = self_signed(folder, name, [name], days=_DAYS)
        made.rename(key)
    return name, chain, key


def one(folder):
    return [_named(folder, HOST)]


def many(folder):
    """HOST's and MANY - 1 others."""
    return one(folder) + [_named(folder / "many", f"n{i}.bench.test") for i in range(1, MANY)]
