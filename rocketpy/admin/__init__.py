"""mqadmin: the operator's tool, for RocketPy's servers and Java's alike (docs/mqadmin.md).

A command says what it takes (`command`), asks the cluster through a `Session` and yields items (`items`): rows and
sentences with the same content as data and as upstream's text. One renderer (`render`) prints them.
"""
