"""Gives the entries of a properties file to the settings, and remarks on all that is not in force as written.

A key goes to every settings class that has it, as upstream does. Keys that none has are kept as extra ones, named with
the nearest known name, and never silently dropped.
"""

import logging
import os
from collections.abc import Sequence

from rocketpy.config.old_keys import DERIVED_PATHS, READ_AT_START, SPELLINGS, WITHOUT_EFFECT
from rocketpy.config.properties import Entry, PropertiesFile
from rocketpy.config.setting import Setting, Settings
from rocketpy.config.store import MessageStoreConfig


def apply_file(file: PropertiesFile, settings: Sequence[Settings]) -> None:
    """Set what the file sets; remarks are added to the file's."""
    known = {name for config in settings for name in config.rows}
    for key, entry in file.in_force().items():
        targets = [config for config in settings if key in config.rows]
        for config in targets:
            _set(file, entry, config, entry.key, entry.value)
        if not targets:
            settings[0].extra[key] = entry.value
            _not_a_property(file, entry, settings, known)
    file.remarks.sort(key=lambda remark: remark.line)


def _set(file: PropertiesFile, entry: Entry, config: Settings, name: str, text: str) -> bool:
    """Set one property; False when its text is no value, which is remarked."""
    row = config.rows[name]
    written = f"{entry.key}={entry.value}"
    try:
        config.set(name, text, f"{file.path}:{entry.line}")
    except ValueError as fault:
        file.remark(entry.line, f"{written} {fault}; {name}={config.text(name)} is in force")
        return False
    _tell_value(file, entry, config, row)
    return True


def _tell_value(file: PropertiesFile, entry: Entry, config: Settings, row: Setting) -> None:
    value = vars(config)[row.attribute]
    shown = config.text(row.name)
    written = f"{entry.key}={entry.value}"
    if row.java_type == "boolean" and entry.value.lower() not in ("true", "false"):
        file.remark(entry.line, f"{written} is neither true nor false; {shown} is in force, as upstream reads it")
    if row.show(value) != shown:
        file.remark(entry.line, f"{written} is corrected; {row.show(value)} is in force")
    if value == config.default(row.name):
        return
    if row.not_yet:
        file.remark(entry.line, f"{written} is not acted on in this release ({row.not_yet})")
    elif row.no_effect:
        file.remark(entry.line, f"{written} has no effect: {row.no_effect}")


def _not_a_property(file: PropertiesFile, entry: Entry, settings: Sequence[Settings], known: set[str]) -> None:
    store = next((config for config in settings if isinstance(config, MessageStoreConfig)), None)
    if store and entry.key in SPELLINGS:
        _old_spelling(file, entry, store)
    elif store and entry.key in DERIVED_PATHS:
        _derived_path(file, entry, store)
    elif store and entry.key in WITHOUT_EFFECT:
        file.remark(entry.line, f"{entry.key} {WITHOUT_EFFECT[entry.key]}")
    elif not (store and entry.key in READ_AT_START):
        near = nearest(entry.key, known)
        asked = f"; the nearest one is {near}" if near else ""
        file.remark(entry.line, f"{entry.key} is no property of this program and has no effect{asked}")


def _old_spelling(file: PropertiesFile, entry: Entry, store: MessageStoreConfig) -> None:
    old = SPELLINGS[entry.key]
    winner = file.in_force().get(old.name)
    if winner:
        file.remark(entry.line, f"{entry.key} is overruled by {old.name}={winner.value} in line {winner.line}")
        return
    text = old.read(entry.value)
    if _set(file, entry, store, old.name, text):
        entries = " entries" if text != entry.value else ""
        in_force = vars(store)[store.rows[old.name].attribute]
        store.origins[old.name] = f"{entry.key}={entry.value}{entries}, {file.path}:{entry.line}"
        told = f"{old.name}={in_force} is in force, from the old spelling {entry.key}={entry.value}{entries}"
        file.remark(entry.line, told, logging.INFO, quiet=True)


def _derived_path(file: PropertiesFile, entry: Entry, store: MessageStoreConfig) -> None:
    """Paths below the root are not chosen one by one; the root may stand anywhere in the file."""
    root = file.in_force().get("storePathRootDir")
    base = root.value if root and root.value else store.store_path_root_dir
    used = f"{base}/{DERIVED_PATHS[entry.key]}"
    if os.path.normpath(entry.value) != os.path.normpath(used):
        file.remark(entry.line, f"{entry.key}={entry.value} is not used: {used} is, which follows storePathRootDir")


def nearest(key: str, known: set[str], likeness: float = 0.75) -> str:
    """The known key that is most like it, by at least so much of 1, or nothing; case does not count."""
    import difflib  # only a wrong key pays for it

    by_lower = {name.lower(): name for name in known}
    found = difflib.get_close_matches(key.lower(), by_lower, 1, likeness)
    return by_lower[found[0]] if found else ""
