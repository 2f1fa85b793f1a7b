"""What a group of accounts looks like, by name: what detectors of groups may read, and what it is."""

from __future__ import annotations

from detectors.interface.columns import MANNERS

OF_WHOLE = {
    "members": "log2 of how many accounts hold it now",
    "parties": "log2 of how many parties they are; an organisation is one",
    "buckets": "log2 of one more than the templates that are joined in it",
    "share": "mean share of a member's requests that are made with the group's value",
    "faithful": "share of members of whose requests 40 % are",
    "two_values": "share of members who use two of its templates",
    "volume_spread": "standard deviation of members' log volumes",
    "age_spread": "the same of the logs of their ages",
    "share_spread": "the same of the shares of their requests",
    "new_2d": "share of members not older than two days",
    "new_7d": "share of members not older than a week",
    "joined_1d": "share of members who came to the value within a day",
    "joined_3d": "the same within three days",
    "capability_alike": "nats by which the pooled mix of capabilities is more even than members' own",
    "hours_alike": "the same of the hours of the day",
    "capability_pooled": "nats; how evenly the group's requests fall on capabilities",
    "hours_pooled": "the same of the hours of the day",
    "born_together": "share of members created within hours of another",
}
# What members hold beside the group's own value.
OF_OTHERS = (
    "card",
    "device",
    "prefix",
    "network",
    "organisation",
    "referral",
    "system",
    "client",
    "country",
)
OF_ONE_OTHER = {
    "known": "share of members who have one",
    "top": "of those, share on the most common",
    "top3": "share on the three most common",
    "shared": "share whose value another member has too",
    "small": "the same where fewer than half the members have it",
    "cells": "log2 of one more than the number of such small cells",
}
OF_MEMBER = {
    "volume": "log volume",
    "output_length": "log tokens out a request",
    "input_length": "log tokens in a request",
    "pace": "log requests an active minute",
    "cot_score": "mean score of prompts for eliciting reasoning",
    "grading_score": "mean score of prompts for grading",
    "capability_entropy": "how evenly requests fall on capabilities",
    "hours_entropy": "how evenly they fall on the hours of the day",
    "age": "log age",
    "age_at_first": "log age at the first request",
    **{f"{name}_share": f"share of requests counted as {name}" for name in MANNERS},
    "unworded_share": "share of requests that resemble no other of the account",
}

LOOKS: dict[str, str] = {
    **OF_WHOLE,
    **{
        f"{other}_{name}": f"of members' {other}: {what}"
        for other in OF_OTHERS
        for name, what in OF_ONE_OTHER.items()
    },
    **{
        f"mean_{name}": f"members' mean, in standard deviations from the stream's: {what}"
        for name, what in OF_MEMBER.items()
    },
}
