"""How Python's names are spelled on the wire."""


def camel(attribute: str) -> str:
    """`queue_id` as upstream spells it: `queueId`."""
    first, *others = attribute.split("_")
    return first + "".join(word.capitalize() for word in others)
