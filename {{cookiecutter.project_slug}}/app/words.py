"""Words of a text, as an index holds them."""

import re

LONGEST = 32
"""What a word has beyond that is not kept."""
# Scripts without spaces, and pictures.
_SIGNS = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\u2600-\u27bf\U0001f000-\U0001faff"
_WORD = re.compile(f"[^\\W_{_SIGNS}]+|\\S")


def words_of(*texts: str) -> set[str]:
    """Return the words of the texts in lower case; a mark, a picture or a sign of a script without spaces is one too."""
    return {word[:LONGEST] for text in texts for word in _WORD.findall(text.lower())}
