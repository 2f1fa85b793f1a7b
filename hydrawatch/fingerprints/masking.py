"""What is filling in any prompt, whoever wrote it: code, addresses, quotations, numbers, slots.

Each becomes one character, so that two fillings look alike; and a long text becomes its two ends,
so that the work is bounded. docs/fingerprints.md, section 5.1 and 5.2.
"""

from __future__ import annotations

import re
import unicodedata

SLOT = "_"  # what stands for a filling; underscores of the text are slots too, as in a form
END = 4096  # characters kept of each end

_QUOTED = 400  # longest quotation; beyond it a quotation mark is one that nobody closed
# The first character class lets the search skip to where a filling may begin; each case looks back at it.
_FILLING = re.compile(
    r"""[`~hw\{\[<"“«「『'0-9٠-٩](?:"""
    + "|".join(
        (
            r"(?<=[0-9٠-٩])[0-9٠-٩.,:/%-]*\w*",
            rf"(?<=\")[^\"\n]{{1,{_QUOTED}}}\"",
            rf"(?<=“)[^”\n]{{1,{_QUOTED}}}”",
            rf"(?<=«)[^»\n]{{1,{_QUOTED}}}»",
            rf"(?<=「)[^」\n]{{1,{_QUOTED}}}」",
            rf"(?<=『)[^』\n]{{1,{_QUOTED}}}』",
            rf"(?<=')(?<!\w')(?=[^\s'])[^'\n]{{0,{_QUOTED - 1}}}[^\s']'(?!\w)",
            r"(?<=`)``.*?(?:```|\Z)",
            r"(?<=~)~~.*?(?:~~~|\Z)",
            rf"(?<=`)`[^`'\n]{{1,{_QUOTED}}}''",
            rf"(?<=`)[^`\n]{{1,{_QUOTED}}}`",
            r"(?<=\{)\{?[^{}\n]{1,80}\}\}?",
            r"(?<=<)[/!]?[a-z][^<>\n]{0,80}>",
            r"(?<=\[)[\w .-]{1,40}\]",
            r"(?<=h)(?<!\wh)ttps?://\S+",
            r"(?<=w)(?<!\ww)ww\.\S+",
        )
    )
    + ")",
    re.DOTALL,
)
_MAIL = re.compile(r"[\w.+-]{1,64}@[\w.-]{1,128}")
_ALIKE = (
    *(("’", "'"), ("‘", "'"), ("„", '"')),
    *(("。", "."), ("।", "."), ("、", ","), ("،", ","), ("؛", ";"), ("؟", "?")),
)


def mask(text: str) -> str:
    """Fold a text (NFKC, lower case, its two ends if it is long) and put `_` for what is filling."""
    folded = fold(text)
    if "@" in folded:
        folded = _MAIL.sub(SLOT, folded)
    return _FILLING.sub(SLOT, folded)


def fold(text: str) -> str:
    """Give a text's two ends in NFKC and lower case, with one form of quotes and full stops."""
    kept = ends(text)
    if kept.isascii():
        return kept.lower()
    folded = ends(unicodedata.normalize("NFKC", kept)).lower()
    for written, common in _ALIKE:
        folded = folded.replace(written, common)
    return folded


def ends(text: str) -> str:
    """Give the first and the last `END` characters of a text, a line break between; a short text whole."""
    return text if len(text) <= 2 * END else f"{text[:END]}\n{text[-END:]}"
