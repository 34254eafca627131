"""What an endpoint can and cannot do, found out by asking and, if wanted, by trying."""

from bucketline.engines.doctor.finding import Finding
from bucketline.engines.doctor.reads import examine
from bucketline.engines.doctor.writes import try_writes

__all__ = ["Finding", "examine", "try_writes"]
