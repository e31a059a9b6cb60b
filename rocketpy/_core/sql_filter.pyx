"""A compiled SQL92 filter: a flat program over the properties of one record, evaluated without the GIL.

Invariant: a program is checked when it is made, so that running it stays within its stack and its tables. What a value
is compared with decides how its text is read, as upstream's ComparisonExpression has it: docs/filter.md.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdlib cimport calloc, free
from libc.string cimport memset

from rocketpy._core.message cimport find_property
from rocketpy._core.sql_values cimport (
    BOOLEAN, DOUBLE, FALSE_RESULT, INTEGER, LONG, NOT_COMPARABLE, NULL_RESULT, NULL_VALUE, TEXT, TRUE_RESULT, combine,
    equal, fits_int, is_in, negate, order, set_answer, set_boolean, text_value,
)

from rocketpy.errors import FilterEvaluationError

MOST_PROPERTIES = MAX_PROPERTIES
MOST_WAITING = MAX_STACK


cdef class Filter:
    def __cinit__(self, str text not None, program not None):
        self.text = text
        self._kept = []
        self._size = len(program)
        check(program)
        cdef list names = operands(program, Op.PROPERTY)
        cdef list constants = operands(program, Op.CONSTANT)
        cdef list sets = operands(program, Op.IN)
        if len(names) > MAX_PROPERTIES:
            raise ValueError(f"{len(names)} different properties, at most {MAX_PROPERTIES} are allowed")
        self._program = <Instruction*> table(self._size, sizeof(Instruction))
        self._names = <Value*> table(len(names), sizeof(Value))
        self._constants = <Value*> table(len(constants), sizeof(Value))
        self._sets = <TextSet*> table(len(sets), sizeof(TextSet))
        self._fill(names, constants, sets, program)

    def __dealloc__(self):
        cdef int i
        if self._sets != NULL:
            for i in range(self._set_count):
                free(self._sets[i].texts)
        free(self._sets)
        free(self._constants)
        free(self._names)
        free(self._program)

    def _fill(self, list names, list constants, list sets, program):
        cdef dict tables = {Op.PROPERTY: names, Op.CONSTANT: constants, Op.IN: sets}
        cdef int i
        for name in names:
            self._names[self._name_count] = self._text(utf8(name))
            self._name_count += 1
        for i, constant in enumerate(constants):
            self._constants[i] = self._value(constant)
        for texts in sets:
            self._fill_set(texts)
        places = {op: {key_of(operand): at for at, operand in enumerate(tables[op])} for op in tables}
        for i, (op, operand) in enumerate(program):
            self._program[i].op = op
            self._program[i].operand = places[op][key_of(operand)] if op in places else operand or 0

    def _fill_set(self, texts):
        cdef TextSet* filled = &self._sets[self._set_count]
        filled.texts = <Value*> table(len(texts), sizeof(Value))
        self._set_count += 1
        for text in sorted(map(utf8, texts), key=lambda text: (len(text), text)):
            filled.texts[filled.count] = self._text(text)
            filled.count += 1

    cdef Value _text(self, bytes text):
        self._kept.append(text)
        return text_value(PyBytes_AS_STRING(text), PyBytes_GET_SIZE(text))

    cdef Value _value(self, object constant):
        """A constant as the class that upstream gives it: a number that fits is an Integer."""
        cdef Value value
        memset(&value, 0, sizeof(Value))
        if isinstance(constant, str):
            return self._text(utf8(constant))
        if isinstance(constant, float):
            value.kind = DOUBLE
            value.real = constant
        elif constant is not None:
            value.whole = constant
            value.kind = BOOLEAN if isinstance(constant, bool) else INTEGER if fits_int(value.whole) else LONG
        return value

    def matches(self, bytes properties not None):
        return self.matches_record(PyBytes_AS_STRING(properties), PyBytes_GET_SIZE(properties))

    def evaluate(self, properties not None):
        cdef Found found
        cdef Value culprit
        cdef list kept = []
        cdef bytes raw
        cdef int i
        for i in range(self._name_count):
            found.known[i] = True
            found.values[i].kind = NULL_VALUE
            text = properties.get(self._names[i].text[:self._names[i].whole].decode())
            if text is not None:
                raw = utf8(text)
                kept.append(raw)
                found.values[i] = text_value(PyBytes_AS_STRING(raw), PyBytes_GET_SIZE(raw))
        cdef int result = self._run(&found, &culprit)
        if result < 0:
            raise evaluation_error(result, &culprit)
        return None if result == NULL_RESULT else result == TRUE_RESULT

    cdef bint matches_record(self, const char* properties, Py_ssize_t size) noexcept nogil:
        cdef Found found
        cdef Value culprit
        found.properties = properties
        found.size = size
        memset(found.known, 0, self._name_count * sizeof(bint))
        return self._run(&found, &culprit) == TRUE_RESULT

    cdef int _run(self, Found* found, Value* culprit) noexcept nogil:
        """TRUE_RESULT and the like; an error stops the program, `culprit` is the value that cannot be compared."""
        cdef Value stack[MAX_STACK]
        cdef Value* top = stack - 1
        cdef Instruction* at = self._program
        cdef Instruction* end = at + self._size
        cdef int op, answer
        while at < end:
            op = at.op
            if op == Op.PROPERTY:
                top += 1
                top[0] = self._property(found, at.operand)[0]
            elif op == Op.CONSTANT:
                top += 1
                top[0] = self._constants[at.operand]
            elif op == Op.SKIP_IF_FALSE or op == Op.SKIP_IF_TRUE:
                if top.kind == BOOLEAN and top.whole == (op == Op.SKIP_IF_TRUE):
                    at += at.operand
            elif op == Op.SKIP_IF_NULL:
                if top.kind == NULL_VALUE:
                    at += at.operand
            elif op == Op.IN:
                if top.kind == TEXT:
                    set_boolean(top, is_in(&self._sets[at.operand], top))
            elif op == Op.NEGATE:
                negate(top)
            elif op == Op.CAST:
                if top.kind != NULL_VALUE:
                    set_boolean(top, False)
            elif op == Op.NOT:
                top.whole = not top.whole
            elif op == Op.AND or op == Op.OR:
                top -= 1
                combine(top, top + 1, op == Op.OR)
            else:
                top -= 1
                if op == Op.EQUAL:
                    answer = equal(top, top + 1, culprit)
                else:
                    answer = order(op - Op.LESS, top, top + 1, culprit)
                if answer < 0:
                    return answer
                set_answer(top, answer)
            at += 1
        return NULL_RESULT if top.kind == NULL_VALUE else TRUE_RESULT if top.whole else FALSE_RESULT

    cdef Value* _property(self, Found* found, int index) noexcept nogil:
        """Looked up when it is first asked for: most expressions are decided by their first comparison."""
        cdef Value* value = &found.values[index]
        cdef const char* text
        cdef Py_ssize_t size
        if not found.known[index]:
            found.known[index] = True
            value.kind = NULL_VALUE
            if find_property(
                found.properties, found.size, self._names[index].text, self._names[index].whole, &text, &size
            ):
                value[0] = text_value(text, size)
        return value


cdef object evaluation_error(int result, const Value* culprit):
    text = culprit.text[:culprit.whole].decode("utf-8", "replace")
    if result == NOT_COMPARABLE:
        return FilterEvaluationError(
            f"a truth value cannot be compared with the text {text!r} on its right", "ClassCastException"
        )
    return FilterEvaluationError(
        f"{text!r} is not a number of the kind that it is compared with", "RuntimeException"
    )


# --- making a program ---

cdef void* table(Py_ssize_t count, size_t size) except NULL:
    cdef void* made = calloc(count if count > 0 else 1, size)
    if made == NULL:
        raise MemoryError
    return made


cdef bytes utf8(str text):
    """A pair of surrogates in JSON is one character; a lone one equals nothing that a record holds."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass").encode("utf-8", "surrogatepass")


cdef tuple key_of(object operand):
    """1, 1.0 and TRUE are equal in Python, and different constants; 0.0 and -0.0 as well."""
    return type(operand), repr(operand) if isinstance(operand, float) else operand


cdef list operands(program, int op):
    """The different operands of `op`, in order."""
    return list({key_of(operand): operand for each, operand in program if each == op}.values())


SKIPS = frozenset({Op.SKIP_IF_FALSE, Op.SKIP_IF_TRUE, Op.SKIP_IF_NULL})
EFFECT = {op: (2, 1) for op in Op} | {Op.PROPERTY: (0, 1), Op.CONSTANT: (0, 1)} | {      # values taken, values left
    op: (1, 1) for op in (Op.NEGATE, Op.CAST, Op.NOT, Op.IN, *SKIPS)
}


cdef int check(program) except -1:
    """Walk once over the program: wherever a skip leads, the stack must be as high as without it."""
    cdef int height = 0
    heights = {}
    for at, (op, operand) in enumerate(program):
        if heights.get(at, height) != height:
            raise ValueError(f"instruction {at} is reached with different stacks")
        taken, left = EFFECT[op]
        if height < taken or height - taken + left > MAX_STACK:
            raise ValueError(f"instruction {at} leaves the stack, of {MAX_STACK} values")
        height += left - taken
        if op in SKIPS:
            if not 0 <= operand < len(program) - at:
                raise ValueError(f"instruction {at} leaves the program")
            if heights.setdefault(at + 1 + operand, height) != height:
                raise ValueError(f"instruction {at} leads where another stack is")
    if height != 1 or heights.get(len(program), 1) != 1:
        raise ValueError(f"{height} values are left, not one")
    return 0
