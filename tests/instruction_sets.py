"""The instruction sets that this machine runs, best first: what fixtures and tests go through."""

import pylstm

ISAS: list[str] = pylstm.show_config()["isa"]["supported"]
# What AVX-512 may have beyond itself changes nothing in bulk passes.
BULK_ISAS = [name for name in ISAS if not name.startswith("avx512") or name == "avx512"]
