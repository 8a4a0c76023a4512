"""The parts of scripts/chaos: the process that is killed, its journal, its records and what it leaves behind."""


class Violation(Exception):
    """A promise is broken."""


def require(holds: object, promise: str, *evidence: object) -> None:
    if not holds:
        raise Violation("\n  ".join([promise, *map(str, evidence)]))
