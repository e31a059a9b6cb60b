"""Builds the Cython extensions: each .pyx under rocketpy/ is one of its own.

`ROCKETPY_EXT=commit_log,frame` builds only the named ones; `ROCKETPY_DEBUG=1` adds line tracing and bounds checks.
"""

import os
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

DEBUG = os.environ.get("ROCKETPY_DEBUG") == "1"
ONLY = {name for name in os.environ.get("ROCKETPY_EXT", "").split(",") if name}


def extensions() -> list[Extension]:
    sources = sorted(path for path in Path("rocketpy").rglob("*.pyx") if not ONLY or path.stem in ONLY)
    return [
        Extension(
            ".".join(path.with_suffix("").parts),
            [str(path)],
            libraries=["z"],
            extra_compile_args=["-O1", "-g"] if DEBUG else ["-O3", "-g1"],
        )
        for path in sources
    ]


setup(
    license="Apache-2.0",
    options={"build_ext": {"parallel": os.cpu_count() or 1}},
    ext_modules=cythonize(
        extensions(),
        nthreads=os.cpu_count() or 1,
        compiler_directives={
            "language_level": "3str",
            "boundscheck": DEBUG,
            "wraparound": False,
            "cdivision": True,
            "initializedcheck": False,
            "embedsignature": False,
            "linetrace": DEBUG,
        },
    )
)
