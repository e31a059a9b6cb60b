"""mqadmin doctor: looks at a running cluster, or at a properties file before the start, and says what will go wrong.

Facts are gathered first (`collect`, `start_facts`); a check is a function of facts; what it finds is a `Finding`.
Invariant: nothing that is looked at is changed, and a server that is dead costs its timeout once.
"""
