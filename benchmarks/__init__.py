"""Fixed loads on RocketPy's and upstream's broker, in alternation; every figure is a ratio of the same run."""
