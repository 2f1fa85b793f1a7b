"""Prompts of frameworks as text, so that their template_fp is a fingerprint and not a random number.

Fingerprints of texts lie as texts do: frameworks ask for much the same in much the same words, so some
lie near each other, which numbers drawn at random never do. What each account asks in its own words
stays drawn (worlds/draw.py): a text for each of millions of events would cost more than all else.
"""

from __future__ import annotations

import numpy as np

from hydrawatch.fingerprints import Keys
from worlds.randomness import Words

_KEYS = Keys(b"the key of simulated gateways", 1)  # a world has one, and it is no secret

_ROLES = (
    "",
    "You are a helpful assistant. ",
    "You are an expert in {role}. ",
    "Act as a careful {role} who never guesses. ",
    "Use only the context below; if it does not hold the answer, say that you do not know. ",
)
_TASKS = (
    "Answer the question",
    "Summarize the following document",
    "Translate the text below into {language}",
    "Classify the message into one of these categories: {categories}",
    "Extract every date and every amount from the input",
    "Rewrite the paragraph in the style of {author}",
    "Write a function in Python that does what the description says",
    "Compare the two passages and list what contradicts",
    "Think about the task and choose the next tool",
    "Given the conversation, rephrase the last question so that it stands alone",
    "Grade the response against the rubric from 1 to 5",
    "Generate ten questions that this passage answers",
    "Explain the code step by step",
    "Correct the grammar of the sentence",
)
_MANNERS = (
    "",
    " in two sentences",
    " as bullet points",
    ", and respond with JSON only",
    ", step by step",
    ", in the language of the user",
    " in at most {number} words",
)
_ENDS = (
    "\n\n{text}",
    "\n\nContext: {text}\nQuestion: {text}\nHelpful answer:",
    "\nText: {text}\nOutput:",
    "\n\n### Input\n{text}\n\n### Response\n",
    "\n- do not explain\n- do not apologize\n\n{text}",
    "\nHistory: {text}\nHuman: {text}\nAssistant:",
)


def framework_prompt(number: int) -> str:
    """Compose the framework's prompt of a number, its slots unfilled; the same for the same number."""
    parts = []
    for choices in (_ROLES, _TASKS, _MANNERS):
        number, chosen = divmod(number, len(choices))
        parts.append(choices[chosen])
    return f"{''.join(parts)}.{_ENDS[number % len(_ENDS)]}"


def framework_templates(numbers: Words) -> Words:
    """Fingerprint the framework's prompt of each number."""
    found = (_KEYS.template_fp(framework_prompt(int(number))) for number in numbers)
    return np.array([int(value or "1", 16) for value in found], dtype=np.uint64)
