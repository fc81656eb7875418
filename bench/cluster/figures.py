"""The figures of a cluster, by the name under which they are asked for."""

from . import failure, latency, wire

FIGURES = {**latency.FIGURES, **wire.FIGURES, **failure.FIGURES}
