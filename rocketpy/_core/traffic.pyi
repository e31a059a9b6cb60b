"""Counts by topic and by topic and group, and their samples of a minute, an hour and a day (spans 0, 1, 2)."""

class Item:
    """One key's counts since the start; the fast lane adds to them in place."""

    key: str

    def count(self, nums: int, size_bytes: int, times: int = 1) -> None:
        """So many messages with records of so many bytes, in `times` requests."""

    def raise_to(self, nums: int) -> None:
        """Set the number of messages, for an item that is the sum of others."""

    def note_read(self, queue_id: int, took_ms: int) -> None:
        """A pull got messages of this queue; reading them took so long."""

    def note_distance(self, queue_id: int, behind_bytes: int, behind_ms: int) -> None:
        """How far a pull was behind: bytes to the log's end, and the last message's age; -1: not known."""

    @property
    def total(self) -> tuple[int, int, int]:
        """(messages, bytes of their records, requests)."""


class Items:
    """The items of one kind, `limit` at most: what comes above is counted together, and found under no key."""

    name: str
    limit: int

    def __init__(self, name: str, limit: int) -> None: ...
    def __len__(self) -> int: ...
    @property
    def is_full(self) -> bool:
        """Whether new keys are counted together."""

    def item(self, key: str) -> Item:
        """The item of a key, made if there is none."""

    def find(self, key: str) -> Item | None:
        """The item of a key that counted something."""

    def keys(self) -> list[str]:
        """Keys that counted something."""

    def remove(self, key: str) -> None:
        """Forget an item; what it counted stays in `total`."""

    def remove_pairs(self, beginning: str, ending: str) -> None:
        """Forget the items whose keys begin and end so."""

    def remove_resting(self) -> int:
        """Forget items that counted nothing in the last 24 hours; how many."""

    def total(self) -> int:
        """Messages of all items, and of those that are gone."""

    def begin_sample(self, span: int, now_ms: int) -> int:
        """A new sample of a span begins; how many items there are to take one of."""

    def sample(self, span: int, first: int, behind: int) -> None:
        """Take the samples of the items from place `first` on, those before `behind`."""

    def window(self, item: Item, span: int, of_bytes: bool) -> tuple[int, float, float]:
        """(sum, a second, a request) of what lies between the first and the last sample; the rate of one is NaN."""

    def moved(self, span: int, of_bytes: bool, first: int, behind: int) -> list[tuple[str, int, float, float]]:
        """(key, *window) of the items from place `first` to `behind` whose sum is not 0."""

    def slow_queues(self, span: int, first: int, behind: int) -> list[tuple[str, int, float, float]]:
        """(queueId@key, *queue_window) of their queues likewise."""

    def distances(self, first: int, behind: int) -> list[tuple[str, int, int]]:
        """(queueId@key, bytes, milliseconds) that their last pulls were behind; -1: not known."""

    def queue_window(self, item: Item, queue_id: int, span: int) -> tuple[int, float, float] | None:
        """The same of the milliseconds that reading a queue took; None when no pull got messages from it."""
