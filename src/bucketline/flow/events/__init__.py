"""What a service tells of changes in a bucket: hints, which a store then confirms or denies."""

from __future__ import annotations

from bucketline.flow.events.feed import Feed, Message
from bucketline.flow.events.hints import Hint, heard
from bucketline.flow.events.hook import Door, Hook
from bucketline.flow.events.since import Since
from bucketline.flow.events.sqs import Queue

__all__ = ["Door", "Feed", "Hint", "Hook", "Message", "Queue", "Since", "heard"]
