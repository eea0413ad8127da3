"""The calendar of chunks: decides where each chunk of a model's time starts, in the model's own zone."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from mlops_core.entities import ChunkSize, ModelSpec

LONGEST = {
    ChunkSize.HOUR: timedelta(hours=1),
    ChunkSize.DAY: timedelta(days=1),
    ChunkSize.WEEK: timedelta(days=7),
    ChunkSize.MONTH: timedelta(days=31),
}
"""How long a chunk is, or a month at most."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Consecutive chunks of equal length."""

    start: datetime
    """Start of the first chunk, aware UTC."""
    end: datetime
    """End of the last chunk, exclusive."""
    length: timedelta


def find_chunk(spec: ModelSpec, moment: datetime) -> datetime:
    """Give the start of the chunk that an instant falls in, aware UTC."""
    local = moment.astimezone(ZoneInfo(spec.timezone))
    if spec.chunk is ChunkSize.HOUR:
        # The hour that a clock shows twice is two chunks, which the way back from the clock could not tell apart.
        past = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
        return moment.astimezone(UTC) - past
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    if spec.chunk is ChunkSize.WEEK:
        midnight -= timedelta(days=midnight.weekday())
    if spec.chunk is ChunkSize.MONTH:
        midnight = midnight.replace(day=1)
    return midnight.astimezone(UTC)


def next_chunk(spec: ModelSpec, chunk: datetime) -> datetime:
    """Give the start of the chunk after this one; days are as long as the zone makes them."""
    if spec.chunk is ChunkSize.HOUR:
        return chunk.astimezone(UTC) + timedelta(hours=1)
    # Where the clocks change at midnight, a day starts at 01:00; the next one does not.
    local = chunk.astimezone(ZoneInfo(spec.timezone)).replace(hour=0)
    if spec.chunk is ChunkSize.MONTH:
        following = (local.replace(day=1) + timedelta(days=32)).replace(day=1)
    else:
        following = local + LONGEST[spec.chunk]
    return following.astimezone(UTC)


def find_runs(spec: ModelSpec, first: datetime, last: datetime) -> list[Run]:
    """Give the chunks from that of one instant to that of another, as few runs as their lengths allow.

    With them an engine finds a row's chunk by whole numbers alone, without a calendar of its own.
    """
    runs: list[Run] = []
    for start, end, length in _list_stretches(spec, find_chunk(spec, first), last):
        if runs and runs[-1].length == length and runs[-1].end == start:
            runs[-1] = Run(start=runs[-1].start, end=end, length=length)
        else:
            runs.append(Run(start=start, end=end, length=length))
    return runs


def _list_stretches(spec: ModelSpec, first: datetime, last: datetime) -> Iterator[tuple[datetime, datetime, timedelta]]:
    """Give spans of equal chunks in order: each chunk alone, or a day's hours at once."""
    start = first
    while start <= last:
        if spec.chunk is ChunkSize.HOUR:
            end = find_chunk(spec, start + timedelta(days=1))
            yield start, end, LONGEST[ChunkSize.HOUR]
        else:
            end = next_chunk(spec, start)
            yield start, end, end - start
        start = end
