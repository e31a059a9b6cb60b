"""Line and column of a character, counted as upstream's parser counts them; both begin with 1."""

TAB_SIZE = 8


def place_of(text: str, at: int) -> tuple[int, int]:
    """Of `text[at]`; the end of the text is where its last character is. Columns are UTF-16 units, tabs go to every
    8th; a line ends with CR LF, LF or CR, which belong to it (SimpleCharStream.java).
    """
    line, column = 1, 0
    before = ""
    for character in text[: at + 1]:
        if before == "\n" or (before == "\r" and character != "\n"):
            line, column = line + 1, 0
        column += 1 if character < "\U00010000" else 2
        if character == "\t":
            column += -column % TAB_SIZE
        before = character
    return line, max(column, 1)
