"""Version numbers of the wire: ordinals of upstream's list of releases, two a release (the snapshot before it).

The list is regular from 3.0.1 on: 3.0 has 15 releases and no .0, 3.3 to 3.9 have nine and no .0, all others ten.
"""

BEFORE_3_0_1 = (
    "V3_0_0_SNAPSHOT",
    "V3_0_0_ALPHA1",
    *(f"V3_0_0_BETA{n}" for n in range(1, 6)),
    *(f"V3_0_0_BETA{n}{suffix}" for n in range(6, 10) for suffix in ("_SNAPSHOT", "")),
    "V3_0_0_FINAL",
)


def releases() -> list[str]:
    """`V3_0_1` … `V5_9_9` in their order."""
    found = []
    for major in (3, 4, 5):
        for minor in range(10):
            first = 1 if major == 3 and minor not in (1, 2) else 0
            last = 15 if (major, minor) == (3, 0) else 9
            found += [f"V{major}_{minor}_{patch}" for patch in range(first, last + 1)]
    return found


VERSIONS: tuple[str, ...] = (
    *BEFORE_3_0_1,
    *(name for release in releases() for name in (f"{release}_SNAPSHOT", release)),
    "HIGHER_VERSION",
)
ORDINALS: dict[str, int] = {name: ordinal for ordinal, name in enumerate(VERSIONS)}

CURRENT_VERSION = ORDINALS["V4_5_2"]    # 317: what RocketPy says it is


def version_desc(ordinal: int) -> str:
    """The name of a version; what is beyond the list is HIGHER_VERSION."""
    return VERSIONS[ordinal] if 0 <= ordinal < len(VERSIONS) else VERSIONS[-1]
