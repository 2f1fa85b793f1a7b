"""What is filling in any prompt, whoever wrote it: code, addresses, quotations, numbers, slots.

Each becomes one marker, so that two fillings look alike. docs/fingerprints.md, section 5.2.
"""

from __future__ import annotations

import re
import unicodedata

SLOT = "\u25a1"  # one character that no prompt's skeleton needs

_KINDS = (
    r"```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)",  # fenced code, also without an end
    r"https?://\S+|www\.\S+",
    r"[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64})+",
    r"\{\{[^{}\n]{0,80}\}\}|\$?\{[\w .-]{0,80}\}|<[/!]?[a-z][^<>\n]{0,80}>|\[[\w .-]{1,40}\]",
    r"`[^`\n]{1,400}`|\"[^\"\n]{1,400}\"|“[^”\n]{1,400}”|«[^»\n]{1,400}»|「[^」\n]{1,400}」",
    r"(?<!\w)'[^'\n]{1,400}'(?!\w)|``[^`\n]{1,400}''",
    r"[+-]?\d[\d.,:/%-]*\w*",
)
_FILLING = re.compile("|".join(_KINDS), re.DOTALL | re.IGNORECASE)


def mask(text: str) -> str:
    """Replace what is filling by `□`, after NFKC; line breaks and letters' case stay."""
    return _FILLING.sub(SLOT, unicodedata.normalize("NFKC", text))
