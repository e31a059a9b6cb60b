"""SQL92 filter expressions: text in, compiled filter out; knows messages only as properties.

Invariant: what upstream's compiler of 4.5.2 takes is taken, what it refuses is refused with the place (docs/filter.md).
"""

from rocketpy._core.sql_filter import Filter
from rocketpy.errors import FilterEvaluationError, FilterSyntaxError
from rocketpy.filter.compiler import compile_expression

__all__ = ["Filter", "FilterEvaluationError", "FilterSyntaxError", "compile_expression"]
