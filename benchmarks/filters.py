"""What an SQL92 filter takes for one record, in nanoseconds of CPU: `python -m benchmarks.filters`.

The properties are those of a Java client's message with four of the application's own. `matches` is called from Python,
so what that call takes by itself (the expression TRUE) is taken off. The least of the rounds counts: what disturbs only
adds.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import click

from rocketpy._core.message import encode_properties
from rocketpy.filter import compile_expression

PROPERTIES = encode_properties(
    {
        "UNIQ_KEY": "7F0000010A2C18B4AAC2548BC2C10000",
        "WAIT": "true",
        "KEYS": "order-1234567",
        "a": "3",
        "TAGS": "y",
        "price": "17.5",
        "region": "eu-west",
    }
)
EXPRESSIONS = [
    "a BETWEEN 1 AND 5 AND TAGS IN ('x','y')",
    "TAGS = 'x'",
    "a > 5",
    "price > 17.25",
    "nothing IS NOT NULL",
    "TAGS = 'p' OR TAGS = 'q' OR region = 'eu-west'",
    f"TAGS IN ({', '.join(repr(str(at)) for at in range(100))})",
]


def cost_ns(expression: str, rounds: int, calls: int) -> float:
    """Of one call of matches, the least of `rounds` means over `calls`."""
    matches = compile_expression(expression).matches
    least = float("inf")
    for _ in range(rounds):
        begin = time.process_time_ns()
        for _ in range(calls):
            matches(PROPERTIES)
        least = min(least, (time.process_time_ns() - begin) / calls)
    return least


def measure(rounds: int, calls: int) -> Iterator[tuple[str, float]]:
    """(expression, ns for one record without the call)."""
    call_ns = cost_ns("TRUE", rounds, calls)
    for expression in EXPRESSIONS:
        yield expression, cost_ns(expression, rounds, calls) - call_ns


@click.command()
@click.option("--rounds", default=30)
@click.option("--calls", default=100_000)
def main(rounds: int, calls: int) -> None:
    """Print the nanoseconds that each expression takes for one record."""
    for expression, cost in measure(rounds, calls):
        click.echo(f"{cost:7.0f} ns  {expression[:80]}")


if __name__ == "__main__":
    main()
